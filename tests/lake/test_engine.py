"""The engine: it starts quickly and silently, and the embedded one agrees with Apache Spark on what the jobs use."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from pyspark.errors import PySparkException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.sql.functions import AGGREGATES, FUNCTIONS, SOURCE
from jobs.config.sql.guard import engine_sql
from jobs.errors import EngineFailed
from jobs.lake import engine
from jobs.lake.engine import told_plainly
from jobs.lake.lake import Lake, Txn
from tests.engines import running_on
from tests.lake.lake_rows import DAY, counts, scores
from tests.sail_server import sail_server, wait_until_sessions_end
from tests.spark_server import free_port

ROOT = Path(__file__).resolve().parents[2]
MOMENT = dt.datetime(2017, 3, 26, 1, 30, tzinfo=dt.UTC)  # the hour summer time begins in Amsterdam


def test_one_session_serves_the_whole_process(spark):
    assert engine.get_spark() is spark is engine.get_spark()


def test_a_stopped_session_is_replaced_by_a_new_one(spark, monkeypatch):
    monkeypatch.setattr(engine, "_session", None)  # other tests go on with theirs
    first = engine.get_spark()
    engine.stop_spark()
    assert engine.get_spark() is not first
    assert engine.get_spark().range(3).count() == 3
    engine.stop_spark()


def test_nothing_but_the_answer_is_printed_even_when_a_query_fails():
    """What an engine prints to stderr looks like an error of the task in Airflow."""
    code = """
from jobs.lake.engine import get_spark
print(get_spark().range(3).count())
try:
    get_spark().sql("select cast('secret' as int)").collect()
except Exception as error:
    print(type(error).__name__)
"""
    environment = {name: value for name, value in os.environ.items() if name not in ("RUST_LOG", "SPARK_REMOTE")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == "3"
    assert "Exception" in done.stdout.split()[1]


def test_a_process_forked_after_the_start_is_told_so_instead_of_waiting_for_ever(spark):
    code = """
import os, sys
from jobs.lake.engine import get_spark
get_spark()
child = os.fork()
if child == 0:
    try:
        get_spark()
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.stdout.startswith("the engine started before this process was forked")


SECONDS = 2


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory) -> Iterator[str]:
    """Address of an engine that ends a session that is not used for two seconds."""
    with sail_server(tmp_path_factory.mktemp("sail"), SECONDS) as address:
        yield address


def test_a_session_that_the_server_ended_is_replaced_and_has_the_settings_that_parity_needs(forgetful):
    with running_on(forgetful):
        assert engine.get_spark().range(3).count() == 3
        wait_until_sessions_end(forgetful, SECONDS)
        conf = engine.get_spark().conf
        assert {key: conf.get(key) for key in engine.PARITY} == engine.PARITY
        assert engine.get_spark().range(3).count() == 3


def test_frames_of_a_session_that_the_server_ended_are_read_in_the_next_one(forgetful):
    with running_on(forgetful):
        numbers = engine.get_spark().range(3)
        words = engine.get_spark().createDataFrame([(1, "a")], "id long, word string")
        wait_until_sessions_end(forgetful, SECONDS)
        assert numbers.join(words, on="id", how="inner").toArrow().to_pylist() == [{"id": 1, "word": "a"}]
        wait_until_sessions_end(forgetful, SECONDS)
        assert words.schema.names == ["id", "word"]


def test_a_query_may_take_longer_than_the_server_keeps_a_session(forgetful):
    with running_on(forgetful):
        spark = engine.get_spark()
        rows = 5_000_000
        while True:  # more work until it takes long enough on this machine
            begun = time.monotonic()
            assert spark.range(rows).select(F.sum(F.crc32(F.sha2(F.col("id").cast("string"), 256)) % 7)).count() == 1
            spark.range(rows).select(F.max(F.sha2(F.col("id").cast("string"), 256))).collect()
            if time.monotonic() - begun > 2.5 * SECONDS:
                return
            rows *= 3


