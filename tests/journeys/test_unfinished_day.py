"""A day that goes on still is not whole: not in KPIs, not in what follows from them, until it is run again at night."""

import datetime as dt
import shutil

import pytest
import yaml

from jobs.journeys import journeys
from jobs.journeys.kpis.values import last_whole_day
from jobs.lake.lake import Lake
from tests.journey_rows import RULES, of_each_kind
from tests.lived_company import FIRST, Company

SUNDAY = dt.date(2017, 3, 12)
BEFORE = SUNDAY - dt.timedelta(days=1)
WITHIN, AFTER = (dt.datetime(2017, 3, day, hour, tzinfo=dt.UTC) for day, hour in ((12, 22), (12, 23)))
"""In Amsterdam: an hour before midnight, and midnight."""
COUNTED_OVER = ("touchpoints", "sessions", "customers", "stages")
"""Rows of a day, and what holds from a day to a day: KPIs over other rows follow the same calendar."""


@pytest.mark.parametrize(
    ("as_of", "now", "timezone", "whole"),
    [
        (SUNDAY, WITHIN, "Europe/Amsterdam", SUNDAY - dt.timedelta(days=1)),
        (SUNDAY, AFTER, "Europe/Amsterdam", SUNDAY),
        (SUNDAY, AFTER, "America/New_York", SUNDAY - dt.timedelta(days=1)),
        (SUNDAY, dt.datetime(2017, 3, 12, 11, tzinfo=dt.UTC), "Pacific/Auckland", SUNDAY),
        (FIRST, WITHIN, "Europe/Amsterdam", FIRST),
        (SUNDAY + dt.timedelta(days=9), WITHIN, "Europe/Amsterdam", SUNDAY - dt.timedelta(days=1)),
    ],
)
def test_a_day_is_whole_when_it_has_ended_in_the_time_zone_of_the_company(as_of, now, timezone, whole):
    assert last_whole_day(as_of, now, timezone) == whole


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    return tmp_path_factory.mktemp("lakes")


@pytest.fixture
def run(settings, lakes, monkeypatch):
    """`run(lake, now, day)`: the step for a day at that instant; returns the lake. Done again it does nothing."""
    journey = yaml.safe_load(RULES["journey.yaml"])
    some = {name: kpi for name, kpi in journey["kpis"].items() if kpi["table"] in COUNTED_OVER}
    journey["kpis"] = of_each_kind(some)
    for kpi in journey["kpis"].values():
        if kpi.get("direction") and "target" in kpi:
            limit = 1e9 if kpi["direction"] == "up" else -1e9
            kpi |= {"per": "day", "smallest_sample": 1, "target": limit, "alert": {"at": limit}}

    def found(name, now, day=SUNDAY):
        general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(lakes / name)}
        company, loaded = Company(4), settings({**RULES, "settings.yaml": general, "journey.yaml": journey})
        lake = Lake.of(loaded)
        if not lake.exists("identity/map"):
            company.runs = [0] * len(company.runs)
            company.deliver(lake, range(len(company.runs)))
            company.name_customers(lake, 0, loaded)
        monkeypatch.setattr(journeys, "now", lambda: now)
        journeys.run(day, loaded)
        return lake

    return found


@pytest.fixture
def lived(run, lakes, goes_on):
    """The name of a lake as it was on the day before: a copy."""
    name = f"lived {goes_on}"
    run("the day before", dt.datetime(2017, 3, 11, 9, tzinfo=dt.UTC), BEFORE)
    shutil.copytree(lakes / "the day before", lakes / name)
    return name


def ends(lake):
    """The newest complete day, and whether the week that ends on Sunday is complete."""
    rows = [row for row in lake.arrow("journeys/kpis").to_pylist() if row["dimension"] == "all"]
    week = {row["complete"] for row in rows if (row["period"], row["day"]) == ("week", SUNDAY - dt.timedelta(days=6))}
    return max(row["day"] for row in rows if row["period"] == "day" and row["complete"]), week


def told(lake):
    return max(row["day"] for row in lake.arrow("journeys/alerts").to_pylist())


def written(lake):
    return {name: sorted(map(str, lake.arrow(name).to_pylist())) for name in journeys.WRITES}


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_day_is_no_whole_one_and_raises_no_alert_until_it_has_ended(run, lived, monkeypatch, goes_on):
    if goes_on:
        monkeypatch.setattr("jobs.identity.fresh.FEW", 0)
    lake = run(lived, WITHIN)
    assert (ends(lake), told(lake)) == ((BEFORE, {False}), BEFORE)
    versions = [lake.version(name) for name in journeys.WRITES]
    run(lived, WITHIN + dt.timedelta(minutes=30))
    assert [lake.version(name) for name in journeys.WRITES] == versions, "within the day a rerun writes nothing"
    if goes_on:
        monkeypatch.setattr(journeys, "_rebuild", None)
    run(lived, AFTER)
    assert (ends(lake), told(lake)) == ((SUNDAY, {True}), SUNDAY)
    monkeypatch.undo()
    assert written(lake) == written(run("past", dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))
