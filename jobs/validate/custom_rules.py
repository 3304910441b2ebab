"""The rules of a dataset that its source's configuration adds: checked against its columns, then expectations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from great_expectations.expectations.expectation import Expectation
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.batch_columns import attribute_column
from expectations.own import default_name, in_batch, own
from jobs.config.sources import Rule, SourceDataset
from jobs.config.yaml_files import ConfigError, nearest
from jobs.ingest.expressions import complaint, parse
from jobs.lake.engine import get_spark
from jobs.lake.tables.canonical import CANONICAL
from jobs.lake.trial import tried
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
        for key, sql in _conditions(rule):
            try:
                parse(sql)
            except ConfigError as error:
                unknown = True
                yield from ((number, key, what) for what in error.problems)
        for column, key in [] if unknown else _columns(rule):
            if column not in types:
                unknown = True
                yield number, key, _unknown(column, name, types)
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
    spark = get_spark()  # before the first column: it decides what columns are made of
    types = column_types(name, dataset)
    named = {attribute_column(column): type_ for column, type_ in types.items()}
    conditions = [
        (number, key, in_batch(sql)) for number, rule in enumerate(dataset.rules) for key, sql in _conditions(rule)
    ]
    understood = []
    ddl = ", ".join(f"`{name}` {type_}" for name, type_ in named.items())
    for condition, found in zip(conditions, tried(ddl, [sql for _, _, sql in conditions]), strict=True):
        number, key, _ = condition
        if found.refused:
            yield number, key, f"not a condition the engine understands: {complaint(found.refused)}"
        elif found.type != "boolean":
            yield number, key, f"gives a value of type {found.type}, not true or false"
        else:
            understood.append(condition)
    texts = [F.lit("text" if type_ == "string" else None).cast(type_).alias(name) for name, type_ in named.items()]
    words = spark.range(1).select(*texts, F.lit("text").alias("text_"))
    patterns = [
        (n, "pattern", F.col("text_").rlike(rule.pattern)) for n, rule in enumerate(dataset.rules) if rule.pattern
    ]
    for number, key, _ in _stopping(words, [(number, key, F.expr(sql)) for number, key, sql in understood]):
        yield number, key, "stops at text that is no number or date; take try_cast(NAME as double) for NAME"
    for number, key, error in _stopping(words, patterns):
        yield number, key, f"not a regular expression the engine understands: {_first_line(error)}"


def _stopping(rows: DataFrame, values: list[tuple[int, str, Column]]) -> Iterator[tuple[int, str, PySparkException]]:
    """The values that the engine cannot compute for these rows: all are tried at once, and alone if that stops."""
    if not values:
        return
    try:
        rows.select(*(value.alias(f"value_{place}") for place, (_, _, value) in enumerate(values))).collect()
    except PySparkException as error:
        if len(values) == 1:
            yield values[0][0], values[0][1], error
        else:
            for value in values:
                yield from _stopping(rows, [value])


def _conditions(rule: Rule) -> list[tuple[str, str]]:
    """The keys of a rule that hold SQL, and what they say."""
    return [(key, sql) for key, sql in (("when", rule.when), ("condition", rule.condition)) if sql.strip()]


def _columns(rule: Rule) -> list[tuple[str, str]]:
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


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
