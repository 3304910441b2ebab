"""The lake on a real S3 server: the same operations, the same protection, and no way in without the secret."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import re

import duckdb
import pytest
from deltalake import DeltaTable

from jobs.lake.lake import Lake, LakeError, StaleWrite, Txn
from jobs.lake.log import storage_options
from tests.lake.lake_rows import DAY, counts, identifiers, scores
from tests.lake.writers import append_many, race, results, run_race
from tests.s3_server import BUCKET

TABLE = "ops/counts"
NOT_OURS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_PROFILE")


@pytest.fixture(scope="module")
def s3(s3_environment):
    with pytest.MonkeyPatch.context() as patch:
        for name in NOT_OURS:
            patch.delenv(name, raising=False)
        for name, value in s3_environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def lake(s3, request):
    return Lake(f"s3://{BUCKET}/{re.sub(r'[^a-z0-9]', '-', request.node.name)}")


def set_environment(environment: dict[str, str]) -> None:
    os.environ.update(environment)


@pytest.fixture(scope="module")
def four(s3):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.lake.writers"])
    with context.Pool(4, initializer=set_environment, initargs=(dict(os.environ),)) as pool:
        yield pool


@pytest.mark.parametrize("by", ["arrow", "engine"])
def test_every_operation_works_as_on_a_folder(lake, spark, by):
    given = spark.createDataFrame if by == "engine" else lambda table: table
    assert lake.append(TABLE, given(counts("a", "b", "b")), Txn("t", 1)).duplicates == 1
    assert lake.append(TABLE, given(counts("b", "c")), Txn("t", 2)).rows == 1
    assert lake.upsert(TABLE, given(counts("a", "d", rows_in=7)), Txn("t", 3)).rows == 2
    assert lake.delete(TABLE, given(counts("b").select(["file_id"])), Txn("t", 4)).rows == 1
    assert {r["file_id"]: r["rows_in"] for r in lake.arrow(TABLE).to_pylist()} == {"a": 7, "c": 1, "d": 7}
    assert lake.read(TABLE).where("rows_in = 7").count() == 2
    before = lake.content_hash(TABLE)
    lake.compact(TABLE)
    assert lake.vacuum(TABLE, hours=0) > 0
    assert lake.content_hash(TABLE) == before
    assert lake.replace(TABLE, given(counts("z")), Txn("t", 5)).rows == 1
    assert not lake.replace(TABLE, given(counts("y")), Txn("t", 5)).applied
    assert identifiers(lake) == ["z"]


def test_days_are_replaced_one_by_one(lake, spark):
    for day in (1, 2, 2):
        date = dt.date(2017, 3, day)
        rows = spark.createDataFrame(scores(date, *"abc"[:day]))
        lake.replace(
            "models/scores", rows, lake.transaction("score", date, config=lake.version("models/scores")), day=date
        )
    assert [lake.rows("models/scores", dt.date(2017, 3, day)) for day in (1, 2, 3)] == [1, 2, 0]


def test_four_writers_lose_and_double_nothing(four, lake):
    written = results([four.apply_async(append_many, (lake.root, worker, 5)) for worker in range(4)])
    own = [f"w{worker}-{number}" for worker in range(4) for number in range(5)]
    assert identifiers(lake) == sorted([*own, *(f"shared-{number}" for number in range(5))])
    assert sum(written) == 25


@pytest.mark.parametrize("kind", ["append", "replace"])
def test_of_attempts_that_race_on_one_transaction_one_commits(four, lake, kind):
    for number in range(3):
        outcome = run_race(four, [(lake.root, kind, counts(f"k{number}"), f"step{number}", 1)] * 4)
        assert sorted(outcome) == [False, False, False, True]
        assert lake.version(TABLE) == number


def test_a_late_attempt_is_refused(lake):
    late = lake.transaction("job", DAY, config=1)
    lake.replace(TABLE, counts("new"), lake.transaction("job", DAY, config=2))
    with pytest.raises(StaleWrite):
        lake.replace(TABLE, counts("late"), late)
    assert race(lake.root, "replace", counts("newest"), "job", 9, at=0.0) is True
    assert identifiers(lake) == ["newest"]


def test_another_delta_reader_sees_the_same_rows(lake):
    lake.append(TABLE, counts("a", "b"), Txn("t", 1))
    uri = f"{lake.root}/{TABLE}"
    with duckdb.connect() as connection:
        connection.register("counts", DeltaTable(uri, storage_options=storage_options(uri)).to_pyarrow_dataset())
        assert connection.execute("select count(*), max(file_id) from counts").fetchone() == (2, "b")


def test_a_wrong_secret_is_refused_and_the_message_says_what_to_check(lake, monkeypatch):
    lake.append(TABLE, counts("a"), Txn("t", 1))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
    intruder = Lake(lake.root)
    for attempt in (
        lambda: intruder.rows(TABLE),
        lambda: intruder.version(TABLE),
        lambda: intruder.append(TABLE, counts("b"), Txn("t", 2)),
    ):
        with pytest.raises(LakeError, match=r"ops/counts: s3://lake/.* cannot be read; check .*AWS_SECRET_ACCESS_KEY"):
            attempt()
    monkeypatch.undo()


def test_a_store_that_is_down_is_named(lake, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(LakeError, match="s3://lake/"):
        Lake(lake.root).version(TABLE)
