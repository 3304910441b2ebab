"""How sure a KPI is, why it has no value where it has none, and what a week is made of."""

import datetime as dt
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyspark.sql import functions as F
from scipy import stats

from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import Kpi
from jobs.config.sql.rows import of_one_row
from jobs.journeys.kpis.counted import adds_up
from jobs.journeys.kpis.tables import kpis, registry

MONDAY, TUESDAY, AS_OF = dt.date(2017, 3, 6), dt.date(2017, 3, 7), dt.date(2017, 3, 14)


def kpi(unit, numerator, denominator=None, **more):
    given = {"stage": "service", "title": "It", "unit": unit, "table": "touchpoints", "numerator": numerator}
    return {**given, **({"denominator": denominator} if denominator else {}), **more}


@pytest.fixture
def measure(rows):
    """`measure({"a": kpi(...)}, [touchpoints])`: rows of journeys/kpis by (period, day, kpi, part)."""

    def found(registered, touches, delivered=(), first=MONDAY, as_of=AS_OF, **more):
        stages = [{"stage": "awareness", "name": "seen", "when": "true"}]
        journey = Journey.model_validate({"stages": stages, "kpis": registered, **more})
        full = [
            {"touchpoint_id": str(n), "customer_id": "a", "type": "nps", "day": str(MONDAY), **touch}
            for n, touch in enumerate(touches)
        ]
        made = kpis({"touchpoints": rows("journeys/touchpoints", *full)}, journey, delivered, first, as_of)
        return {(row["period"], row["day"], row["kpi"], row["part"]): row for row in made.collect()}

    return found


def scores(*answers):
    return [{"score": str(answer)} for answer in answers]


def test_a_share_has_the_interval_of_wilson_and_a_mean_that_of_student(measure):
    answers = [2, 9, 10, 7, 6, 9, 1]
    found = measure(
        {
            "high": kpi("share", "count_if(score >= 9)", "count(*)"),
            "mean": kpi("score", "sum(score)", "count(score)"),
            "nps": kpi("points", "100 * (count_if(score >= 9) - count_if(score <= 6))", "count(*)"),
            "every": kpi("count", "count(*)"),
        },
        scores(*answers),
    )
    wilson = stats.binomtest(3, 7).proportion_ci(method="wilson")
    each = np.array([-100, 100, 100, 0, -100, 100, -100])
    for name, values, expected in (
        ("mean", np.array(answers), stats.t.interval(0.95, 6, np.mean(answers), stats.sem(answers))),
        ("nps", each, stats.t.interval(0.95, 6, each.mean(), stats.sem(each))),
        ("high", np.array(answers) >= 9, (wilson.low, wilson.high)),
    ):
        row = found["day", MONDAY, name, "all"]
        assert (row["value"], row["sample"]) == (pytest.approx(values.mean(), abs=1e-6), 7)
        assert (row["low"], row["high"]) == pytest.approx(expected, abs=2e-6), name
    row = found["day", MONDAY, "every", "all"]
    assert (row["value"], row["low"], row["high"], row["sample"], row["small"]) == (7, None, None, None, None)


def test_a_share_with_weights_and_one_of_more_than_it_is_out_of_have_the_interval_of_two_sums(measure):
    touches = [{"seconds": weight, "score": str(score)} for weight, score in [(1, 9), (3, 9), (2, 1), (5, 9), (4, 2)]]
    weighted = kpi("share", "sum(case when score >= 9 then seconds end)", "sum(seconds)")
    found = measure({"aware": weighted}, touches)["day", MONDAY, "aware", "all"]
    y, x = np.array([1, 3, 0, 5, 0]), np.array([1, 3, 2, 5, 4])
    share = y.sum() / x.sum()
    error = stats.t.ppf(0.975, 4) * np.sqrt(5 / 4 * ((y - share * x) ** 2).sum()) / x.sum()
    assert found["value"] == pytest.approx(0.6)
    assert (found["low"], found["high"]) == pytest.approx((0, share + error), abs=2e-6)
    assert share - error < 0, "which no share can be"
    returns = kpi("share", "count_if(type = 'return')", "count_if(type = 'order')")
    rows = [{"type": type_} for type_ in ("order", "return", "return")]
    more = measure({"returns": returns}, rows)["day", MONDAY, "returns", "all"]
    assert (more["value"], more["low"], more["high"] > 2, more["sample"]) == (2, 0, True, 3)


