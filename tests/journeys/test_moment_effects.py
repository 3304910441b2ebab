"""Which moments matter, on rows: what came before and after visits, planted effects, and moments beside other contacts.

About 12 seconds, with the engine started.
"""

import datetime as dt
import random

import pytest
from scipy.stats import binom

from jobs.config.journey.journey import Journey
from jobs.config.journey.moment_effects import MomentEffects
from jobs.journeys.moments.contrast import contrast, counts, hours, of_kinds
from jobs.journeys.moments.effects import effects, followed, profiles, wanted, window
from jobs.journeys.paths.funnels import Days

LAST = dt.date(2017, 4, 30)
TODAY = Days.up_to(LAST, 1, "Europe/Amsterdam")
RULES = MomentEffects(days=30, within_days=10, lookback_days=60)
DAYS = window(RULES, TODAY)  # 22 March to 20 April
START = dt.datetime(2017, 3, 25, 10, tzinfo=dt.UTC)
GAP = 30
TYPE = {"signals": {"seen": {"when": "true"}}, "expires_after_minutes": 60, "served_when": "true"}
JOURNEY = Journey.model_validate(
    {
        "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
        "moments": {"know": TYPE, "go": TYPE, "buy": TYPE},
    }
)


def touch(customer, type_, at, name=None, **columns):
    name = name or f"{customer}-{type_}-{at:%d%H%M%S}"
    return {
        "touchpoint_id": f"{type_}:{name}", "reference": name, "customer_id": customer, "type": type_,
        "occurred_at": at, "day": at.date(), "nth": 1, **columns,
    }  # fmt: skip


def hour(n, day=0):
    return START + dt.timedelta(hours=n, days=day)


def test_the_window_ends_so_long_ago_that_every_order_in_time_is_known():
    assert (DAYS.first, DAYS.last) == (dt.date(2017, 3, 22), dt.date(2017, 4, 20))


def test_orders_count_from_the_beginning_of_a_visit_and_once_more_from_when_it_was_over(rows):
    def seen(name, *ordered, seconds=600):
        return [touch(name, "visit", START, name, seconds=seconds), *[touch(name, "order", at) for at in ordered]]

    minutes = dt.timedelta(minutes=1)
    touches = [
        *seen("never"),
        *seen("before", START - minutes),
        *seen("at_once", START),
        *seen("in_it", START + 9 * minutes),
        *seen("in_the_pause", START + 39 * minutes),
        *seen("after_it", START + 41 * minutes),
        *seen("in_it_and_after_it", START + 5 * minutes, hour(0, day=9)),
        *seen("on_the_last_second", hour(0, day=10)),
        *seen("too_late", hour(0, day=10) + dt.timedelta(seconds=1)),
    ]
    found = followed(rows("journeys/touchpoints", *touches), RULES, GAP, DAYS).where("type = 'visit'").collect()
    told = {row["reference"]: (row["converted"], row["converted_after"]) for row in found}
    assert told == {
        "never": (False, False),
        "before": (False, False),
        "at_once": (True, False),
        "in_it": (True, False),
        "in_the_pause": (True, False),
        "after_it": (True, True),
        "in_it_and_after_it": (True, True),
        "on_the_last_second": (True, True),
        "too_late": (False, False),
    }


def test_what_came_before_a_visit_is_known_and_what_we_sent_is_no_activity_of_the_customer(rows):
    touches = [
        touch("x", "registration", hour(0, day=-50)),
        touch("x", "order", hour(0, day=-40)),
        touch("x", "order", hour(1, day=-20)),
        touch("x", "visit", hour(0, day=-3), nth=4),
        touch("x", "delivered", hour(0, day=-1)),
        touch("x", "visit", START, nth=5),
        touch("y", "visit", START, nth=1),
    ]
    found = followed(rows("journeys/touchpoints", *touches), RULES, GAP, DAYS).where(f"occurred_at = '{START}'")
    columns = ("orders_before", "visits_before", "days_since_active", "days_since_order")
    assert {row["customer_id"]: tuple(row[c] for c in columns) for row in found.collect()} == {
        "x": (2, 4, 3, 19),
        "y": (0, 0, None, None),
    }


