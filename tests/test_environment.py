"""The environment that `make setup` makes."""

from importlib.util import cache_from_source, find_spec
from pathlib import Path

import pytest


@pytest.mark.parametrize("library", ["airflow", "great_expectations", "mlflow", "pandas", "pyspark", "sqlglot"])
def test_libraries_are_compiled_once_and_not_by_every_process(library):
    found = find_spec(library)
    assert found is not None
    assert found.origin is not None
    assert Path(cache_from_source(found.origin)).exists(), f"{library} is not compiled: run `make setup`"
