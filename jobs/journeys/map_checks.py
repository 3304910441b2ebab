"""What `klantreis check` says of config/journey_map.yaml beyond links: SQL, insights without data, unproved ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jobs.config.journey_map import FILE
from jobs.config.settings import Settings
from jobs.config.sql import problem
from jobs.config.sql_functions import ROW
from jobs.config.yaml_files import line_of
from jobs.lake.tables import catalogue


def check(settings: Settings) -> list[str]:
    """Everything wrong with it: file, line, key, what to do. Looks into the lake for insights and closed solutions."""
    path = settings.folder / FILE
    found = [*_conflicts(settings), *_without_data(settings)]
    return [f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}: {what}" for keys, what in found]


def _conflicts(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    columns = catalogue.get("journeys/touchpoints").column_names
    for name, conflict in settings.journey_map.conflicts.items():
        for key in ("one", "other"):
            if wrong := problem(getattr(conflict, key), columns, ROW):
                yield ("conflicts", name, key), wrong


def _without_data(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Insights from data whose query gives no number, and solutions that were closed without a measured change."""
    mapped = settings.journey_map
    of_data = {name: insight.data for name, insight in mapped.insights.items() if insight.data}
    closed = [name for name, solution in mapped.solutions.items() if solution.status == "closed"]
    if not of_data and not closed:
        return
    asked = None
    if "://" in settings.lake or Path(settings.lake).exists():
        from jobs.journeys import journey_map, mapping  # load the engine, which nothing asks where nothing has been run

        asked = mapping.newest(settings)
    if asked is None:
        for name in closed:
            yield (
                ("solutions", name, "status"),
                f"closed without a measured change: {settings.lake} has no journeys yet",
            )
        return
    for name, data in of_data.items():
        estimate, reason = journey_map.estimated(asked, data.query)
        if estimate is None:
            yield ("insights", name, "data", "query"), f"an insight without data: {reason}"
    for row in journey_map.solution_rows(asked, mapped, settings.journey):
        if row["status"] == "closed" and row.get("change") is None:
            told = f"{row['verdict']}: {row['kpi']} has too few days before and after {row['live_from']}"
            yield (
                ("solutions", row["solution"], "status"),
                f"closed without a measured change ({told}); leave it running",
            )
