"""The DAG folder, parsed once in its own process against a small configuration."""

import json
import os
from collections.abc import Iterator

import pytest

from tests.airflow_process import Airflow, airflow_process
from tests.dags.small_configuration import FILES
from tests.started import started

PARSED: dict[str, dict] = {}


@pytest.fixture(scope="session")
def airflow(tmp_path_factory) -> Iterator[Airflow]:
    """`airflow.run("run_dag.py", "maintain_lake", "{}", environment={"KLANTREIS_CONFIG": ...})`: as its own process."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    started("Airflow")
    with airflow_process(tmp_path_factory.mktemp("airflow"), shared) as process:
        yield process


@pytest.fixture
def parse(airflow, config):
    """Parse dags/ against the minimal configuration with `files` replaced."""

    def run(files: dict | None = None) -> dict:
        key = json.dumps(files)
        if key not in PARSED:
            folder = config({**FILES, **(files or {})})
            PARSED[key] = airflow.run("inspect_dags.py", environment={"KLANTREIS_CONFIG": str(folder)}).found
        return PARSED[key]

    return run
