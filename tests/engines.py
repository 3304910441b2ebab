"""What tests run on: the embedded engine of the process, and one server of each kind per worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.airflow_process import Airflow, airflow_process
from tests.s3_server import s3_server
from tests.spark_server import spark_server, why_not
from tests.started import started


@contextmanager
def running_on(address: str) -> Iterator[None]:
    """Run on that server, then go back to the session of before."""
    from jobs.lake import engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_REMOTE", address)
        patch.setattr(engine, "_session", None)
        try:
            yield
        finally:
            engine.stop_spark()


@pytest.fixture(scope="session")
def apache_spark() -> Iterator[str]:
    """Address of a local Apache Spark server, started for the first test of this worker that needs it."""
    if reason := why_not():
        pytest.skip(reason)
    started("Apache Spark")
    with spark_server(short_lived=True) as address:
        yield address


@pytest.fixture(scope="session")
def s3_environment(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The variables that reach a local S3 server, started for the first test of this worker that needs it."""
    started("S3")
    with s3_server(tmp_path_factory.mktemp("s3")) as environment:
        yield environment


@pytest.fixture(scope="session")
def airflow(tmp_path_factory) -> Iterator[Airflow]:
    """`airflow.run("run_dag.py", "maintain_lake", "{}", environment={"KLANTREIS_CONFIG": ...})`: as its own process."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    started("Airflow")
    with airflow_process(tmp_path_factory.mktemp("airflow"), shared) as process:
        yield process


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.slow)])
def on_engine(request) -> Iterator[str]:
    """The test runs on both engines."""
    if request.param == "embedded":
        yield request.param
        return
    with running_on(request.getfixturevalue("apache_spark")):
        yield request.param


@pytest.fixture
def sent(monkeypatch) -> list[bytes]:
    """Every plan that is asked to be run or analysed, as the bytes that go to the engine."""
    from pyspark.sql.connect.client import core

    found, run, analyse = [], core.SparkConnectClient._execute_and_fetch, core.SparkConnectClient._analyze

    def running(self, request, *given, **named):
        found.append(request.SerializeToString())
        return run(self, request, *given, **named)

    def analysing(self, method, **named):
        found.extend(named[name].SerializeToString() for name in ("plan",) if name in named)
        return analyse(self, method, **named)

    monkeypatch.setattr(core.SparkConnectClient, "_execute_and_fetch", running)
    monkeypatch.setattr(core.SparkConnectClient, "_analyze", analysing)
    return found
