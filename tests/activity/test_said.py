"""What customers said stands beside the touchpoint, as it was known on a day, on both engines. Costs 3 CPU seconds."""

import datetime as dt

import pytest

from jobs.activity.contact_rows import COLUMNS
from jobs.activity.said import with_said
from jobs.config.texts import SAYS

DAY, LATER = dt.date(2017, 6, 30), dt.date(2017, 7, 5)


def text(dataset, reference, at, sentiment, tone, arrived=None, **more):
    return {"dataset": dataset, "source": "s", "reference": reference, "written_at": at, "arrived": arrived or at[:10],
            "sentiment": sentiment, "tone": tone, **more}  # fmt: skip


TEXTS = [
    text("reviews", "r1", "2017-06-01 10:00:00", -0.9, "negative"),
    text("reviews", "r1", "2017-06-02 10:00:00", 0.5, "positive", arrived="2017-07-02"),
    text("messages", "m1", "2017-06-01 10:00:00", -0.8, "negative", thread="d1", theme="late"),
    text("messages", "m2", "2017-06-01 10:05:00", -0.1, "neutral", thread="d1", intent="refund", theme="other"),
    text("messages", "m3", "2017-06-01 11:00:00", 0.9, "positive", thread="d1", arrived="2017-07-01"),
    text("messages", "m4", "2017-06-01 11:00:00", None, None, thread="d2"),
]


@pytest.fixture
def told(rows):
    """`told(dataset, [(type, reference)], days)`: (reference, type, day or None) to SAYS, of these touchpoints."""

    def build(dataset, contacts, days, periods=None):
        found = rows("journeys/touchpoints", *[{"source": "s", "type": t, "reference": r, "touchpoint_id": f"{t}:{r}"}
                                               for t, r in contacts])  # fmt: skip
        if periods:
            begin, end = (f"date '{day}' as {name}" for day, name in zip(periods, ("known_from", "known_until"),
                                                                        strict=True))  # fmt: skip
            found = found.selectExpr("*", begin, end)
        (part,) = with_said([found], dataset, rows("models/texts", *TEXTS), days)
        assert [name for name in COLUMNS if name not in part.columns] == []
        return {(row["reference"], row["type"], str(row["known_from"]) if periods else None):
                tuple(row[name] for name in SAYS) for row in part.collect()}  # fmt: skip

    return build


def test_the_newest_text_that_was_known_on_the_day_counts(on_engine, told):
    contacts = [("review", "r1"), ("review", "r2")]
    then, now = (told("reviews", contacts, [day]) for day in (DAY, LATER))
    assert then == {("r1", "review", None): (-0.9, "negative", None, None), ("r2", "review", None): (None,) * 4}
    assert now["r1", "review", None] == (0.5, "positive", None, None)


def test_a_conversation_sounds_as_its_messages_do_together_and_its_end_is_for_the_rating(on_engine, told):
    contacts = [("conversation", "d1"), ("resolution", "d1"), ("conversation", "d2")]
    found = told("conversations", contacts, [DAY])
    assert found == {
        ("d1", "conversation", None): (-0.45, "negative", "refund", "late"),
        ("d1", "resolution", None): (None,) * 4,
        ("d2", "conversation", None): (None,) * 4,
    }
    assert told("conversations", contacts, [LATER])["d1", "conversation", None] == (0.0, "neutral", "refund", "late")


def test_days_of_the_past_know_no_text_that_came_after_them(on_engine, told):
    found = told(
        "conversations", [("conversation", "d1"), ("conversation", "d3")], [DAY, LATER], ("2017-06-30", "9999-12-31")
    )
    assert found == {
        ("d1", "conversation", "2017-06-30"): (-0.45, "negative", "refund", "late"),
        ("d1", "conversation", "2017-07-05"): (0.0, "neutral", "refund", "late"),
        ("d3", "conversation", "2017-06-30"): (None,) * 4,
    }


def test_datasets_without_texts_stay_as_they_are(told):
    assert told("orders", [("order", "o1")], [DAY]) == {("o1", "order", None): (None,) * 4}