def test_the_embedded_engine_keeps_its_session_whatever_other_servers_are_told():
    code = """
import time
from jobs.lake.engine import get_spark
numbers = get_spark().range(3)
print(numbers.count())
time.sleep(3)
print(numbers.count(), get_spark().range(4).count())
"""
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | {"SAIL_SPARK__SESSION_TIMEOUT_SECS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["3", "3", "4"], done.stderr


def test_an_error_of_the_engine_is_one_message_without_values(spark):
    with pytest.raises(EngineFailed, match=r"cannot do what this step asks .*NumberFormat") as told, told_plainly():
        spark.sql("select cast('secret' as int)").collect()
    assert "secret" not in "".join(traceback.format_exception(told.value))


def test_an_engine_that_is_gone_is_told_from_one_that_refuses(monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{free_port()}/;token=secret")
    error = SparkConnectGrpcException("no route", grpc_status_code=grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(EngineFailed, match=r"sc://127.0.0.1:\d+ is gone .*what is done stays") as told, told_plainly():
        raise error
    assert "secret" not in str(told.value)


def test_a_plan_does_not_tell_which_line_of_code_asked_for_each_column(spark):
    plan = spark.range(1).select((F.col("id") + F.lit(1)).alias("next"))._plan.to_proto(spark.client)
    assert Path(__file__).name.encode() not in plan.SerializeToString()


def test_s3_has_the_name_each_engine_knows_it_by(monkeypatch):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    assert engine.path_for_engine("s3://lake/t") == "s3://lake/t"
    monkeypatch.setenv("SPARK_REMOTE", "sc://cluster:15002")
    assert engine.path_for_engine("s3://lake/t") == "s3a://lake/t"
    assert engine.path_for_engine("/lake/t") == "/lake/t"


def test_the_server_has_the_settings_that_parity_needs(on_engine):
    conf = engine.get_spark().conf
    assert {key: conf.get(key) for key in engine.PARITY} == engine.PARITY


MEANINGS = {
    "cast('12' as int)": 12,
    "try_cast('x' as int)": None,
    "try_cast(3000000000 as int)": None,
    "try_cast('31-12-2017' as date)": None,
    "try_cast('2017-03-26T03:30:00+02:00' as timestamp)": MOMENT,
    "cast('2017-03-26 01:30:00' as timestamp)": MOMENT,
    "to_date(from_utc_timestamp(timestamp'2017-06-01 22:30:00', 'Europe/Amsterdam'))": dt.date(2017, 6, 2),
    "from_utc_timestamp(timestamp'2017-03-26 01:30:00', 'Europe/Amsterdam')": MOMENT + dt.timedelta(hours=2),
    "to_utc_timestamp(timestamp'2017-03-26 03:30:00', 'Europe/Amsterdam')": MOMENT,
    "date_format(timestamp'2017-03-26 01:30:00', 'yyyy-MM-dd HH:mm')": "2017-03-26 01:30",
    "round(cast(2.345 as decimal(18,3)), 2)": Decimal("2.35"),
    "cast(cast(1.005 as decimal(18,3)) as decimal(18,2))": Decimal("1.01"),
    "round(2.5D, 0)": 3.0,
    "7 div 2": 3,
    "-7 % 3": -1,
    "concat('a', null)": None,
    "concat_ws('|', 'a', null, 'b')": "a|b",
    "greatest(1, null)": 1,
    "sort_array(array('b', null, 'a'))": [None, "a", "b"],
    "sha2('a', 256)": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    """get_json_object('{"a": {"b": "x"}}', '$.a.b')""": "x",
    "lower('ÀÉ') || upper('ß')": "àéSS",
    "datediff(date'2017-03-27', date'2017-03-25')": 2,
}
IMPOSSIBLE = [
    "cast('x' as int)",
    "cast(3000000000 as int)",
    "cast(cast(99999999999999999 as decimal(20,0)) as decimal(18,2))",
    "cast('2017-13-01' as date)",
    "1 / 0",
    "5 % 0",
    "element_at(array(1), 5)",
]


def test_expressions_the_jobs_use_have_one_meaning(on_engine):
    columns = ", ".join(f"{expression} as c{number}" for number, expression in enumerate(MEANINGS))
    row = engine.get_spark().sql(f"select {columns}").toArrow().to_pylist()[0]
    assert dict(zip(MEANINGS, row.values(), strict=True)) == MEANINGS


WRITTEN_IN_YAML = {
    "'it''s'": "it's",
    r"'it\'s'": "it's",
    r"'a\\b'": r"a\b",
    '"it\'s"': "it's",
    r"regexp_replace('a1b22', '\\d+', '')": "ab",
    r"'50%' like '50\%'": True,
    "'abc' not like 'b%' and 'abc' not rlike 'x'": True,
    "date '2024-03-01' - interval 1 day": dt.date(2024, 2, 29),
    "split('a,b', ',')[1]": "b",
    "split('a,b', ',')[7]": None,
    "transform(array(1, 2), (x, i) -> x * 10 + i)": [10, 21],
    "named_struct('a b', 1).`a b`": 1,
    "7 div 2 + 7 % 3": 4,
    "- -1": 1,
    "null <=> null": True,
    "int('7') + '7'::int": 14,
    "not true or true": True,
    "if(1 = 1, 'a', 'b') || case 1 when 1 then 'c' end": "ac",
    "1 in (1, 2) and 3 not in (1, 2) and 2 between 1 and 3": True,
}


def test_sql_of_yaml_has_one_meaning(on_engine):
    columns = ", ".join(f"{engine_sql(text, SOURCE)} as c{number}" for number, text in enumerate(WRITTEN_IN_YAML))
    row = engine.get_spark().sql(f"select {columns}").toArrow().to_pylist()[0]
    assert dict(zip(WRITTEN_IN_YAML, row.values(), strict=True)) == WRITTEN_IN_YAML


def test_every_function_that_yaml_may_call_is_known(on_engine):
    def known(name: str) -> bool:
        try:
            _ = engine.get_spark().sql(f"select {name}()").schema
        except Exception as error:  # for want of arguments; each engine has its own classes
            return not re.search("unknown function|UNRESOLVED_ROUTINE|not implemented", str(error), re.IGNORECASE)
        return True

    assert not known("no_such_function")
    assert [name for name in sorted(FUNCTIONS | AGGREGATES) if not known(name)] == []


def test_impossible_values_fail_instead_of_becoming_null(on_engine):
    for expression in IMPOSSIBLE:
        with pytest.raises(PySparkException):
            engine.get_spark().sql(f"select {expression} as value").collect()


def write_by_engine(lake: Lake) -> dict[str, str]:
    """Every operation of the lake with data of the engine; the hashes of what it leaves."""
    frame: Callable[[Any], DataFrame] = engine.get_spark().createDataFrame
    many = frame(counts(*(f"f{i % 700}" for i in range(1000)))).withColumn("rows_in", F.crc32("file_id"))
    first = lake.append("ops/counts", many, Txn("t", 1))
    second = lake.append("ops/counts", frame(counts("f1", "g1")), Txn("t", 2))
    assert (first.rows, first.duplicates, second.rows, second.duplicates) == (700, 300, 1, 1)
    lake.upsert("ops/counts", frame(counts("f2", "g2", rows_in=7)), Txn("t", 3))
    lake.delete("ops/counts", frame(counts("f3").select(["file_id"])), Txn("t", 4))
    for day in (1, 2, 1):
        date = dt.date(2017, 3, day)
        rows = (
            frame(scores(date, *"abc"))
            .unionByName(lake.read("models/scores", day=date))
            .dropDuplicates(["customer_id"])
        )
        lake.replace("models/scores", rows, lake.transaction("score", date, reads=["models/scores"]), day=date)
    assert lake.read("ops/counts").where(F.col("arrived") == F.lit(DAY)).count() == 701
    return {name: lake.content_hash(name) for name in ("ops/counts", "models/scores")}


@pytest.mark.slow
def test_both_engines_write_and_read_the_same_tables(apache_spark, tmp_path, spark):
    embedded = write_by_engine(Lake(str(tmp_path / "embedded")))
    with running_on(apache_spark):
        assert write_by_engine(Lake(str(tmp_path / "apache"))) == embedded
        swapped = Lake(str(tmp_path / "embedded")).read("ops/counts")
        assert swapped.count() == 701


def test_columns_can_be_named_before_the_engine_has_started():
    code = "import jobs.lake.changes; from pyspark.sql import functions as F; print(type(F.col('a')).__module__)"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "pyspark.sql.connect.column"
