"""The DAG folder, parsed once in its own process against a small configuration."""

import json

import pytest

from tests.dags.small_configuration import FILES

PARSED: dict[str, dict] = {}


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
