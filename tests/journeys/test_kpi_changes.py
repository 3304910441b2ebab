"""Why a KPI is another than it was: within its parts, or because they have other sizes now."""

import csv
import datetime as dt
import gzip
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import StepFailed
from jobs.journeys.kpis.changes import change
from jobs.journeys.kpis.tables import kpis
from jobs.lake.tables.catalogue import get
from tests.shared_data import folder

COUNTS = st.tuples(st.integers(-500, 500), st.integers(0, 50)).map(lambda pair: (pair[0] if pair[1] else 0, pair[1]))
SIDE = st.dictionaries(st.sampled_from("abcd"), COUNTS).filter(lambda side: any(under for _, under in side.values()))


@given(SIDE, SIDE)
def test_within_and_mix_add_up_to_the_change_exactly_also_with_parts_that_come_or_go(then, now):
    found = change(then, now)
    assert found.within + found.mix == pytest.approx(found.now - found.then, abs=1e-6)


def test_parts_that_only_grow_or_shrink_change_the_total_by_mix_alone():
    found = change({"a": (8, 10), "b": (2, 10)}, {"a": (8, 10), "b": (6, 30)})
    assert (found.then, found.now, found.within) == (0.5, 0.35, 0)
    assert found.mix == pytest.approx(-0.15)
    assert not found.is_paradox, "no part went the other way"


def test_a_total_that_goes_as_its_parts_do_is_no_paradox():
    found = change({"a": (1, 10), "b": (5, 10)}, {"a": (3, 10), "b": (6, 10)})
    assert found.mix == 0
    assert (
        found.told() == "It rose: 0.3 to 0.45 (+0.15); +0.15 within parts, +0 because the parts have other sizes now."
    )


def test_a_period_without_a_value_is_told():
    with pytest.raises(StepFailed, match="no value in one of the two periods"):
        change({"a": (0, 0)}, {"a": (1, 1)})


@pytest.fixture
def survey(spark):
    """The published survey as touchpoints; the survey is named for who was asked."""
    with gzip.open(folder("survey_nps") / "nps_survey.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    schema = get("journeys/touchpoints").arrow_schema()
    contacts = [
        {
            "touchpoint_id": f"{n}",
            "customer_id": row["id"],
            "day": dt.date.fromisoformat(row["created_at"][:10]),
            "type": "nps",
            "subject": "admin" if row["is_admin"] == "1" else "regular",
            "score": row["score"],
        }
        for n, row in enumerate(rows)
    ]
    typed = [
        {field.name: row.get(field.name) for field in schema} | {"score": Decimal(row["score"])} for row in contacts
    ]
    return spark.createDataFrame(pa.Table.from_pylist(typed, schema), get("journeys/touchpoints").spark_schema())


def test_both_groups_of_the_published_survey_rise_and_the_total_falls_because_regular_users_grew(survey, shipped):
    journey = shipped.model_copy(update={"kpis": {"nps": shipped.kpis["nps"]}})
    first, last = dt.date(2017, 1, 1), dt.date(2018, 7, 31)
    found = kpis({"touchpoints": survey}, journey, ["survey_responses"], first, last)
    rows = [row for row in found.collect() if row["period"] == "month"]
    whole = [row for row in rows if row["dimension"] == "all"]
    over, under = (sum(row[side] for row in whole) for side in ("numerator", "denominator"))
    assert (round(over / under, 2), under) == (10.86, 20268)
    by = {(row["day"], row["part"]): row for row in rows}
    shown = {
        (day.year, part): round(by[day, part]["value"], 1)
        for day in (first, last.replace(day=1))
        for part in ("all", "admin", "regular")
    }
    assert shown == {
        (2017, "all"): 13.0, (2017, "admin"): 34.8, (2017, "regular"): -8.8,
        (2018, "all"): 10.0, (2018, "admin"): 42.0, (2018, "regular"): -2.2,
    }  # fmt: skip
    sides = [
        {part: (by[day, part]["numerator"], by[day, part]["denominator"]) for part in ("admin", "regular")}
        for day in (first, last.replace(day=1))
    ]
    why = change(*sides)
    assert why.is_paradox
    assert (why.within > 0 > why.mix, round(why.now - why.then, 1)) == (True, -3.0)
    assert why.told().startswith("It fell: 13 to 10 (-3), though every part rose; +6.88 within parts, -9.88 ")
    row = by[last.replace(day=1), "all"]
    assert row["low"] < row["value"] < row["high"]
    assert row["small"] is False