def test_no_interval_goes_beyond_what_there_can_be(measure):
    nps = kpi("points", "100 * (count_if(score >= 9) - count_if(score <= 6))", "count(*)")
    wait = kpi("minutes", "sum(seconds)", "60 * count(seconds)")
    named = {"nps": {**nps, "scale": [-100, 100]}, "endless": nps, "wait": wait, "wrong": {**nps, "scale": [0, 1]}}
    touches = [{"score": score, "seconds": seconds} for score, seconds in (("9", 6), ("3", 600), ("2", 0))]
    found = {name: row for (_, day, name, _), row in measure(named, touches).items() if day == MONDAY}
    assert (found["nps"]["low"], found["nps"]["high"]) == (-100, 100)
    assert found["endless"]["low"] < -300 < 200 < found["endless"]["high"]
    assert (found["wait"]["low"], found["wait"]["high"] > 10) == (0, True)
    assert found["wrong"]["low"] == found["endless"]["low"], "a value below its scale keeps its interval"


def test_a_number_that_its_rows_do_not_add_up_to_has_no_interval(measure):
    found = measure(
        {"wait": kpi("minutes", "max(seconds) - min(seconds)", "count(*)")}, [{"seconds": 6}, {"seconds": 60}]
    )
    wait = found["day", MONDAY, "wait", "all"]
    assert (wait["value"], wait["low"], wait["high"]) == (27, None, None)


def test_few_observations_are_marked_and_one_has_no_interval_of_a_mean(measure):
    mean = kpi("score", "sum(score)", "count(*)")
    found = measure({"mean": mean, "brave": {**mean, "smallest_sample": 3}}, scores(1, 2, 3), smallest_sample=4)
    assert [found["day", MONDAY, name, "all"]["small"] for name in ("mean", "brave")] == [True, False]
    one = measure({"mean": mean}, scores(4))["day", MONDAY, "mean", "all"]
    assert (one["value"], one["low"], one["high"], one["small"]) == (4, None, None, True)


