"""The lake under fire: writers killed at any instant, many at once, two on one transaction, readers in between.

Real processes on a real folder. The instants are drawn from a fixed seed; what is asserted holds for every instant.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from jobs.lake.lake import Commit, Lake, Txn
from jobs.lake.log import Conflict, DeltaLog
from tests.lake.lake_rows import DAY, counts, identifiers
from tests.lake.writers import append_many, results, run_race

TABLE = "ops/counts"
KILLS = 40
SEED = 20170301


@pytest.fixture(scope="module")
def processes() -> Any:
    """Children of a clean server process: quick to start, and without the threads of this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.lake.test_lake_faults", "tests.lake.writers"])
    return context


@pytest.fixture(scope="module")
def four(processes) -> Iterator[Any]:
    with processes.Pool(4) as pool:
        yield pool


# --- killed writers -------------------------------------------------------------------------------------------------


def operations() -> list[tuple[str, pa.Table]]:
    """One of each kind after another, with the rows they leave known by `expected`."""
    names = ["append", "append", "upsert", "delete", "replace"]
    made = []
    for number in range(KILLS):
        kind = names[number % len(names)]
        keys = [f"k{number}-{i}" for i in range(5)]
        if kind in ("upsert", "delete"):  # rows that the append before them has written
            keys = [f"k{number - names.index(kind) + 1}-{i}" for i in range(3)]
        rows = counts(*keys, rows_in=number)
        made.append((kind, rows.select(["file_id"]) if kind == "delete" else rows))
    return made


def expected(done: list[tuple[str, pa.Table]]) -> dict[str, int]:
    """The rows these operations leave, worked out without the lake."""
    state: dict[str, int] = {}
    for kind, rows in done:
        keys = rows["file_id"].to_pylist()
        if kind == "delete":
            state = {key: value for key, value in state.items() if key not in keys}
            continue
        new = dict(zip(keys, rows["rows_in"].to_pylist(), strict=True))
        state = new if kind == "replace" else {**new, **state} if kind == "append" else {**state, **new}
    return state


def found(lake: Lake) -> dict[str, int]:
    table = lake.arrow(TABLE)
    assert table.num_rows == len(set(table["file_id"].to_pylist())), "a row is there twice"
    return dict(zip(table["file_id"].to_pylist(), table["rows_in"].to_pylist(), strict=True))


def write(root: str, kind: str, rows: pa.Table, number: int, started: Any = None) -> Commit:
    lake = Lake(root)
    if started is not None:
        started.set()
    return getattr(lake, kind)(TABLE, rows, Txn(f"step{number}", 1))


