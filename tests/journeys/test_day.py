"""Journeys and traits lived day by day are those of one rebuild: what is late, merges, splits, waits or ages."""

import datetime as dt
import os
import re
import shutil

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.activity import traits
from jobs.config.traits import TABLE
from jobs.journeys import journeys
from jobs.lake.lake import Lake
from jobs.lake.tables import known
from tests.journey_rows import RULES, of_each_kind
from tests.killed import killed_after
from tests.lived_company import FIRST, TRAITS, Company

pytestmark = [pytest.mark.usefixtures("going_on"), pytest.mark.slow(minutes=1.5)]

EVERY_RULE = RULES["journey.yaml"].replace("# new_campaign_begins", "new_campaign_begins")
EVERY_RULE += "\nvisit_ends_at_midnight: true\nlongest_visit_minutes: 300\n"
EVERY_RULE = EVERY_RULE.replace("stage_value: revenue_28d", "stage_value: revenue_2d")
EVERY_RULE += "most_events_per_minute: 2\n"
EVERY_RULE += "location: {purpose: location, places: {here: [52.0, 5.0]}}\n"
EVERY_RULE = EVERY_RULE.replace(
    "looked_for_a_store:", "is_near: {when: metres_to_place < 91, weight: 3}\n      looked_for_a_store:"
)
EVERY_RULE = EVERY_RULE.replace("'account', 'points'", "'complaint'").replace("and channel = 'store'", "")
EVERY_RULE += "moves: {consideration: [service, purchase], service: [consideration, loyalty]}\non_forbidden: stay\n"

EVERY_RULE = yaml.safe_load(EVERY_RULE)
EVERY_RULE["kpis"] = of_each_kind(EVERY_RULE["kpis"])

TABLES = (*journeys.WRITES, *(table.name for table in known.TABLES), TABLE)


def declared():
    """The shipped traits that the rules use, of which some windows end within the days of the company, and `TRAITS`."""
    shipped = yaml.safe_load(RULES["traits.yaml"])
    revenue = shipped["traits"]["revenue_28d"]
    shipped["traits"]["revenue_2d"] = {**revenue, "days": 2}
    shipped["traits"]["open_conversations_14d"]["days"] = 2
    shipped["traits"]["carts_14d"]["days"] = 1
    used = {
        name: trait
        for name, trait in shipped["traits"].items()
        if re.search(rf"\b{name}\b", yaml.safe_dump(EVERY_RULE))
    }
    return shipped | {"traits": used | TRAITS}


@pytest.fixture(scope="module")
def companies(tmp_path_factory):
    """A new company at each call, with an empty lake or a copy of a lake."""

    def build(settings, lake=None):
        folder = tmp_path_factory.mktemp("lake")
        if lake:
            shutil.copytree(lake.root, folder, dirs_exist_ok=True)
        general = {"company": "Test", "timezone": "Europe/Amsterdam", "landing": "in", "lake": str(folder)}
        found = settings({"traits.yaml": declared(), "journey.yaml": EVERY_RULE, "settings.yaml": general})
        return found, Lake.of(found)

    return build


def live(company, settings, lake, runs, steps=(journeys, traits)):
    """What arrives in these runs, and the steps after the last of them; what is sent after the others."""
    company.deliver(lake, runs)
    if runs[0]:
        company.send(lake, runs[0] - 1)
    for run in runs[:-1]:
        company.send(lake, run)
    company.name_customers(lake, runs[-1], settings)
    for step in steps:
        step.run(FIRST + dt.timedelta(days=company.runs[runs[-1]]), settings)


def lived(company, settings, lake, runs_at_once):
    """The tables after these runs."""
    for runs in runs_at_once:
        live(company, settings, lake, runs)
    return tables(lake)


def tables(lake):
    return {name: rows_of(lake, name) for name in TABLES}


def rows_of(lake, name):
    return sorted(map(str, lake.arrow(name).to_pylist()))


@examples(
    max_examples=int(os.environ.get("KLANTREIS_EXAMPLES", "2")),
    deadline=None,
    derandomize="KLANTREIS_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**9))
def test_runs_one_by_one_give_the_tables_and_traits_of_one_rebuild(settings, companies, seed):
    company = Company(seed)
    every = range(len(company.runs))
    one_by_one = lived(company, *companies(settings), [[run] for run in every])
    at_once = lived(company, *companies(settings), [list(every)])
    for name in TABLES:
        assert one_by_one[name] == at_once[name], name


def test_a_day_goes_on_from_the_day_before_and_one_killed_between_two_tables_gives_the_same_when_run_again(
    settings, companies, monkeypatch
):
    company = Company(4)
    found, lake = companies(settings)
    live(company, found, lake, [0], [journeys])
    sessions = lake.rows("journeys/sessions")
    again, copy = companies(settings, lake)
    with monkeypatch.context() as patch:
        patch.setattr(journeys, "_rebuild", None)
        live(company, found, lake, [1], [journeys])
        with killed_after(2, "revise"):
            live(company, again, copy, [1], [journeys])
    assert lake.rows("journeys/sessions") > sessions
    live(company, again, copy, [1], [journeys])
    assert tables(copy) == tables(lake)
