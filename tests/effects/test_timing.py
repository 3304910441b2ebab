"""When people respond: planted best times are found, planted nulls are left alone. No engine. Costs about 1 s."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from jobs.audiences.learned_times import window
from jobs.config.actions.audiences import Audience, Learn, When
from jobs.config.wrong import ConfigError
from jobs.effects import timing
from jobs.effects.timing import Counted, judged
from jobs.lake.database import database_of
from jobs.lake.tables import catalogue
from tests.activation.small_company import CONFIG

DAY = dt.date(2017, 6, 30)
LEARN = Learn(of=["days", "hours"])
WHEN = When(since="basket_age_days", at_least=1, at_most=14, learn=LEARN)


def fine(rows):
    return [row["value"] for row in rows if row["fine"]]


def drawn(rates, sent=400, seed=0):
    chance = np.random.default_rng(seed)
    return {value: Counted(sent, int(chance.binomial(sent, rate))) for value, rate in rates.items()}


def test_planted_good_hours_are_found_and_all_others_ruled_out():
    rates = {hour: 0.20 if hour in (18, 19) else 0.03 for hour in range(8, 22)}
    for seed in range(50):
        rows = judged(drawn(rates, seed=seed), LEARN)
        assert fine(rows) == [18, 19]
    assert rows[0]["said"].endswith("responses: not at 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21")


def test_where_no_hour_is_better_hardly_any_is_ever_ruled_out():
    rates = dict.fromkeys(range(24), 0.05)
    wrong = sum(len(fine(judged(drawn(rates, 100, seed), LEARN))) < 24 for seed in range(400))
    assert wrong / 400 <= 0.05


def test_with_too_few_responses_what_the_action_declares_holds():
    rows = judged({9: Counted(500, 1), 18: Counted(500, 28)}, LEARN)
    assert fine(rows) == [9, 18]
    assert rows[0]["said"] == "29 of 30 responses: what the action declares holds"
    assert fine(judged({9: Counted(500, 1), 18: Counted(500, 29)}, LEARN)) == [18]
    assert judged({}, LEARN) == []


def test_a_time_at_which_many_unsubscribe_is_ruled_out_however_many_order_then():
    rows = judged({1: Counted(400, 80, 40), 2: Counted(400, 30, 0), 3: Counted(400, 28, 1)}, LEARN)
    assert fine(rows) == [2, 3], "too early is creepy"
    every = judged({1: Counted(400, 80, 40), 2: Counted(400, 30, 40)}, LEARN)
    assert (fine(every), every[0]["said"]) == (
        [1, 2], "more than 2.0% refuse whenever it is sent: what the action declares holds")  # fmt: skip


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, (1, 14)),
        ({1: False, 2: False, 3: True, 7: True, 9: False}, (3, 8)),
        ({1: True, 5: False, 9: True}, (1, 14)),
        ({0: False, 20: False, 4: True}, (1, 14)),
        ({4: False}, (1, 14)),
    ],
)
def test_the_window_leaves_out_first_and_last_days_that_are_not_fine_and_never_goes_beyond_the_guard(known, expected):
    assert window([{"value": value, "fine": is_fine} for value, is_fine in known.items()], WHEN) == expected


def table(name, *rows):
    schema = catalogue.get(name).arrow_schema()
    return pa.Table.from_pylist([{column: row.get(column) for column in schema.names} for row in rows], schema)


def test_a_message_is_counted_by_age_and_hour_of_the_customer_when_its_days_have_passed():
    action = Audience(**{**CONFIG["audiences/winback.yaml"], "when": WHEN.model_dump()})

    def at(hour, day=10):
        return dt.datetime(2017, 6, day, hour, tzinfo=dt.UTC)

    def contact(number, customer, type_, moment, subject=None):
        return {"touchpoint_id": str(number), "customer_id": customer, "type": type_, "occurred_at": moment,
                "day": moment.date(), "subject": subject}  # fmt: skip

    sent = [contact(n, f"c{n}", "sent", at(16), "winback") for n in range(3)]
    others = [contact(9, "c0", "sent", at(16), "news"), contact(10, "c0", "sent", at(8, 29), "winback"),
              contact(11, "c0", "order", at(20)), contact(12, "c1", "order", at(20, 25))]  # fmt: skip
    refusal = {"feedback_id": "f", "at": at(17), "kind": "unsubscribe", "customer_id": "c1", "audience": "winback"}
    inside = [{"day": dt.date(2017, 6, 10), "audience": "winback", "customer_id": f"c{n}", "zone": zone,
               "evidence": f'{{"basket_age_days": {n + 1}}}'}
              for n, zone in enumerate((None, "Asia/Tokyo"))]  # fmt: skip
    with database_of(
        touchpoints=table("journeys/touchpoints", *sent, *others),
        feedback=table("activation/feedback", refusal),
        members=table("audiences/members", *inside),
    ) as database:
        found = database.execute(timing._query("winback", action, DAY)).fetchall()
    rows = timing._rows("winback", action, found, DAY, "Europe/Amsterdam")
    assert [(row["times"], row["value"], row["sent"], row["responded"], row["refused"]) for row in rows] == [
        ("days", 1, 1, 1, 0), ("days", 2, 1, 0, 1), ("hours", 1, 1, 0, 1), ("hours", 18, 2, 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ({"at_least": 1}, "when: since: say of which column at_least and at_most are days"),
        ({"since": "recency_days", "at_least": 1}, "at_least: `since` needs at_least and at_most"),
        ({"since": "recency_days", "at_least": 9, "at_most": 2}, "at_most: 2 is less than at_least 9"),
        ({"learn": {"of": ["days"]}}, "learn: to learn days say `since`"),
    ],
)
def test_a_time_that_cannot_be_is_refused(settings, when, told):
    files = {**CONFIG, "audiences/winback.yaml": {**CONFIG["audiences/winback.yaml"], "when": when}}
    with pytest.raises(ConfigError) as error:
        settings(files)
    assert told in str(error.value)
