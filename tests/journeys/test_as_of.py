"""Profiles on a past day are those a rebuild with the data up to that day gives; today's stay as they are."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.activity import traits
from jobs.identity import identity
from jobs.journeys import journeys
from jobs.journeys.as_of import TABLES, known_as, profiles_on
from jobs.lake.lake import Lake
from jobs.profiles import customers
from tests.profiles.two_weeks import ARRIVALS, CRM
from tests.table_rows import table_rows

DAYS = [dt.date.fromisoformat(day) for day in ARRIVALS]
MORE = {
    "2017-01-02": {
        "valid/orders": [{"source": "pos", "order_id": "o", "updated_at": "2017-01-02", "ordered_at": "2017-01-02"}
                         | {"login_id": "ann", "status": "completed", "total": 5}],
    },
    "2017-01-04": {
        "valid/contacts": [CRM | {"contact_id": "1", "updated_at": "2017-01-03", "city": "Ede", "email": "ann@x.nl"}],
        "valid/orders": [{"source": "pos", "order_id": "o", "updated_at": "2017-01-04", "ordered_at": "2017-01-02"}
                         | {"login_id": "ann", "status": "returned", "total": 5}],
        "valid/campaign_events": [
            {"source": "mail", "event_id": "u", "type": "unsubscribe", "channel": "email", "email": "ann@x.nl"}
            | {"occurred_at": "2017-01-04"}
        ],
    },
}  # fmt: skip
TRAITS = {
    "orders": {"title": "t", "over": "orders", "where": "status = 'completed'", "value": "count(*)", "type": "bigint"},
    "bought": {"title": "t", "over": "touchpoints", "where": "type = 'order'", "value": "count(*)", "type": "bigint"},
    "seen_on": {"title": "t", "over": "events", "value": "max(day)", "type": "date"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("companies")


@pytest.fixture
def company(settings, folder):
    """Settings of a company at which the files of the given days arrived, in a lake of its own."""

    def build(name, days):
        loaded = settings({"traits.yaml": {"traits": TRAITS}})
        loaded = replace(loaded, general=loaded.general.model_copy(update={"lake": str(folder / name)}))
        lake = Lake.of(loaded)
        if lake.exists("valid/contacts"):
            return loaded
        for day in days:
            arrived = {"arrived": day.isoformat(), "file_id": day.isoformat()}
            for number, part in enumerate((ARRIVALS, MORE)):
                for table, records in part.get(day.isoformat(), {}).items():
                    data = table_rows(
                        table, *[row | arrived | {"line": 10 * number + n} for n, row in enumerate(records)]
                    )
                    lake.append(table, data, lake.transaction("arrive", day).part(f"{number}"))
        return loaded

    return build


def live(settings, day):
    for step in (identity, customers, journeys, traits):
        step.run(day, settings)


@pytest.fixture
def everything(company):
    """Settings of the company at which all has arrived, with the tables of the last day; no test may change them.

    The first test that asks for it builds it.
    """
    found = company("everything", DAYS)
    if not Lake.of(found).exists("profiles/traits"):
        live(found, DAYS[-1])
    return found


def hashes(lake):
    return {name: lake.content_hash(name) for name in TABLES}


@pytest.mark.parametrize("day", DAYS)
def test_a_past_day_is_what_a_rebuild_with_the_data_up_to_it_gives_and_looking_back_leaves_nothing_behind(
    company, everything, day
):
    lake, so_far = Lake.of(everything), everything
    if day != DAYS[-1]:
        so_far = company(f"up to {day}", [d for d in DAYS if d <= day])
        live(so_far, day)
    versions = {name: lake.version(name) for name in TABLES}
    with profiles_on(day, everything) as past:
        assert hashes(past) == hashes(Lake.of(so_far))
        others = past.rows("profiles/customers") != lake.rows("profiles/customers")
        assert others == (day != DAYS[-1])
        (root,) = (Path(everything.lake) / "as_of").iterdir()
    assert not root.exists()
    assert {name: lake.version(name) for name in TABLES} == versions


def test_a_customer_is_found_under_the_ids_of_that_day(everything):
    today = Lake.of(everything)
    (ann,) = (row for row in today.arrow("profiles/customers").to_pylist() if row["known"])
    with profiles_on(DAYS[1], everything) as past:
        known = known_as(ann["customer_id"], today, past)
        cities = {row["customer_id"]: row["city"] for row in past.arrow("profiles/customers").to_pylist()}
        counted = {row["customer_id"]: row["orders"] for row in past.arrow("profiles/traits").to_pylist()}
    assert len(known) == 2  # the browser was not yet known to be hers
    assert ({cities[one] for one in known}, ann["city"]) == ({"Delft", None}, "Ede")
    assert sum(counted[one] for one in known) == 1
    now = {row["customer_id"]: row["orders"] for row in today.arrow("profiles/traits").to_pylist()}
    assert now[ann["customer_id"]] == 0


def test_the_command_line_prints_coverage_and_past_profiles(everything, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from jobs.cli import profiles

    monkeypatch.setattr(profiles, "load_settings", lambda _: everything)
    (ann,) = (r["customer_id"] for r in Lake.of(everything).arrow("profiles/customers").to_pylist() if r["known"])

    def run(*arguments):
        return CliRunner().invoke(profiles.app, [*arguments], env={"COLUMNS": "200"})

    assert "delivers nothing" not in run("coverage").stdout
    shown = run("on", "2017-01-02", "--customer", ann, "--save", str(tmp_path / "kept"))
    assert shown.exit_code == 0
    assert "Delft" in shown.stdout
    assert "Ede" not in shown.stdout
    assert (tmp_path / "kept" / "profiles_customers.parquet").exists()
    assert "was not known on 2017-01-01" in str(run("on", "2017-01-01", "--customer", "c0").exception)
    assert "is not a day" in str(run("on", "yesterday").exception)
