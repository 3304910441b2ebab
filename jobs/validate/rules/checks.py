"""Are the rules that a source's configuration adds well-formed, and does the engine understand them?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from expectations.batch_columns import attribute_column, in_batch
from expectations.limits import refuse_wrong_type
from jobs.config.sources.row_rules import Rule
from jobs.config.sources.source import SourceDataset
from jobs.config.sql.types import known_types
from jobs.config.yaml_files import ConfigError, nearest
from jobs.ingest.complaints import complaint
from jobs.ingest.expressions import parse
from jobs.lake.tables.canonical import CANONICAL
from jobs.lake.trial import made_up, stopping, tried
from jobs.validate.rules.patterns import wrong_patterns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Problem = tuple[int, str, str]
"""Place of the rule in the list, key in it, what is wrong."""
ATTRIBUTE_TYPES = {"number": "double", "boolean": "boolean", "date": "date", "timestamp": "timestamp"}
"""Spark type of an attribute by what `type:` says; all others are text."""


def column_types(name: str, dataset: SourceDataset) -> dict[str, str]:
    """Spark type of each column that a rule of this dataset may name: columns that are mapped, and attributes."""
    lineage = {"source", "file_id", "line", "arrived"}
    canonical = {
        column.name: column.type
        for column in CANONICAL[name].columns
        if column.name in dataset.columns or column.name in lineage
    }
    numbers = {r.column for r in dataset.rules if r.rule == "between" and isinstance(r.min or r.max, int | float)}
    attributes = {}
    for attribute, value in dataset.attributes.items():
        column = f"attributes.{attribute}"
        kind = value.type or ("number" if column in numbers else "text")
        attributes[column] = ATTRIBUTE_TYPES.get(kind, "string")
    return canonical | attributes


def problems(name: str, dataset: SourceDataset, datasets: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with the rules as far as the configuration tells."""
    types, datasets = column_types(name, dataset), list(datasets)
    taken: set[str] = set()
    for number, rule in enumerate(dataset.rules):
        if rule.name and rule.name in taken:
            yield number, "name", f"another rule of this dataset is called {rule.name!r}; choose another name"
        taken.add(rule.name or "")
        unknown = False
        for key, sql in _conditions(rule):
            try:
                parse(sql)
            except ConfigError as error:
                unknown = True
                yield from ((number, key, what) for what in error.problems)
        for column, key in [] if unknown else rule_columns(rule):
            if column not in types:
                unknown = True
                yield number, key, _unknown(column, name, types)
        if rule.references:
            yield from ((number, "references", what) for what in _wrong_reference(rule, datasets))
        if not unknown:
            try:
                refuse_wrong_type(rule, types.get(rule.column, "string"))
            except ValueError as error:
                key, _, what = str(error).partition(": ")
                yield number, key, what


def engine_problems(name: str, dataset: SourceDataset) -> Iterator[Problem]:
    """Patterns and conditions that the engine does not understand, or that stop it at the first odd text.

    The engine is not started for what reading alone tells to be fine.
    """
    types = {attribute_column(column): type_ for column, type_ in column_types(name, dataset).items()}
    conditions = {
        (number, key): in_batch(sql) for number, rule in enumerate(dataset.rules) for key, sql in _conditions(rule)
    }
    told = known_types(types, conditions.values())
    unsure = {}
    found = tried(types, list(conditions.values()), told)
    for (place, sql), kind, result in zip(conditions.items(), told, found, strict=True):
        if result.refused:
            yield *place, f"not a condition the engine understands: {complaint(result.refused, sql, types)}"
        elif result.type != "boolean":
            yield *place, f"gives a value of type {result.type}, not true or false"
        elif kind is None:
            unsure[place] = sql
    for place, _ in stopping(unsure, lambda some: _computed(types, some)):
        yield *place, "stops at text that is no number or date; take try_cast(NAME as double) for NAME"
    patterns = {(number, "pattern"): rule.pattern for number, rule in enumerate(dataset.rules) if rule.pattern}
    yield from ((*place, what) for place, what in wrong_patterns(patterns))


def _computed(types: Mapping[str, str], texts: Mapping[tuple[int, str], str]) -> DataFrame:
    row = made_up(types, only_texts=True)
    return row.selectExpr(*(f"{text} as value_{place}" for place, text in enumerate(texts.values())))


def _conditions(rule: Rule) -> list[tuple[str, str]]:
    """The keys of a rule that hold SQL, and what they say."""
    return [(key, sql) for key, sql in (("when", rule.when), ("condition", rule.condition)) if sql.strip()]


def rule_columns(rule: Rule) -> list[tuple[str, str]]:
    """Every column that the rule names, with the key that names it."""
    named = [(rule.column, "column")] if rule.column else []
    named += [(column, "by") for column in rule.by] + [(column, "columns") for column in rule.columns]
    for key, sql in _conditions(rule):
        named += [(column, key) for column in parse(sql).columns]
    return named


def _unknown(column: str, name: str, types: dict[str, str]) -> str:
    target = CANONICAL[name]
    if column in target.column_names and column != "attributes":
        return f"column {column!r} is not filled by this source; map it in `columns`"
    return f"unknown column {column!r}{nearest(column, types)}"


def _wrong_reference(rule: Rule, datasets: list[str]) -> Iterator[str]:
    dataset, _, column = rule.references.partition(".")
    if dataset not in CANONICAL:
        yield f"unknown dataset {dataset!r}{nearest(dataset, CANONICAL)}"
    elif dataset not in datasets and not rule.any_source:
        yield f"this source has no dataset {dataset!r}; set `any_source: true` to look at those of all sources"
    elif column not in CANONICAL[dataset].column_names:
        yield f"unknown column {column!r} of {dataset}{nearest(column, CANONICAL[dataset].column_names)}"
