"""Published data sets that some tests read: beside the project, or in the folder of KLANTREIS_TEST_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("KLANTREIS_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def folder(name: str) -> Path:
    """The folder of a data set; without it the test is skipped, saying what to set."""
    found = ROOT / name
    if not found.is_dir():
        pytest.skip(f"the data set {name} is not here; set KLANTREIS_TEST_DATA to the folder that holds it")
    return found
