"""The rules of a dataset that its source's configuration adds: checked against its columns, then expectations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from great_expectations.expectations.expectation import Expectation
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.batch_columns import attribute_column
from expectations.own import default_name, in_batch, own
from jobs.config.sources import Rule, SourceDataset
from jobs.config.yaml_files import ConfigError, nearest
from jobs.ingest.expressions import complaint, parse
from jobs.lake.engine import get_spark
from jobs.lake.tables.canonical import CANONICAL
from jobs.validate.cross_row_rules import ATTRIBUTE_TYPES

Problem = tuple[int, str, str]
"""Place of the rule in the list, key in it, what is wrong."""


def own_expectations(
    name: str, dataset: SourceDataset, suite: Iterable[Expectation], place: str, datasets: Iterable[str]
) -> list[Expectation]:
    """The expectations of `dataset.rules`; `suite` are those it has already, `datasets` those of the same source.

    Raises ConfigError naming each rule, below `place`, that is about a column or dataset that is not there.
    """
    wrong = list(problems(name, dataset, datasets))
    if wrong:
        raise ConfigError([f"{place}.{number}.{key}: {what}" for number, key, what in wrong])
    taken = {str((one.meta or {})["rule"]) for one in suite}
    found = []
    for rule in dataset.rules:
        called = default_name(rule, taken)
        taken.add(called)
        found.append(own(rule, called, name, column_types(name, dataset)))
    return found


def attribute_types(name: str, dataset: SourceDataset) -> dict[str, str]:
    """Spark type of each attribute that a rule names."""
    used = {column for rule in dataset.rules for column, _ in _columns(rule)}
    types = column_types(name, dataset)
    return {
        column.removeprefix("attributes."): types[column] for column in sorted(used) if column.startswith("attributes.")
    }


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
        try:
            for column, key in _columns(rule):
                if column not in types:
                    unknown = True
                    yield number, key, _unknown(column, name, types)
        except ConfigError as error:
            unknown = True
            yield number, "when" if rule.when else "condition", str(error)
        if rule.references:
            yield from ((number, "references", what) for what in _wrong_reference(rule, datasets))
        if not unknown:
            try:
                own(rule, rule.name or "rule", name, types)
            except ValueError as error:
                key, _, what = str(error).partition(": ")
                yield number, key, what


def engine_problems(name: str, dataset: SourceDataset) -> Iterator[Problem]:
    """Patterns and conditions that the engine does not understand, or that stop it at the first odd text."""
    if not dataset.rules:
        return
    types = column_types(name, dataset)
    named = {attribute_column(column): type_ for column, type_ in types.items()}
    ddl = ", ".join(f"`{name}` {type_}" for name, type_ in named.items())
    empty = get_spark().createDataFrame([], ddl)
    texts = [F.lit("text" if type_ == "string" else None).cast(type_).alias(name) for name, type_ in named.items()]
    words = get_spark().range(1).select(*texts)
    for number, rule in enumerate(dataset.rules):
        for key, sql in (("when", in_batch(rule.when)), ("condition", in_batch(rule.condition))):
            try:
                kind = empty.select(F.expr(sql).alias("it")).schema["it"].dataType.simpleString() if sql else "boolean"
            except PySparkException as error:
                yield number, key, f"not a condition the engine understands: {complaint(error)}"
                continue
            if kind != "boolean":
                yield number, key, f"gives a value of type {kind}, not true or false"
            elif sql and _stops(words, sql):
                yield number, key, "stops at text that is no number or date; take try_cast(NAME as double) for NAME"
        if rule.pattern:
            try:
                text = get_spark().createDataFrame([("text",)], "text string")
                text.select(F.col("text").rlike(rule.pattern)).collect()
            except PySparkException as error:
                yield number, "pattern", f"not a regular expression the engine understands: {_first_line(error)}"


def _stops(rows: DataFrame, sql: str) -> bool:
    """Whether the engine cannot compute the condition for these rows."""
    try:
        rows.select(F.expr(sql)).collect()
    except PySparkException:
        return True
    return False


def _columns(rule: Rule) -> list[tuple[str, str]]:
    """Every column that the rule names, with the key that names it."""
    named = [(rule.column, "column")] if rule.column else []
    named += [(column, "by") for column in rule.by] + [(column, "columns") for column in rule.columns]
    for key, sql in (("when", rule.when), ("condition", rule.condition)):
        if sql.strip():
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


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
