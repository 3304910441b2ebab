"""Traits after a run that was killed are those of a rebuild, and days without news only grow.

That runs one by one give the traits of one rebuild is shown with their journeys, in `tests/journeys/test_day.py`.
"""

import datetime as dt
import shutil

import pytest

from jobs.activity import traits
from jobs.config.traits import TABLE
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from tests.killed import killed_after
from tests.lived_company import FIRST, TRAITS, Company

pytestmark = pytest.mark.usefixtures("going_on")

COMPANY = Company(3)
CONFIG = {"traits.yaml": {"traits": TRAITS}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lakes")


@pytest.fixture
def company(settings, folder):
    """`company(name, copy)`: settings and the lake of that name, which begins as a copy of another or empty."""

    def build(name, copy=None):
        if copy:
            shutil.copytree(folder / copy, folder / name)
        general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(folder / name)}
        found = settings({**CONFIG, "settings.yaml": general})
        return found, Lake.of(found)

    return build


@pytest.fixture
def to_count(company, folder):
    """The lake of which a run was lived, and the journeys of the next one, whose traits are still to be computed.

    The first test that asks for it lives it.
    """
    name = "to count"
    if not (folder / name).exists():
        found, lake = company(name)
        for run in (0, 1):
            COMPANY.deliver(lake, [run])
            COMPANY.name_customers(lake, run, found)
            journeys.run(day_of(run), found)
            if run == 0:
                traits.run(day_of(run), found)
    return name


def day_of(run):
    return FIRST + dt.timedelta(days=COMPANY.runs[run])


def rows_of(lake):
    return sorted(lake.arrow(TABLE).to_pylist(), key=lambda row: row["customer_id"])


def test_a_run_killed_before_the_features_and_run_again_gives_the_same_tables(company, to_count):
    found, lake = company("killed", to_count)
    with killed_after(0 if day_of(0) == day_of(1) else 1, "replace"):
        traits.run(day_of(1), found)
    traits.run(day_of(1), found)
    anew, at_once = company("at once", to_count)
    shutil.rmtree(f"{at_once.root}/{TABLE}")
    traits.run(day_of(1), anew)
    assert rows_of(lake) == rows_of(at_once)


def test_days_without_news_only_grow(company, to_count, monkeypatch):
    """No trait is computed anew for everybody, and an older day that is run again changes nothing."""
    found, lake = company("without news", to_count)
    traits.run(day_of(1), found)
    monkeypatch.setattr(traits, "traits_on", None)
    later = day_of(1) + dt.timedelta(days=3)
    before = rows_of(lake)
    for day in (later, later - dt.timedelta(days=1)):
        journeys.run(later, found)
        traits.run(day, found)
        grown = rows_of(lake)
        since = [row["days_since_visit"] for row in before]
        assert [row["days_since_visit"] for row in grown] == [None if days is None else days + 3 for days in since]
        assert {row["as_of"] for row in grown} == {later}