def die_at_commit(root: str, kind: str, rows: pa.Table, number: int, before: bool) -> None:
    """Write, but be killed just before or just after the commit."""
    commit = DeltaLog.commit

    def killed(*args: Any, **kwargs: Any) -> int:
        if not before:
            commit(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    DeltaLog.commit = killed  # type: ignore[method-assign]
    write(root, kind, rows, number)


def run_and_kill(processes: Any, root: str, operation: tuple[str, pa.Table], number: int, delay: float) -> int:
    started = processes.Event()
    child = processes.Process(target=write, args=(root, *operation, number, started))
    child.start()
    assert started.wait(600)
    time.sleep(delay)
    child.kill()
    child.join(600)
    return child.exitcode


def test_a_writer_killed_at_any_instant_loses_nothing_and_its_retry_doubles_nothing(processes, lake, tmp_path):
    instants = random.Random(SEED)
    todo, outcomes = operations(), set()
    start = time.monotonic()
    for number in range(5):
        write(str(tmp_path / "measure"), *todo[number], number)
    usual = (time.monotonic() - start) / 5
    for number, operation in enumerate(todo):
        killed = run_and_kill(processes, lake.root, operation, number, instants.uniform(0, 2.5 * usual)) != 0
        after_kill = found(lake)
        whole = after_kill == expected(todo[: number + 1])
        assert whole or after_kill == expected(todo[:number]), "half of a write is visible"
        outcomes.add((killed, whole))
        retry = write(lake.root, *operation, number)
        assert retry.applied != whole
        assert found(lake) == expected(todo[: number + 1])
    assert lake.version(TABLE) == KILLS - 1, "one commit for each operation, however often it was tried"
    assert (True, False) in outcomes, "no writer was killed before its commit: the instants are too late"


@pytest.mark.parametrize("before", [True, False], ids=["before its commit", "after its commit"])
@pytest.mark.parametrize("kind", ["append", "replace", "upsert", "delete"])
def test_a_writer_killed_around_its_commit_is_retried_exactly_once(processes, lake, kind, before):
    lake.append(TABLE, counts("a", "b"), Txn("load", 1))
    rows = counts("a", "c", rows_in=5)
    rows = rows.select(["file_id"]) if kind == "delete" else rows
    child = processes.Process(target=die_at_commit, args=(lake.root, kind, rows, 1, before))
    child.start()
    child.join(600)
    assert child.exitcode == -signal.SIGKILL
    assert lake.version(TABLE) == (0 if before else 1)
    assert write(lake.root, kind, rows, 1).applied is before
    assert found(lake) == expected([("append", counts("a", "b")), (kind, rows)])


def test_what_killed_writers_leave_behind_is_vacuumed_and_nothing_else(processes, lake):
    lake.append(TABLE, counts("a"), Txn("load", 1))
    for number in range(3):
        child = processes.Process(target=die_at_commit, args=(lake.root, "append", counts("b"), number, True))
        child.start()
        child.join(600)
    assert lake.vacuum(TABLE, hours=0) == 3
    assert identifiers(lake) == ["a"]


# --- many writers ---------------------------------------------------------------------------------------------------


def test_a_commit_is_refused_if_anyone_committed_since_the_table_was_looked_at(lake):
    lake.append(TABLE, counts("a"), Txn("load", 1))
    log = lake._log(TABLE)
    before = log.snapshot()
    lake.append(TABLE, counts("b"), Txn("load", 2))
    with pytest.raises(Conflict):
        log.commit(before, [], before.files, ("late", 1), {})
    with pytest.raises(Conflict):
        log.commit(None, [], [], ("too late to create it", 1), {})
    assert identifiers(lake) == ["a", "b"]


def test_four_writers_of_fifteen_commits_lose_and_double_nothing(four, lake):
    written = results([four.apply_async(append_many, (lake.root, worker, 15)) for worker in range(4)])
    own = [f"w{worker}-{number}" for worker in range(4) for number in range(15)]
    assert identifiers(lake) == sorted([*own, *(f"shared-{number}" for number in range(15))])
    assert sum(written) == 75
    assert lake.version(TABLE) == 59


def upsert_many(root: str, worker: int, commits: int) -> None:
    lake = Lake(root)
    for number in range(commits):
        rows = counts(f"w{worker}", f"n{worker}-{number}", rows_in=number)
        lake.upsert(TABLE, rows, Txn(f"worker{worker}/{number}", 1))


def test_writers_that_rewrite_one_file_keep_the_rows_of_each_other(four, lake):
    lake.append(TABLE, counts("w0", "w1", "w2", "w3"), Txn("load", 1))
    results([four.apply_async(upsert_many, (lake.root, worker, 5)) for worker in range(4)])
    state = found(lake)
    assert len(state) == 24
    assert [state[f"w{worker}"] for worker in range(4)] == [4, 4, 4, 4]


def compact_many(root: str, times: int) -> int:
    return sum(Lake(root).compact(TABLE) for _ in range(times))


def test_compacting_while_others_write_loses_and_doubles_nothing(four, lake):
    lake.append(TABLE, counts("first"), Txn("load", 1))
    writers = [four.apply_async(append_many, (lake.root, worker, 10)) for worker in range(3)]
    results([four.apply_async(compact_many, (lake.root, 10)), *writers])
    assert lake.rows(TABLE) == len(set(identifiers(lake))) == 1 + 30 + 10


# --- two on one transaction -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["append", "replace", "upsert"])
def test_of_two_attempts_that_race_on_one_transaction_one_commits(four, lake, kind):
    for number in range(8):
        rows = counts(f"k{number}", rows_in=number)
        outcome = run_race(four, [(lake.root, kind, rows, f"step{number}", 1)] * 4)
        assert sorted(outcome) == [False, False, False, True]
        assert lake.version(TABLE) == number
        assert found(lake)[f"k{number}"] == number


def test_of_two_that_replace_from_one_version_the_slower_is_refused(four, lake):
    lake.replace(TABLE, counts("old"), Txn("step", 1))
    for number in range(8):
        contestants = [
            (lake.root, "replace", counts(f"{name}{number}"), "step", 2 * number + index + 2)
            for index, name in enumerate("ab")
        ]
        outcome = run_race(four, contestants)
        assert sorted(map(str, outcome)) == ["True", "stale"]
        winner = "ab"[outcome.index(True)]
        assert identifiers(lake) == [f"{winner}{number}"]
        assert lake.version(TABLE) == number + 1


# --- readers --------------------------------------------------------------------------------------------------------


def replace_many(root: str, times: int) -> None:
    lake = Lake(root)
    for number in range(times):
        lake.replace(TABLE, counts(*(f"r{i}" for i in range(50)), rows_in=number), Txn("step", number + 1))


def test_a_reader_sees_whole_versions_only(four, lake):
    replace_many(lake.root, 1)
    writer = four.apply_async(replace_many, (lake.root, 25))
    seen = set()
    while not writer.ready():
        table = lake.arrow(TABLE)
        assert table.num_rows == 50
        values = set(table["rows_in"].to_pylist())
        assert len(values) == 1, "rows of two versions at once"
        seen |= values
    writer.get()
    assert len(seen) > 1, "the reader never saw a change; nothing was tested"


def test_a_transaction_reads_one_version_of_each_table_for_as_long_as_it_lives(four, lake):
    replace_many(lake.root, 1)
    txn = lake.transaction("reader", DAY, reads=[TABLE])
    first = txn.arrow(TABLE)
    four.apply_async(replace_many, (lake.root, 5)).get(timeout=1800)
    lake.compact(TABLE)
    lake.vacuum(TABLE, hours=1)
    assert txn.arrow(TABLE).equals(first)
