"""Days that are older than they are kept go, and nothing else does. Costs about 2 s of processor time."""

import datetime as dt

import pyarrow as pa
import pytest

from jobs.config.retention import can_end
from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError
from jobs.lake import maintenance
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.privacy import retention

DAY = dt.date(2024, 6, 30)


def rows_of(table, *records):
    schema = catalogue.get(table).arrow_schema()
    return pa.Table.from_pylist([{name: record.get(name) for name in schema.names} for record in records], schema)


def member(days_ago, customer="c1"):
    return {"day": DAY - dt.timedelta(days=days_ago), "audience": "a", "customer_id": customer, "arm": "treatment"}


def delivery(days_ago):
    return {"day": DAY - dt.timedelta(days=days_ago), "audience": "a", "destination": "email", "members": 2}


@pytest.fixture
def company(settings):
    found = settings({"retention.yaml": {"tables": {"audiences/members": {"days": 40}, "models/scores": {"days": 50}}}})
    lake = Lake.of(found)
    txn = lake.transaction("test", DAY)
    lake.append("audiences/members", rows_of("audiences/members", *(member(n) for n in (0, 39, 40, 41, 400))), txn)
    more = lake.transaction("test", DAY, config="one file with days on both sides")
    lake.append("audiences/members", rows_of("audiences/members", member(41, "c2"), member(1, "c2")), more)
    lake.append("activation/deliveries", rows_of("activation/deliveries", delivery(400)), txn)
    return found, lake


def kept(lake, table="audiences/members"):
    return sorted(((DAY - row["day"]).days, row.get("customer_id")) for row in lake.arrow(table).to_pylist())


def test_days_that_are_too_old_go_people_sooner_than_counts_and_it_is_written_down(company):
    settings, lake = company
    assert retention.run(DAY, settings) == {"audiences/members": 3}
    assert kept(lake) == [(0, "c1"), (1, "c2"), (39, "c1"), (40, "c1")]
    assert lake.rows("activation/deliveries") == 1, "how many there were stays"
    (note,) = lake.arrow("ops/retention").to_pylist()
    assert (note["table"], note["rows"], note["keeps_days"]) == ("audiences/members", 3, 40)
    assert note["before"] == DAY - dt.timedelta(days=40)


def test_done_again_it_changes_nothing_and_the_next_day_takes_one_more(company):
    settings, lake = company
    retention.run(DAY, settings)
    before = lake.version("audiences/members"), lake.rows("ops/retention")
    assert retention.run(DAY, settings) == {}
    assert (lake.version("audiences/members"), lake.rows("ops/retention")) == before
    assert retention.run(DAY + dt.timedelta(days=1), settings) == {"audiences/members": 1}


def test_after_the_clean_up_no_file_holds_what_went(company):
    settings, lake = company
    lake.transaction("test", DAY)
    retention.run(DAY, settings)
    maintenance.run(DAY, settings)
    lake.vacuum("audiences/members", hours=0)
    days = [day for file in lake.dataset("audiences/members").files for day in _days(file)]
    assert min(days) == DAY - dt.timedelta(days=40)
    folder = lake.root + "/audiences/members"
    assert sorted(days) == sorted(day for path in _parquet(folder) for day in _days(path))


def _days(path):
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=["day"])["day"].to_pylist()


def _parquet(folder):
    from pathlib import Path

    return [str(path) for path in Path(folder).rglob("*.parquet") if "_delta_log" not in path.parts]


def test_only_tables_of_which_a_day_can_go_may_be_named(config):
    files = {"retention.yaml": {"tables": {"audiences/member": {"days": 40}, "valid/orders": {"days": 400}}}}
    with pytest.raises(ConfigError) as error:
        load_settings(config(files))
    assert "retention.yaml:2: tables.audiences/member: no such table" in str(error.value)
    assert "did you mean 'audiences/members'" in str(error.value)
    assert "tables.valid/orders: later days are made of its rows" in str(error.value)
    with pytest.raises(ConfigError, match=r"tables\.audiences/members\.days"):
        load_settings(config({"retention.yaml": {"tables": {"audiences/members": {"days": 34}}}}))


def test_what_later_days_rest_on_can_never_go_by_age():
    sums = {"activation/ledger", "activation/suppressions", "activation/feedback", "identity/map", "privacy/receipts"}
    sums |= {"privacy/kept_out", "valid/consents", "decisions/arms", "journeys/touchpoints"}
    assert not sums & set(can_end())