@pytest.fixture
def told(rows):
    """`told(touches, sessions, moments, stages)`: rows of journeys/moment_effects by type and comparison."""

    def of(touches, moments, stages=(), rules=RULES):
        touched = followed(rows("journeys/touchpoints", *touches), rules, GAP, DAYS)
        found = wanted(touched, rows("journeys/sessions"), rows("journeys/moments", *moments), JOURNEY)
        profiled = profiles(found, rows("journeys/stages", *stages), rules, JOURNEY)
        made = effects([row.asDict() for row in profiled.collect()], rules, JOURNEY, TODAY)
        return {(row["type"], row["comparison"]): row for row in made}

    return of


def moment(session, type_, served):
    return {
        "session_id": session,
        "moment_id": f"{session}:{type_}",
        "type": type_,
        "served": served,
        "confidence": 1.0,
    }


def visits(group, number, converted, moments=()):
    """So many customers with a visit each, of which some order a day later."""
    touches, found = [], []
    for n in range(number):
        name = f"{group}{n}"
        touches.append(touch(name, "visit", START, name, seconds=60))
        if n < converted:
            touches.append(touch(name, "order", hour(0, day=1)))
        found += [moment(name, type_, served) for type_, served in moments]
    return touches, found


def test_having_serving_and_failing_a_moment_are_three_effects(told):
    plain, served, failed = (
        visits("p", 10, 2),
        visits("s", 10, 8, [("know", True)]),
        visits("f", 5, 1, [("know", False)]),
    )
    found = told(plain[0] + served[0] + failed[0], served[1] + failed[1])
    numbers = ("visits", "matched", "controls", "rate", "rate_without", "effect", "orders")
    assert {key: tuple(row[n] for n in numbers) for key, row in found.items() if key[0] == "know"} == {
        ("know", "had"): (15, 15, 10, 0.6, 0.2, 0.4, 6.0),
        ("know", "served"): (10, 10, 5, 0.8, 0.2, 0.6, 6.0),
        ("know", "failed"): (5, 5, 10, 0.2, 0.2, 0.0, 0.0),
    }
    assert found["know", "served"]["place"] == 1
    assert all(found["know", comparison]["is_small"] for comparison in ("had", "served", "failed"))
    assert {found["go", comparison]["reason"] for comparison in ("had", "served", "failed")} == {"no visits"}


def test_a_moment_gets_no_credit_for_another_one_of_the_same_visit(told):
    groups = [
        visits("p", 20, 4),
        visits("k", 20, 16, [("know", True)]),
        visits("g", 20, 4, [("go", True)]),
        visits("b", 20, 16, [("know", True), ("go", True)]),
    ]
    found = told([one for group in groups for one in group[0]], [one for group in groups for one in group[1]])
    assert found["know", "had"]["effect"] == 0.6
    assert found["go", "had"]["effect"] == 0.0


def test_only_customers_in_the_same_stage_on_the_day_before_are_alike(told):
    some, others = visits("a", 6, 6, [("know", True)]), visits("b", 6, 0)
    names = [(f"a{n}", "loyalty") for n in range(6)] + [(f"b{n}", "awareness") for n in range(6)]
    day = START.date()
    stages = [
        {"customer_id": name, "stage": stage, "valid_from": day - dt.timedelta(9), "valid_to": day - dt.timedelta(1)}
        for name, stage in names
    ]  # fmt: skip
    now = [{"customer_id": name, "stage": "purchase", "valid_from": day} for name, _ in names]
    assert told(some[0] + others[0], some[1], [*stages, *now])["know", "had"]["reason"] == "none alike"
    alike = [{**row, "stage": "loyalty"} for row in stages]
    assert told(some[0] + others[0], some[1], [*alike, *now])["know", "had"]["effect"] == 1.0


