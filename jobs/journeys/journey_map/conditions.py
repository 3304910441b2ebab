"""Conditions in config/journey_map.yaml, judged by reading them: for `klantreis check` and for the step."""

from __future__ import annotations

from jobs.config.journey.journey_map import FILE
from jobs.config.settings import Settings
from jobs.config.sql.functions import ROW
from jobs.config.sql.guard import problem
from jobs.config.yaml_files import line_of
from jobs.lake.tables import catalogue


def wrong_conditions(settings: Settings) -> list[str]:
    """Every condition of a conflict that is wrong: file, line, key, problem. Starts no engine."""
    path, columns = settings.folder / FILE, catalogue.get("journeys/touchpoints").column_names
    return [
        f"{path}:{line_of(path, 'conflicts', name, key)}: conflicts.{name}.{key}: {wrong}"
        for name, conflict in settings.journey_map.conflicts.items()
        for key in ("one", "other")
        if (wrong := problem(getattr(conflict, key), columns, ROW))
    ]
