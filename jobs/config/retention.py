"""config/retention.yaml: how long tables keep the rows of a day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from jobs.config.yaml_files import Strict, line_of, nearest
from jobs.lake.tables.catalogue import DATASETS

FILE = "retention.yaml"
LEAST = 35
"""Days that are always kept: what is held against its own history looks back that far."""


class Kept(Strict):
    """How long the rows of one table are kept."""

    days: int = Field(ge=LEAST, description="days after which the rows of a day are deleted")


class Retention(Strict):
    """config/retention.yaml. A table that is not named keeps everything."""

    tables: dict[str, Kept] = {}


def can_end() -> list[str]:
    """Tables of which a day can go without changing any other day: those made day by day, and logs of work."""
    return sorted(
        name
        for name, table in DATASETS.items()
        if table.day_column == "day" and (table.scope == "day" or name in ("ops/file_events", "ops/validations"))
    )


def problems(path: Path, retention: Retention) -> Iterator[str]:
    """Tables that have no days that can go: file, line, key, what to do."""
    possible = can_end()
    for name in retention.tables:
        place = f"{path}:{line_of(path, 'tables', name)}: tables.{name}"
        if name not in DATASETS:
            yield f"{place}: no such table{nearest(name, possible)}"
        elif name not in possible:
            yield f"{place}: later days are made of its rows, so none can go by their age; valid: {', '.join(possible)}"
