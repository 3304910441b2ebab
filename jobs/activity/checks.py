"""Are the traits of config/traits.yaml well-formed? Every problem with file, line, key and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.activity.language import AGGREGATES, FUNCTIONS, brackets_match, grammar_problems, in_order
from jobs.activity.row_columns import columns_of
from jobs.config.settings import Settings
from jobs.config.sql.functions import Kind
from jobs.config.sql.guard import problems
from jobs.config.traits import TABLE
from jobs.config.yaml_files import ConfigError, line_of
from jobs.lake.tables.catalogue import get

TAKEN = tuple(get(TABLE).column_names)
WHERE = Kind(functions=FUNCTIONS)
VALUE = Kind(functions=FUNCTIONS | AGGREGATES)


def check(settings: Settings) -> list[str]:
    """Unknown columns, functions and traits, circles, and what is no aggregate; starts no engine."""
    traits = settings.traits
    found = list(_wrong_rows(settings))
    for name, trait in traits.items():
        if name in TAKEN:
            found.append(f"{place_of(settings, name)}: the table has another column {name!r}; rename the trait")
        columns = list(columns_of(trait.over)) if trait.over else [other for other in traits if other != name]
        wrong = [f"{place_of(settings, name, 'value')}: {p}" for p in problems(trait.value, columns, VALUE)]
        if trait.where is not None:
            wrong += [f"{place_of(settings, name, 'where')}: {p}" for p in problems(trait.where, columns, WHERE)]
        for key in ("value", "where"):
            if not brackets_match(getattr(trait, key) or ""):
                wrong.append(f"{place_of(settings, name, key)}: has a bracket that is not closed, or not opened")
        found += wrong or [f"{place_of(settings, name, 'value')}: {problem}" for problem in grammar_problems(trait)]
    circle = in_order(traits)[1]
    if circle:
        found.append(f"{place_of(settings, circle[0], 'value')}: is computed from itself: {' -> '.join(circle)}")
    return found


def _wrong_rows(settings: Settings) -> Iterator[str]:
    """Problems of the conditions of named rows."""
    for name, rows in settings.rows.items():
        found = problems(rows.where, list(columns_of(rows.over)), WHERE)
        if not found and not brackets_match(rows.where):
            found.append("has a bracket that is not closed, or not opened")
        yield from (f"{place_of(settings, name, 'where', 'rows')}: {problem}" for problem in found)


def refuse_forbidden(settings: Settings) -> None:
    """Raise ConfigError if any trait says what it may not; starts no engine. For steps that run before traits do."""
    if found := check(settings):
        raise ConfigError(found)


def place_of(settings: Settings, name: str, key: str | None = None, part: str = "traits") -> str:
    """File, line and key of a trait, or of what it says under `key`."""
    path = settings.folder / "traits.yaml"
    keys = (part, name, key) if key else (part, name)
    return f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}"
