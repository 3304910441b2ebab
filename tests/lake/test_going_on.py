"""A step goes on from where its last run ended, if that run is known and code and configuration are the same."""

import datetime as dt
import os

import pyarrow as pa

from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from tests.lake.lake_rows import DAY, counts, identifiers

NAME, OTHER = "ops/counts", "ops/metrics"


def begin(lake, day=DAY, config="gap 30", **state):
    return lake.transaction("job", day, reads=["valid/events"], config=config, previous=[NAME, OTHER], state=state)


def deliver_event(lake, number):
    schema = catalogue.get("valid/events").arrow_schema()
    at = dt.datetime(2017, 3, number, 9, tzinfo=dt.UTC)
    row = {"source": "web", "event_id": f"e{number}", "occurred_at": at, "arrived": at.date()}
    full = {field.name: row.get(field.name) for field in schema}
    lake.append("valid/events", pa.Table.from_pylist([full], schema), Txn("deliver", number))


def test_the_last_run_tells_what_it_read_and_said_of_itself(lake):
    deliver_event(lake, 1)
    lake.replace(NAME, counts("a"), begin(lake, as_of="1"))
    deliver_event(lake, 2)
    before = begin(lake, as_of="2").before(NAME)
    assert (before.pins["valid/events"], before.state) == (0, {"as_of": "1"})


def test_another_configuration_or_other_code_begins_anew(lake, monkeypatch):
    lake.replace(NAME, counts("a"), begin(lake))
    assert begin(lake, config="gap 31").before(NAME) is None
    assert begin(lake).before(NAME) is not None
    monkeypatch.setattr("jobs.lake.lake.code_fingerprint", lambda _: "other code")
    assert begin(lake).before(NAME) is None


def test_tables_of_two_runs_are_no_place_to_go_on_from(lake):
    schema = catalogue.get(OTHER).arrow_schema()
    first = begin(lake, as_of="1")
    for name, rows in ((NAME, counts("a")), (OTHER, schema.empty_table())):
        lake.replace(name, rows, first)
    assert begin(lake, as_of="2").before(NAME, OTHER) is not None
    lake.replace(NAME, counts("b"), begin(lake, as_of="2"))
    assert begin(lake, as_of="3").before(NAME, OTHER) is None, "the second run was killed before its second table"


def test_a_table_that_no_such_run_wrote_is_no_place_to_go_on_from(lake):
    assert begin(lake).before(NAME) is None
    lake.replace(NAME, counts("a"), Txn("job", 1))
    assert begin(lake).before(NAME) is None


def test_rows_of_the_engine_are_revised_by_key(lake, spark):
    lake.append(NAME, counts("a", "b", "c"), Txn("t", 1))
    rows = lake.read(NAME)
    gone = rows.where("file_id in ('a', 'b')").select(*catalogue.get(NAME).key)
    lake.revise(NAME, gone, rows.where("file_id = 'b'"), lake.transaction("job", DAY))
    assert identifiers(lake) == ["b", "c"]


def test_a_result_used_twice_lies_beside_the_table_until_the_step_ends(lake, spark):
    lake.append(NAME, counts("a"), Txn("t", 1))
    files = f"{lake.root}/{NAME}/data"
    before = sorted(path for path in Lake(lake.root).dataset(NAME).files)
    with lake.scratch(NAME) as keep:
        kept = keep(lake.read(NAME).select("file_id"))
        assert [row[0] for row in kept.collect()] == ["a"]
        assert keep(kept.where("false")).collect() == []
        assert lake.dataset(NAME).files == before
    assert len(os.listdir(files)) == 1


def test_files_tell_between_which_moments_their_rows_lie(lake):
    deliver_event(lake, 1)
    deliver_event(lake, 2)
    noon = dt.datetime(2017, 3, 1, 12, tzinfo=dt.UTC)
    files = lake.added_files("valid/events", None, lake.version("valid/events")).new
    assert sorted(file.may_hold("occurred_at", noon, noon + dt.timedelta(days=1)) for file in files) == [False, True]


def test_merged_files_hold_neighbouring_days(lake):
    for number in (1, 9, 2, 8):
        deliver_event(lake, number)
    size = max(file.size for file in lake.added_files("valid/events", None, 3).new)
    lake.compact("valid/events", target_size=int(size * 2.5))
    files = lake.added_files("valid/events", None, lake.version("valid/events")).new
    spans = sorted((file.low["arrived"].day, file.high["arrived"].day) for file in files)
    assert spans == [(1, 2), (8, 9)]