def planted(seed):
    """Visits of people with more and fewer orders, who want things with other chances: know sells, go does nothing."""
    chance, touches, moments = random.Random(seed), [], []
    for n in range(700):
        buyer = chance.random() < 0.4
        name = f"c{n}"
        if buyer:
            touches += [touch(name, "order", hour(k, day=-20)) for k in range(2)]
        wants = chance.choices(["know", "go", "buy", None], [3, 4, 2, 2] if buyer else [1, 1, 2, 4])[0]
        served = chance.random() < 0.5
        rate = (0.35 if buyer else 0.05) + (0.35 if wants == "know" and served else 0)
        touches.append(touch(name, "visit", hour(chance.randint(0, 400)), name, seconds=120))
        if wants:
            moments.append(moment(name, wants, served))
        if chance.random() < rate:
            touches.append(touch(name, "order", touches[-1]["occurred_at"] + dt.timedelta(days=chance.randint(1, 9))))
    return touches, moments


def test_a_planted_effect_ranks_first_and_nothing_planted_has_an_interval_over_0(told):
    found = [told(*planted(seed)) for seed in range(1, 7)]
    for made in found:
        (first,) = [key for key, row in made.items() if row["place"] == 1]
        assert first[0] == "know", "half of those who had it were served, so having it has an effect, too"
        assert made["know", "served"]["low"] > 0
    assert sum(made["know", "served"]["low"] <= 0.35 <= made["know", "served"]["high"] for made in found) >= 5
    nothing = [row for made in found for (type_, _), row in made.items() if type_ != "know"]
    assert sum(row["low"] > 0 or row["high"] < 0 for row in nothing) <= binom.ppf(0.995, len(nothing), 0.05)


def test_moments_stand_beside_all_other_contacts_and_add_up_to_them(rows):
    monday = dt.datetime(2017, 3, 27, 9, tzinfo=dt.UTC)
    week = dt.timedelta(days=7)
    touches = [
        touch("a", "visit", monday, "s1", seconds=100),
        touch("b", "visit", monday + week, "s2", seconds=300),
        touch("a", "visit", monday + dt.timedelta(hours=30), "s3", seconds=50),
        touch("a", "order", monday + dt.timedelta(days=2)),
        touch("c", "conversation", monday),
        touch("c", "resolution", monday + dt.timedelta(hours=1), seconds=3600),
        touch("c", "visit", hour(0, day=-30), "too_old"),
    ]
    sessions = [{"session_id": f"s{n}", "device": device} for n, device in enumerate(["mobile", "desktop", None], 1)]
    found = [{**moment("s1", "know", True), "seconds": 40}, moment("s2", "know", False), moment("s1", "buy", False)]
    moments = rows("journeys/moments", *found[:2], {**found[2], "confidence": 0.5})
    touched = followed(rows("journeys/touchpoints", *touches), RULES, GAP, DAYS)
    kinds = of_kinds(wanted(touched, rows("journeys/sessions", *sessions), moments, JOURNEY), moments)
    collected = [[row.asDict() for row in table.collect()] for table in (counts(kinds), hours(kinds, DAYS.timezone))]
    made = contrast(*collected, RULES, TODAY)
    columns = ("kind", "is_moment", "contacts", "customers", "converted", "mobile", "median_seconds", "served")
    assert [tuple(row[c] for c in columns) for row in made] == [
        ("know", True, 2, 2, 0.5, 0.5, 200.0, 0.5),
        ("conversation", False, 1, 1, 0.0, None, None, None),
        ("order", False, 1, 1, 0.0, None, None, None),
        ("resolution", False, 1, 1, 0.0, None, None, None),
        ("visit", False, 1, 1, 1.0, None, 50.0, None),
    ]
    assert sum(row["contacts"] for row in made) == len(touches) - 1
    assert [(row["predictability"], row["median_seconds_to_answer"]) for row in made] == [
        (168.0, 40.0), (None, None), (None, None), (None, 3600.0), (None, None),
    ]  # fmt: skip
