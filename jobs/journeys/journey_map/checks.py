"""What `klantreis check` says of config/journey_map.yaml beyond links: SQL, insights without data, unproved ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.config.journey.journey_map import FILE
from jobs.config.settings import Settings
from jobs.config.wrong import nearest
from jobs.config.yaml_files import line_of
from jobs.journeys.journey_map.conditions import wrong_conditions

if TYPE_CHECKING:
    from jobs.journeys.journey_map.tables import MapQueries

Problem = tuple[tuple[str, ...], str]
"""The keys in the YAML, and what is wrong with their value."""


def check(settings: Settings) -> list[str]:
    """Everything wrong with it: file, line, key, what to do. Looks into the lake for numbers and content."""
    path, asked = settings.folder / FILE, _asked(settings)
    found = [*_without_data(settings, asked), *_unknown_content(settings, asked), *_unproved(settings, asked)]
    told = [f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}: {what}" for keys, what in found]
    return [*wrong_conditions(settings), *told]


def _asked(settings: Settings) -> MapQueries | None:
    """The tables on the newest day; None where nothing has been run, or nothing is asked of them."""
    mapped = settings.journey_map
    if not mapped.insights and not mapped.solutions:
        return None
    if "://" not in settings.lake and not Path(settings.lake).exists():
        return None
    from jobs.journeys.journey_map import step as mapping  # loads the engine

    return mapping.newest(settings)


def _without_data(settings: Settings, asked: MapQueries | None) -> Iterator[Problem]:
    """Insights from data whose query gives no number."""
    of_data = {name: insight.data for name, insight in settings.journey_map.insights.items() if insight.data}
    if asked is None or not of_data:
        return
    from jobs.journeys.journey_map.tables import estimated  # loads DuckDB

    for name, data in of_data.items():
        estimate, reason = estimated(asked, data.query)
        if estimate is None:
            yield ("insights", name, "data", "query"), f"an insight without data: {reason}"


def _unknown_content(settings: Settings, asked: MapQueries | None) -> Iterator[Problem]:
    """Solutions whose content is neither a template of config/templates/ nor an item of the dataset content."""
    named = {name: one.content for name, one in settings.journey_map.solutions.items() if one.content}
    templates = {path.name.split(".")[0] for path in settings.folder.glob("templates/*")}
    delivered = any("content" in source.datasets for source in settings.sources.values())
    if delivered and asked is None:
        return  # nothing has been run: its items are not known yet
    items = asked.rows("select distinct content_id from valid.content", "valid.content") if asked else []
    known = templates | {row["content_id"] for row in items}
    for name, content in named.items():
        if content not in known:
            yield (
                ("solutions", name, "content"),
                f"{content!r} is neither a template nor an item of the dataset content{nearest(content, known)}",
            )


def _unproved(settings: Settings, asked: MapQueries | None) -> Iterator[Problem]:
    """Solutions that were closed without a measured change."""
    mapped = settings.journey_map
    closed = [name for name, solution in mapped.solutions.items() if solution.status == "closed"]
    changes = {}
    if asked is not None and closed:
        from jobs.journeys.journey_map.tables import solution_rows  # loads DuckDB

        changes = {row["solution"]: row for row in solution_rows(asked, mapped, settings.journey)}
    for name in closed:
        row = changes.get(name, {"verdict": f"{settings.lake} has no journeys yet"})
        if row.get("change") is None:
            told = (
                f"closed without a measured change ({row['verdict']}): {mapped.solutions[name].kpi} needs days before"
            )
            yield (
                ("solutions", name, "status"),
                f"{told} and after {mapped.solutions[name].live_from}; leave it running",
            )
