"""Traits made day by day are those of one rebuild, whatever arrives late, merges, splits, leaves a window or ages."""

import datetime as dt
import os

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.activity import traits
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from tests.killed import killed_after
from tests.lived_company import FIRST, Company

pytestmark = [pytest.mark.usefixtures("going_on"), pytest.mark.slow(minutes=1.5)]

DECLARED = {
    "visits_2d": {"over": "sessions", "days": 2, "value": "count(*)", "type": "bigint"},
    "seen_1d": {"over": "touchpoints", "where": "type = 'visit'", "days": 1, "value": "count(*)", "type": "bigint"},
    "seen_before": {"over": "touchpoints", "days": 1, "ending_days_ago": 1, "value": "count(*)", "type": "bigint"},
    "basket_left": {"over": "carts", "where": "status <> 'ordered'", "value": "min(days_ago)", "type": "bigint"},
    "days_since_visit": {"over": "touchpoints", "where": "type = 'visit'", "value": "min(days_ago)", "type": "bigint"},
    "days_since_order": {"over": "orders", "value": "min(days_ago)", "type": "bigint", "default": 1},
    "days_known": {"over": "events", "value": "max(days_ago)", "type": "bigint", "default": 0},
    "active_days_2d": {"over": "events", "days": 2, "value": "count(distinct day)", "type": "bigint"},
    "device": {"over": "events", "days": 2, "value": "latest(device)", "type": "string"},
    "completed": {"over": "orders", "where": "status = 'completed'", "value": "count(*)", "type": "bigint"},
    "department": {"over": "order_lines", "days": 2, "value": "most_frequent(department)", "type": "string"},
    "total": {"over": "orders", "value": "sum(total)", "type": "decimal(18,2)"},
    "amount_2d": {"over": "order_lines", "days": 2, "value": "sum(amount)", "type": "decimal(18,2)"},
    "lines": {"over": "order_lines", "value": "count(*)", "type": "bigint"},
    "answers_2d": {"over": "survey_responses", "days": 2, "value": "count(*)", "type": "bigint"},
    "score": {"over": "survey_responses", "value": "max(score)", "type": "double"},
    "messages": {"over": "messages", "value": "count(*)", "type": "bigint"},
    "since_both": {"value": "days_since_visit + days_known", "type": "bigint"},
}
CONFIG = {"traits.yaml": {"traits": {name: {"title": name, **told} for name, told in DECLARED.items()}}}


@pytest.fixture(scope="module")
def companies(tmp_path_factory):
    """A new company with an empty lake at each call."""

    def build(settings):
        folder = tmp_path_factory.mktemp("lake")
        general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(folder)}
        found = settings({**CONFIG, "settings.yaml": general})
        return found, Lake.of(found)

    return build


def live(company, settings, lake, runs):
    """What arrives in these runs, and the steps after the last of them."""
    company.deliver(lake, runs)
    company.name_customers(lake, runs[-1], settings)
    for step in (journeys, traits):
        step.run(FIRST + dt.timedelta(days=company.runs[runs[-1]]), settings)


def lived(company, settings, lake, runs_at_once):
    """The traits after these runs."""
    for runs in runs_at_once:
        live(company, settings, lake, runs)
    return rows_of(lake)


def rows_of(lake):
    return sorted(lake.arrow("profiles/traits").to_pylist(), key=lambda row: row["customer_id"])


@examples(
    max_examples=int(os.environ.get("KLANTREIS_EXAMPLES", "2")),
    deadline=None,
    derandomize="KLANTREIS_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**9))
def test_runs_one_by_one_give_the_traits_of_one_rebuild(settings, companies, seed):
    company = Company(seed)
    every = range(len(company.runs))
    one_by_one = lived(company, *companies(settings), [[run] for run in every])
    assert one_by_one == lived(company, *companies(settings), [list(every)])


def test_a_run_killed_before_the_features_and_run_again_gives_the_same_tables(settings, companies):
    company = Company(3)
    found, lake = companies(settings)
    live(company, found, lake, [0])
    day = FIRST + dt.timedelta(days=company.runs[1])
    company.deliver(lake, [1])
    company.name_customers(lake, 1, found)
    journeys.run(day, found)
    with killed_after(0 if company.runs[0] == company.runs[1] else 1, "replace"):
        traits.run(day, found)
    at_once = lived(company, *companies(settings), [[0, 1]])
    traits.run(day, found)
    assert rows_of(lake) == at_once


def test_days_without_news_only_grow(settings, companies, monkeypatch):
    """No trait is computed anew for everybody, and an older day that is run again changes nothing."""
    company = Company(3)
    found, lake = companies(settings)
    live(company, found, lake, [0, 1])
    monkeypatch.setattr(traits, "traits_on", None)
    later = FIRST + dt.timedelta(days=company.runs[1] + 3)
    before = rows_of(lake)
    for day in (later, later - dt.timedelta(days=1)):
        journeys.run(later, found)
        traits.run(day, found)
        grown = rows_of(lake)
        since = [row["days_since_visit"] for row in before]
        assert [row["days_since_visit"] for row in grown] == [None if days is None else days + 3 for days in since]
        assert {row["as_of"] for row in grown} == {later}
