"""Transactions: retries, copies, late attempts and changed settings each leave the tables right."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from jobs.lake.lake import LakeError, StaleWrite, Txn
from jobs.lake.tables import catalogue
from tests.lake.lake_rows import DAY, counts, identifiers, scores
from tests.table_rows import table_rows


def test_a_retry_is_a_no_op_that_tells_the_counts_of_the_commit(lake):
    first = lake.append("ops/counts", counts("a", "a", "b"), Txn("t", 1))
    lake.append("ops/counts", counts("z"), Txn("other", 1))
    again = lake.append("ops/counts", counts("a", "a", "b"), Txn("t", 1))
    assert (first.applied, again.applied) == (True, False)
    assert (again.rows, again.duplicates) == (first.rows, first.duplicates) == (2, 1)
    assert lake.version("ops/counts") == 1


@pytest.mark.parametrize("operation", ["append", "replace", "upsert"])
def test_each_write_is_done_once(lake, operation):
    txn = lake.transaction("job", DAY)
    assert not txn.done("ops/counts")
    getattr(lake, operation)("ops/counts", counts("a"), txn)
    assert txn.done("ops/counts")
    getattr(lake, operation)("ops/counts", counts("b"), lake.transaction("job", DAY))
    assert identifiers(lake) == ["a"]


def test_inputs_code_settings_and_day_make_the_id(lake, monkeypatch):
    lake.append("ops/counts", counts("a"), Txn("t", 1))

    def new(day=DAY, config=None):
        return lake.transaction("job", day, reads=["ops/counts"], config=config).version

    ids = [new(), new(config={"gap": 30}), new(config={"gap": 31}), new(dt.date(2017, 3, 2))]
    assert new() == ids[0]
    lake.append("ops/counts", counts("a"), Txn("no new rows", 1))
    assert new() == ids[0]
    lake.append("ops/counts", counts("b"), Txn("t", 2))
    ids.append(new())
    monkeypatch.setattr("jobs.lake.lake.code_fingerprint", lambda _: "other code")
    ids.append(new())
    assert len(set(ids)) == len(ids)
    assert all(0 <= number < 2**63 for number in ids)


def test_settings_that_have_no_stable_text_are_refused(lake):
    with pytest.raises(TypeError, match="cannot hold object"):
        lake.transaction("job", DAY, config=object())


def test_real_settings_can_be_part_of_the_id(lake, settings):
    loaded = settings()
    one = lake.transaction("job", DAY, config=[loaded.journey, loaded.audiences, loaded.general])
    assert (
        one.version == lake.transaction("job", DAY, config=[loaded.journey, loaded.audiences, loaded.general]).version
    )


def test_a_setting_that_goes_back_runs_again(lake):
    for config, content in (("A", "a"), ("B", "b"), ("A", "a")):
        txn = lake.transaction("job", DAY, config=config)
        assert not txn.done("ops/counts")
        lake.replace("ops/counts", counts(content), txn)
        assert identifiers(lake) == [content]


def test_a_day_is_done_whatever_happens_on_other_days(lake):
    days = [dt.date(2017, 3, day) for day in (1, 2)]
    for day in days:
        lake.replace("models/scores", scores(day, "a"), lake.transaction("score", day), day=day)
    assert lake.transaction("score", days[0]).done("models/scores")


def test_a_state_recomputed_for_another_day_is_not_taken_for_this_one(lake):
    for day in (1, 2):
        lake.replace("identity/map", _map("a"), lake.transaction("identity", dt.date(2017, 3, day)))
    assert not lake.transaction("identity", dt.date(2017, 3, 1)).done("identity/map")


def test_inputs_are_fixed_when_the_step_begins(lake, spark):
    lake.append("ops/counts", counts("a"), Txn("t", 1))
    txn = lake.transaction("job", DAY, reads=["ops/counts", "ops/files"])
    lake.append("ops/counts", counts("b"), Txn("t", 2))
    lake.append("ops/files", _file("f"), Txn("t", 1))
    assert txn.arrow("ops/counts")["file_id"].to_pylist() == ["a"]
    assert txn.read("ops/counts").count() == 1
    assert txn.read("ops/files").count() == 0
    assert txn.arrow("ops/files", columns=["file_id"]).num_rows == 0
    with pytest.raises(LakeError, match="job: table valid/orders is not among its reads"):
        txn.read("valid/orders")


def test_it_knows_which_identifiers_nobody_had_when_it_began(lake):
    row = {"source": "crm", "updated_at": "2017-01-01", "arrived": "2017-01-01", "file_id": "f", "line": 1}
    people = [{**row, "contact_id": "1", "email": "ann@x.nl"}, {**row, "contact_id": "2", "phone": "020"}]
    begun = []
    for number, person in enumerate(people):
        lake.append("valid/contacts", table_rows("valid/contacts", person), Txn("t", number))
        begun.append(lake.transaction("job", DAY, reads=["valid/contacts", "valid/events"]))
    asked = {"contact_id", "email", "phone", "login_id"}
    assert [txn.unfilled("valid/contacts") & asked for txn in begun] == [{"phone", "login_id"}, {"login_id"}]
    assert asked <= begun[0].unfilled("valid/events"), "there is no such table yet"


def test_a_table_the_step_writes_is_fixed_but_does_not_make_it_run_again(lake):
    def begin():
        return lake.transaction("identity", DAY, reads=["ops/counts"], previous=["identity/map"])

    first = begin()
    assert first.arrow("identity/map").num_rows == 0
    lake.replace("identity/map", _map("a"), first)
    assert first.arrow("identity/map").num_rows == 0
    assert begin().done("identity/map")


def test_parts_of_a_step_write_one_table_several_times(lake):
    txn = lake.transaction("push", DAY)
    lake.upsert("ops/counts", counts("a", rows_in=1), txn.part("claims"))
    lake.upsert("ops/counts", counts("a", rows_in=2), txn.part("answers"))
    lake.replace("ops/counts", counts("b"), txn.part("last"))
    assert identifiers(lake) == ["b"]
    assert not lake.upsert("ops/counts", counts("a"), lake.transaction("push", DAY).part("claims")).applied


@pytest.mark.parametrize("operation", ["replace", "upsert"])
def test_an_attempt_that_began_before_another_published_is_refused(lake, operation):
    lake.replace("ops/counts", counts("old"), Txn("job", 1))
    late = lake.transaction("job", DAY, config="first")
    newer = lake.transaction("job", DAY, config="second")
    getattr(lake, operation)("ops/counts", counts("new"), newer)
    with pytest.raises(StaleWrite, match=r"ops/counts: job began at version 0, and version 1"):
        getattr(lake, operation)("ops/counts", counts("late"), late)
    assert "late" not in identifiers(lake)


def test_replacing_a_table_is_refused_after_anyone_changed_it(lake):
    lake.replace("ops/counts", counts("a"), Txn("job", 1))
    txn = lake.transaction("job", DAY)
    lake.append("ops/counts", counts("b"), Txn("other", 1))
    with pytest.raises(StaleWrite):
        lake.replace("ops/counts", counts("c"), txn)
    assert identifiers(lake) == ["a", "b"]


def test_the_first_write_of_a_table_can_be_late_too(lake):
    late = lake.transaction("job", DAY, config=1)
    lake.replace("ops/counts", counts("a"), lake.transaction("job", DAY, config=2))
    with pytest.raises(StaleWrite, match="began at version None"):
        lake.replace("ops/counts", counts("b"), late)


def test_other_days_do_not_make_a_day_late(lake):
    days = [dt.date(2017, 3, day) for day in (1, 2)]
    txns = [lake.transaction("score", day) for day in days]
    for day, txn in zip(days, txns, strict=True):
        lake.replace("models/scores", scores(day, "a"), txn, day=day)
    assert lake.rows("models/scores") == 2


def test_a_late_attempt_to_replace_a_day_is_refused(lake):
    late = lake.transaction("score", DAY, config=1)
    lake.replace("models/scores", scores(DAY, "new"), lake.transaction("score", DAY, config=2), day=DAY)
    with pytest.raises(StaleWrite):
        lake.replace("models/scores", scores(DAY, "old"), late, day=DAY)


def test_a_late_attempt_to_append_adds_only_what_is_still_missing(lake):
    late = lake.transaction("load", DAY, config=1)
    lake.append("ops/counts", counts("a", "b"), lake.transaction("load", DAY, config=2))
    commit = lake.append("ops/counts", counts("a"), late)
    assert (commit.rows, commit.duplicates) == (0, 1)


def test_a_transaction_without_a_lake_says_what_it_cannot_do():
    with pytest.raises(LakeError, match="made without a lake"):
        Txn("t", 1).done("ops/counts")


def _map(*identifiers: str) -> pa.Table:
    rows = [{"identifier": i, "kind": "email", "customer_id": f"c{i}", "first_seen": DAY} for i in identifiers]
    return pa.Table.from_pylist(rows, catalogue.get("identity/map").arrow_schema())


def _file(file_id: str) -> pa.Table:
    return pa.Table.from_pylist([{"file_id": file_id}], catalogue.get("ops/files").arrow_schema())
