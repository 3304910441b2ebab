"""Fixtures shared by all tests: one engine session, an empty lake, a small valid configuration."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from jobs.lake.tables import catalogue
from tests.company import written
from tests.table_rows import table_rows

pytest_plugins = ["tests.started", "tests.workers", "tests.journey_rows", "tests.engines", "tests.ingest.crm_company"]


hypothesis.settings.register_profile("any_machine", deadline=None)
hypothesis.settings.load_profile("any_machine")


def pytest_collection_finish() -> None:
    """What was loaded stays until the end: looking through all of it for garbage again and again costs a twentieth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, the longest before all, so that no worker waits for one of them at the end."""
    minutes: Counter[Path] = Counter()
    for item in items:
        if slow := item.get_closest_marker("slow"):
            minutes[item.path] = max(minutes[item.path], slow.kwargs.get("minutes", 1))
    items.sort(key=lambda item: -minutes[item.path])


@pytest.fixture
def spark():
    """The session of this process; another one if a test before used an engine of its own."""
    from jobs.lake.engine import get_spark

    return get_spark()


@pytest.fixture
def going_on(monkeypatch):
    """Steps go on from their last run, however few rows there are."""
    monkeypatch.setattr("jobs.identity.fresh.FEW", 0)


@pytest.fixture
def wide_screen(monkeypatch):
    """Tables are not cut, whatever the terminal and whichever test was the first to print."""
    from jobs.cli.console import console

    monkeypatch.setattr(console, "_width", 300)


@pytest.fixture
def command(monkeypatch, capsys, wide_screen) -> Callable[..., tuple[Any, str, str]]:
    """`command(folder, "check")` runs it for the configuration in that folder: `(exit code, output, errors)`."""
    from jobs.cli.main import main

    def run(folder: Path, *arguments: str) -> tuple[Any, str, str]:
        monkeypatch.setenv("KLANTREIS_CONFIG", str(folder))
        monkeypatch.setenv("KLANTREIS_HASH_KEY", "k")
        monkeypatch.setattr(sys, "argv", ["klantreis", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


@pytest.fixture
def lake(tmp_path):
    from jobs.lake.lake import Lake

    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def config(tmp_path) -> Callable[..., Path]:
    """Write a minimal valid configuration; keyword `files` replaces or adds whole files, None removes one.

    Traits come on top of those that the models of the minimal configuration learn from.
    """

    return lambda files=None: written(tmp_path / "config", files)


@pytest.fixture
def settings(config, monkeypatch) -> Callable[..., Any]:
    """Load a minimal configuration with whole files replaced: `settings({"journey.yaml": {...}})`."""
    from jobs.config.settings import load_settings

    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test-key")
    monkeypatch.delenv("KLANTREIS_HOME", raising=False)
    return lambda files=None: load_settings(config(files))


@pytest.fixture
def rows(spark) -> Callable[..., Any]:
    """`rows("valid/contacts", {...}, {...})`: a DataFrame of that table; columns not given are null.

    Text in the place of a date, timestamp or decimal is converted, so tests stay readable.
    """

    def build(name: str, *records: dict[str, Any]) -> Any:
        return spark.createDataFrame(table_rows(name, *records), catalogue.get(name).spark_schema())

    return build
