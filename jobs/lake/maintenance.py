"""Keep the lake small and fast; no row changes."""

from __future__ import annotations

from datetime import date
from typing import Any

from jobs.lake.lake import Lake
from jobs.lake.place import Place

KEEP_HOURS = 7 * 24
"""Versions younger than this stay readable: longer than any step runs, long enough to look back at last week."""


def run(day: date, place: Place) -> dict[str, Any]:
    """Merge the small files of every table, then delete files no version of the last week uses. The same on any day."""
    lake = Lake.of(place)
    tables = [name for name in place.tables if lake.exists(name)]
    merged = sum(lake.compact(name) for name in tables)
    removed = sum(lake.vacuum(name, KEEP_HOURS) for name in tables)
    return {"tables": len(tables), "files_merged_away": merged, "files_removed": removed}
