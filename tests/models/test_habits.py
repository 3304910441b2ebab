"""What customers like and come back for; what is sensitive, only with consent. Costs 6 seconds."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from jobs.activity import traits
from jobs.config.models.habits import Habit
from jobs.config.yaml_files import ConfigError
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.models import checks, models, scoring
from jobs.models.habits import habits, preferences
from tests.company import FOR_PEOPLE
from tests.models.shop_rows import table

DAY = dt.date(2018, 6, 30)
TRAITS = {
    "recency_days": {"title": "Days since", "over": "orders", "value": "min(days_ago)", "type": "bigint"},
    "orders_90d": {"title": "Orders", "over": "orders", "days": 90, "value": "count(*)", "type": "bigint"},
    "revenue_90d": {"title": "Kept", "over": "orders", "days": 90, "value": "sum(total)", "type": "decimal(18,2)"},
}
PLAIN = {"rows_of": "orders_90d", "column": "channel"}
DECLARED = {
    "kind": "habits",
    **FOR_PEOPLE,
    "preferences": {
        "channel": PLAIN,
        "diet": {**PLAIN, "column": "store_id", "sensitive": True, "purpose": "marketing"},
    },
    "recurring": {"store": {"rows_of": "recency_days", "column": "store_id"}},
    "minimum_confidence": 0.1,
}


@pytest.fixture
def company(model_settings):
    """Orders of three customers: all yearly in one shop, mostly by web; one said yes, one said no, one said nothing."""
    files = {"traits.yaml": {"traits": TRAITS}, "models/habits.yaml": DECLARED}
    settings = model_settings({"features": list(TRAITS)}, files)
    settings = replace(settings, learned={"habits": settings.learned["habits"]})
    lake = Lake.of(settings)
    days = [dt.date(year, 7, 4) for year in (2015, 2016, 2017)] + [DAY - dt.timedelta(days=n) for n in range(9)]
    orders = []
    for card in ("yes", "no", "silent"):
        for number, day in enumerate(days):
            at = dt.datetime.combine(day, dt.time(12), dt.UTC)
            kept = {"source": "pos", "file_id": "f", "status": "completed", "total": 10}
            where = {"channel": "store" if number == 5 else "web", "store_id": "kosher" if number < 3 else f"s{number}"}
            orders.append({**kept, **where, "order_id": f"{card}{number}", "loyalty_id": card, "ordered_at": at,
                           "updated_at": at, "arrived": day, "line": number})  # fmt: skip
    lately = [{**one, "order_id": one["order_id"] + "b", "store_id": "kosher"} for one in orders if one["line"] > 2]
    people = [{"identifier": identifier_hash("loyalty", card, settings), "kind": "loyalty", "customer_id": card}
              for card in ("yes", "no", "silent")]  # fmt: skip
    said = [{"customer_id": card, "purpose": "marketing", "channel": "email", "status": status}
            for card, status in (("yes", "granted"), ("no", "withdrawn"))]  # fmt: skip
    lake.append("valid/orders", table("valid/orders", orders + lately), lake.transaction("load", DAY))
    lake.replace("identity/map", table("identity/map", people), lake.transaction("identify", DAY))
    lake.replace("profiles/consent", table("profiles/consent", said), lake.transaction("consent", DAY))
    traits.run(DAY, settings)
    return settings, lake


def test_favourites_are_told_of_everybody_and_what_is_sensitive_only_of_who_said_yes(company):
    settings, lake = company
    result = models.train("habits", DAY, settings)
    assert result["decision"] == "promoted"
    assert models.train("habits", DAY, settings) == result
    scored = scoring.run(DAY, settings)
    before = [lake.content_hash(name) for name in habits.ANSWERS]
    assert scoring.run(DAY, settings) == scored
    assert [lake.content_hash(name) for name in habits.ANSWERS] == before

    liked = lake.arrow("models/preferences", day=DAY).to_pylist()
    told = {(row["customer_id"], row["about"]): (row["favourite"], row["rows"]) for row in liked}
    assert told == {
        ("no", "channel"): ("web", 21),
        ("silent", "channel"): ("web", 21),
        ("yes", "channel"): ("web", 21),
        ("yes", "diet"): ("kosher", 21),
    }
    assert all(row["low"] <= row["share"] <= row["high"] for row in liked)
    web = next(row for row in liked if row["about"] == "channel")
    assert (web["share"], web["usual"]) == (0.9048, 0.904762)


def test_what_comes_back_every_year_is_expected_and_due_in_its_window(company):
    settings, lake = company
    early = dt.date(2018, 6, 1)
    for name, day in (("later", early), ("due", DAY)):
        traits.run(day, settings)
        models.train("habits", day, settings)
        scoring.run(day, settings)
        yearly = [row for row in lake.arrow("models/recurrences", day=day).to_pylist() if row["every"] == "year"]
        if name == "later":
            assert {row["item"] for row in yearly} == {"kosher"}
            assert {str(row["next_on"]) for row in yearly} == {"2018-07-04"}
            scores = lake.arrow("models/scores", day=day).to_pylist()
            assert {(row["score"], row["label"]) for row in scores} == {(33.0, "later")}
            assert scores[0]["reasons"][0] == "kosher: every year, 3 times so far"


def test_what_comes_next_is_soon_then_due():
    coming = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "about": "item",
            "item": ["tea", "gift", "tea"],
            "every": ["17 days", "year", "17 days"],
            "times": [4, 3, 5],
            "next_from": [DAY, DAY + dt.timedelta(days=90), DAY + dt.timedelta(days=6)],
            "next_on": [DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=97), DAY + dt.timedelta(days=7)],
            "next_until": [DAY + dt.timedelta(days=2), DAY + dt.timedelta(days=104), DAY + dt.timedelta(days=8)],
        }
    )
    for soon, label in ((7, "soon"), (5, "later")):
        found = habits.next_of(coming, DAY, soon)
        assert found[["customer_id", "score", "label"]].values.tolist() == [["a", 1.0, "due"], ["b", 7.0, label]]
    assert habits.next_of(coming.iloc[:0], DAY, 7).empty


def test_a_favourite_needs_enough_rows_to_be_sure_and_two_as_often_are_none():
    def of(**rows):
        counts = pd.DataFrame([("c", "brand", value, n) for value, n in rows.items()],
                              columns=["customer_id", "about", "value", "rows"])  # fmt: skip
        found = preferences.favourites(counts, preferences.usual_shares(counts), 0.3, 3)
        return found["favourite"].tolist()

    assert of(a=9, b=1) == ["a"]
    assert of(a=2) == [], "two rows are too few"
    assert of(a=2, b=1) == [], "the share may be anything from a fifth"
    assert of(a=30, b=30) == []
    assert of(a=30, b=29) == ["a"]


@pytest.mark.parametrize("column", ["chanel", "loyalty_id"])
def test_a_column_that_rows_do_not_have_or_that_identifies_a_person_is_refused(company, column):
    settings, _ = company
    declared = settings.learned["habits"]
    wrong = declared.model_copy(update={"preferences": {"channel": Habit(rows_of="orders_90d", column=column)}})
    settings = replace(settings, learned={"habits": wrong})
    [told] = checks.check(settings)
    assert f"preferences.channel.column: unknown column {column!r}" in told
    with pytest.raises(ConfigError, match="unknown column"):
        models.train("habits", DAY, settings)
