"""Pull what a source does not deliver as files: rows of a database and records of an API become landed files."""

from __future__ import annotations

from datetime import date

from jobs.lake import Lake
from jobs.settings import Settings


def run(source: str, day: date, settings: Settings, lake: Lake) -> int:
    """Land the new rows of the datasets of `source` that have a query or request; returns how many."""
    return 0
