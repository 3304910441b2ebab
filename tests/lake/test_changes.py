"""What a step has not seen yet: rows added since the version it stood at, and only those."""

import datetime as dt

from jobs.lake.lake import Txn
from tests.lake.lake_rows import DAY, counts, identifiers

NAME = "ops/counts"
NEXT = DAY + dt.timedelta(days=1)


def unseen(lake, since, after=DAY, as_of=NEXT):
    rows = lake.added(NAME, since, lake.version(NAME), after, as_of)
    return None if rows is None else sorted(row["file_id"] for row in rows.collect())


def test_rows_appended_since_a_version_are_told_and_no_others(lake, spark):
    lake.append(NAME, counts("a"), Txn("one", 1))
    seen = lake.version(NAME)
    lake.append(NAME, counts("b", "late", arrived=DAY), Txn("two", 1))
    assert unseen(lake, seen) == ["b", "late"]
    assert unseen(lake, lake.version(NAME)) == []
    assert unseen(lake, None) == ["a", "b", "late"]


def test_rows_that_had_arrived_for_a_later_day_are_told_when_it_comes(lake, spark):
    lake.append(NAME, counts("today"), Txn("one", 1))
    lake.append(NAME, counts("tomorrow", arrived=NEXT), Txn("two", 1))
    seen = lake.version(NAME)
    assert unseen(lake, None, as_of=DAY) == ["today"]
    assert unseen(lake, seen, as_of=DAY) == []
    assert unseen(lake, seen, as_of=NEXT) == ["tomorrow"]


def test_merging_small_files_adds_nothing(lake, spark):
    for name in "ab":
        lake.append(NAME, counts(name), Txn(name, 1))
    seen = lake.version(NAME)
    lake.compact(NAME)
    lake.append(NAME, counts("c"), Txn("c", 1))
    assert unseen(lake, seen) == ["c"]


def test_where_rows_were_removed_or_merged_before_they_were_seen_nothing_is_told(lake, spark):
    lake.append(NAME, counts("a", "b"), Txn("one", 1))
    seen = lake.version(NAME)
    lake.append(NAME, counts("c"), Txn("two", 1))
    lake.compact(NAME)
    assert unseen(lake, seen) is None
    seen = lake.version(NAME)
    lake.delete(NAME, counts("a").select(["file_id"]), Txn("erase", 1))
    assert unseen(lake, seen) is None


def test_a_log_that_was_cleaned_tells_nothing(lake, spark, tmp_path):
    lake.append(NAME, counts("a"), Txn("one", 1))
    seen = lake.version(NAME)
    lake.append(NAME, counts("b"), Txn("two", 1))
    lake.append(NAME, counts("c"), Txn("three", 1))
    lake.compact(NAME)
    (tmp_path / "lake" / NAME / "_delta_log" / f"{seen + 1:020d}.json").unlink()
    assert unseen(lake, seen) is None


def test_a_revision_removes_and_adds_rows_in_one_commit_and_leaves_other_files_alone(lake):
    lake.append(NAME, counts("a", "b"), Txn("one", 1))
    lake.append(NAME, counts("c"), Txn("two", 1))
    (untouched,) = [file for file in lake._files(NAME) if file.rows == 1]
    before = lake.version(NAME)
    lake.revise(NAME, counts("b"), counts("d"), Txn("revise", 1))
    assert identifiers(lake) == ["a", "c", "d"]
    assert lake.version(NAME) == before + 1
    assert untouched in lake._files(NAME)
    assert not lake.revise(NAME, counts("a"), counts("e"), Txn("revise", 1)).applied
    assert lake.last_step(NAME, "revise") == 1
