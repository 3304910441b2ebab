"""Forecasts, trends and alerts as tables: of whole periods and samples that are not small, with their numbers."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from jobs.config.journey.journey import Journey
from jobs.journeys.kpis.outlook import ALERTS, OUTLOOK, TRENDS, outlook
from jobs.lake.tables.catalogue import get

FIRST = dt.date(2017, 1, 2)


def journey(**kpi):
    given = {"stage": "purchase", "title": "Orders", "unit": "count", "table": "touchpoints", "numerator": "count(*)"}
    stages = [{"stage": "awareness", "name": "seen", "when": "true"}]
    return Journey.model_validate({"stages": stages, "kpis": {"orders": {**given, "owner": "sales", **kpi}}})


def counted(*rows):
    full = {"stage": "purchase", "kpi": "orders", "dimension": "all", "part": "all", "period": "day", "complete": True}
    return pa.Table.from_pylist([{**full, **row} for row in rows], get("journeys/kpis").arrow_schema())


def days(values, **more):
    return [{"day": FIRST + dt.timedelta(days=n), "value": float(value), **more} for n, value in enumerate(values)]


@pytest.fixture
def year():
    return np.random.default_rng(2).poisson(100, 200)


def test_each_day_has_what_was_expected_and_four_weeks_to_come_have_a_forecast(year):
    rows = outlook(counted(*days(year)), journey())[OUTLOOK].to_pylist()
    past, later = ([row for row in rows if row["is_forecast"] is told] for told in (False, True))
    assert [row["day"] for row in later] == [FIRST + dt.timedelta(days=200 + n) for n in range(28)]
    assert all(row["low"] < row["expected"] < row["high"] for row in rows)
    assert all((row["value"], row["unusual"]) == (None, None) for row in later)
    assert [row["value"] for row in past] == [float(value) for value in year[-len(past) :]]
    assert len(past) > 100


def test_an_odd_day_raises_an_alert_with_its_numbers_where_the_kpi_asks_for_it_and_the_sample_is_not_small(year):
    year[190] = 10
    odd = FIRST + dt.timedelta(days=190)
    asks = journey(alert={"unusual": True}, target=90, direction="up")
    (alert,) = outlook(counted(*days(year)), asks)[ALERTS].to_pylist()
    assert (alert["kpi"], alert["day"], alert["kind"], alert["value"], alert["owner"]) == (
        "orders",
        odd,
        "unusual",
        10,
        "sales",
    )
    assert alert["why"].startswith("10 is unusual; ")
    assert outlook(counted(*days(year)), journey())[ALERTS].num_rows == 0
    assert outlook(counted(*days(year, small=True)), asks)[ALERTS].num_rows == 0


def test_a_value_as_bad_as_its_alert_is_one_if_its_period_is_whole_and_its_sample_is_not_small():
    week = {"period": "week", "day": FIRST, "value": 20.0, "small": False}
    told = counted(
        week,
        {**week, "day": FIRST + dt.timedelta(days=7), "value": 20.1},
        {**week, "day": FIRST + dt.timedelta(days=14), "complete": False},
        {**week, "day": FIRST + dt.timedelta(days=21), "small": True},
        {**week, "dimension": "channel", "part": "web"},
        {**week, "period": "month"},
        {**week, "day": FIRST + dt.timedelta(days=28), "value": None},
        *days([100]),
    )
    (alert,) = outlook(told, journey(alert={"at": 20}, target=30, direction="up"))[ALERTS].to_pylist()
    assert (alert["day"], alert["period"], alert["kind"]) == (FIRST, "week", "target")
    assert alert["why"] == "20 is at or below 20; the target is 30"
    down = outlook(told, journey(alert={"at": 20.1}, target=10, direction="down"))[ALERTS].to_pylist()
    assert [row["why"] for row in down] == ["20.1 is at or above 20.1; the target is 10"]


def test_a_trend_says_where_it_goes_and_since_when_the_level_is_another(year):
    year[150:] += 60
    (row,) = outlook(counted(*days(year)), journey())[TRENDS].to_pylist()
    assert abs((row["broke_on"] - FIRST).days - 150) <= 2
    assert row["after"] - row["before"] == pytest.approx(60, abs=8)
    assert row["as_of"] == FIRST + dt.timedelta(days=199)


def test_without_kpis_there_is_nothing_to_look_ahead_to():
    assert [table.num_rows for table in outlook(counted(), journey()).values()] == [0, 0, 0]


COMPLAINTS = {"numerator": "count_if(tone = 'negative')", "denominator": "count(*)", "unit": "share",
              "direction": "down", "alert": {"shift": True}, "target": 0.2}  # fmt: skip


def shares(seed, before, after, broke=84, texts=20, number=140):
    """Share of texts in a negative tone per day, drawn by chance around a level that may change on a day."""
    chance = np.random.default_rng(seed)
    return [chance.binomial(texts, before if n < broke else after) / texts for n in range(number)]


@pytest.mark.parametrize("seed", range(5))
def test_a_lasting_shift_for_the_worse_raises_one_alert_in_the_week_in_which_it_came(seed):
    told = counted(*days(shares(seed, 0.15, 0.4), small=True))
    (alert,) = outlook(told, journey(**COMPLAINTS))[ALERTS].to_pylist()
    assert (alert["kind"], alert["period"]) == ("shift", "week")
    assert abs((alert["day"] - (FIRST + dt.timedelta(days=84))).days) <= 7, "a planted shift of twelve weeks later"
    assert alert["value"] == pytest.approx(0.4, abs=0.1)
    assert "chance does not explain" in alert["why"]


def test_noise_is_no_shift_nor_is_a_change_for_the_better_or_a_kpi_that_does_not_ask():
    of_noise = [outlook(counted(*days(shares(seed, 0.2, 0.2))), journey(**COMPLAINTS))[ALERTS] for seed in range(20)]
    assert sum(alerts.num_rows for alerts in of_noise) == 0
    assert outlook(counted(*days(shares(1, 0.4, 0.15))), journey(**COMPLAINTS))[ALERTS].num_rows == 0
    assert outlook(counted(*days(shares(1, 0.15, 0.4))), journey(**{**COMPLAINTS, "alert": {}}))[ALERTS].num_rows == 0