def test_no_rows_and_no_source_are_told_apart_and_neither_is_0(measure):
    registered = {
        "asked": kpi("score", "sum(score)", "count(*)", needs=["survey_responses"]),
        "answers": kpi("count", "count(*)", needs=["survey_responses", "tickets"]),
    }
    told = {
        delivered: [
            (found["day", TUESDAY, name, "all"]["value"], found["day", TUESDAY, name, "all"]["reason"])
            for name in registered
        ]
        for delivered in ((), ("tickets",), ("survey_responses",))
        for found in [measure(registered, scores(3), delivered)]
    }
    assert told == {
        (): [(None, "no_source"), (None, "no_source")],
        ("tickets",): [(None, "no_source"), (0, None)],
        ("survey_responses",): [(None, "no_rows"), (0, None)],
    }


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("reviewz", "unknown dataset 'reviewz'; did you mean 'reviews'?"),
        ("events.lpc", "events has no column 'lpc'; did you mean 'lcp'?"),
        ("ledger.state", "unknown dataset 'ledger.state'"),
    ],
)
def test_what_a_kpi_needs_is_a_dataset_or_a_column_of_one(named, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Kpi.model_validate(kpi("count", "count(*)", needs=[named]))


def test_who_came_on_two_days_is_one_visitor_of_the_week_and_visits_are_the_sum_of_its_days(measure):
    touches = [{"customer_id": one, "day": str(day)} for one, day in [("a", MONDAY), ("a", TUESDAY), ("b", TUESDAY)]]
    people = kpi("count", "count(distinct customer_id)", dimensions=["channel"])
    found = measure({"people": people, "contacts": kpi("count", "count(*)")}, touches)
    per_day = [found["day", day, "people", "all"]["value"] for day in (MONDAY, TUESDAY)]
    whole = [
        found[period, day, "people", "all"]["value"]
        for period, day in [("week", MONDAY), ("month", AS_OF.replace(day=1))]
    ]
    assert (per_day, whole, found["week", MONDAY, "people", "unknown"]["value"]) == ([1, 2], [2, 2], 2)
    assert found["week", MONDAY, "contacts", "all"]["value"] == 3


def test_a_week_is_whole_when_all_its_days_are_known_and_only_then_it_is_on_target(measure):
    found = measure(
        {
            "contacts": kpi("count", "count(*)", target=2, direction="up"),
            "bad": kpi("count", "count(*)", target=2, direction="down"),
        },
        [{"day": str(MONDAY)}] * 3,
    )
    weeks = {
        day: (row["complete"], row["on_target"])
        for (period, day, name, _), row in found.items()
        if (period, name) == ("week", "contacts")
    }
    assert weeks == {MONDAY: (True, True), dt.date(2017, 3, 13): (False, None)}
    assert found["week", MONDAY, "bad", "all"]["on_target"] is False
    assert found["day", MONDAY, "contacts", "all"]["on_target"] is None
    begun = measure({"contacts": kpi("count", "count(*)", target=2, direction="up")}, [], first=TUESDAY)
    assert begun["week", MONDAY, "contacts", "all"]["complete"] is False


SUMS = {
    "count(*)": True,
    "60 * count(seconds)": True,
    "100 * (count_if(score >= 9) - count_if(score <= 6))": True,
    "count(*) filter (where type = 'visit')": True,
    "- sum(amount)": True,
    "count(distinct customer_id)": False,
    "max(score)": False,
    "avg(score)": False,
    "count(*) + 1": False,
    "sum(amount) / count(*)": False,
    "sum(amount) * sum(amount)": False,
}


@pytest.mark.parametrize("text", SUMS)
def test_a_number_adds_up_if_it_is_what_its_rows_add(text):
    assert (of_one_row(text) is not None) is SUMS[text]


def test_each_kpi_counts_its_own_rows_in_its_own_parts_though_one_pass_counts_all(measure):
    touches = [
        {"type": "nps", "score": "9", "channel": "survey"},
        {"type": "nps", "score": "2", "channel": "survey"},
        {"type": "visit", "channel": "web", "seconds": 60},
        {"type": "visit", "channel": None, "seconds": 30},
    ]
    of_nps = {"where": "type = 'nps'", "dimensions": ["channel"]}
    of_visits = {"where": "type = 'visit'", "dimensions": ["channel"]}
    found = measure(
        {
            "promoters": kpi("share", "count_if(score >= 9)", "count(*)", **of_nps),
            "good": kpi("count", "count_if(score >= 2) filter (where score < 9)", **of_nps),
            "people": kpi("count", "count(distinct customer_id)", **of_visits),
            "longest": kpi("minutes", "max(seconds) / 60", **of_visits),
            "first": kpi("minutes", "max_by(seconds, touchpoint_id)", **of_visits),
            "half": kpi("minutes", "percentile(seconds, 0.5)", **of_visits),
        },
        touches,
    )
    day = {
        (name, part): row["value"] for (period, on, name, part), row in found.items() if (period, on) == ("day", MONDAY)
    }
    assert day == {
        ("promoters", "all"): 0.5, ("promoters", "survey"): 0.5,
        ("good", "all"): 1, ("good", "survey"): 1,
        ("people", "all"): 1, ("people", "web"): 1, ("people", "unknown"): 1,
        ("longest", "all"): 1, ("longest", "web"): 1, ("longest", "unknown"): 0.5,
        ("first", "all"): 30, ("first", "web"): 60, ("first", "unknown"): 30,
        ("half", "all"): 45, ("half", "web"): 60, ("half", "unknown"): 30,
    }  # fmt: skip


PART = st.sampled_from(
    [
        "count(*)",
        "count(score)",
        "count_if(score >= 5)",
        "sum(score)",
        "sum(seconds)",
        "count(1) filter (where score < 5)",
    ]
)
NUMBER = st.builds("{} * ({} - {})".format, st.integers(1, 9), PART, st.builds("({} + {})".format, PART, PART))
ROW = st.fixed_dictionaries({"score": st.none() | st.integers(0, 10), "seconds": st.none() | st.integers(0, 9)})


@examples(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NUMBER, min_size=8, max_size=8), st.lists(ROW, min_size=1, max_size=6))
def test_what_rows_add_is_the_number_of_all_of_them(rows, texts, records):
    found = rows(
        "journeys/touchpoints",
        *[{**row, "score": None if row["score"] is None else str(row["score"])} for row in records],
    )
    (wholes,) = found.agg(*[F.expr(text).cast("double") for text in texts]).collect()
    (sums,) = found.agg(*[F.expr(f"sum({of_one_row(text)})").cast("double") for text in texts]).collect()
    some = [(whole, total) for whole, total in zip(wholes, sums, strict=True) if whole is not None]
    assert all(whole == total for whole, total in some)


def test_the_registry_says_of_every_kpi_what_it_is_whose_it_is_and_what_is_hoped_for(shipped):
    rows = {row["kpi"]: row for row in registry(shipped).to_pylist()}
    assert rows.keys() == shipped.kpis.keys()
    told = rows["average_order_value"]
    assert (told["owner"], told["direction"], told["per"], told["origin"]) == ("sales", "up", "week", "standard")
    assert told["condition"] == "type = 'order' and subject <> 'cancelled'"
    assert all(row["definition"] and row["owner"] and row["target"] is not None for row in rows.values())
    assert not adds_up(shipped.kpis["reach"])
