"""Are the traits of config/traits.yaml well-formed? Every problem with file, line, key and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs.activity.known_rows import columns_of
from jobs.activity.language import AGGREGATES, FUNCTIONS, brackets_match, grammar_problems, in_order
from jobs.activity.trial import failures
from jobs.config.settings import Settings
from jobs.config.sql import problems
from jobs.config.sql_functions import Kind
from jobs.config.traits import TABLE, Rows, Trait
from jobs.config.yaml_files import ConfigError, line_of
from jobs.lake.tables.catalogue import get

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TAKEN = tuple(get(TABLE).column_names)
WHERE = Kind(functions=FUNCTIONS)
VALUE = Kind(functions=FUNCTIONS | AGGREGATES)
_CASTS = {
    "bigint": ("tinyint", "smallint", "int", "bigint"),
    "double": ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal"),
    "decimal(18,2)": ("tinyint", "smallint", "int", "bigint", "decimal"),
}
"""What a declared type takes without rounding or guessing; other types take only themselves."""


def check(settings: Settings) -> list[str]:
    """Unknown columns, functions and traits, circles, and what is no aggregate; starts no engine."""
    traits = settings.traits
    found = list(_wrong_rows(settings))
    for name, trait in traits.items():
        if name in TAKEN:
            found.append(f"{_place(settings, name)}: the table has another column {name!r}; rename the trait")
        columns = list(columns_of(trait.over)) if trait.over else [other for other in traits if other != name]
        wrong = [f"{_place(settings, name, 'value')}: {p}" for p in problems(trait.value, columns, VALUE)]
        if trait.where is not None:
            wrong += [f"{_place(settings, name, 'where')}: {p}" for p in problems(trait.where, columns, WHERE)]
        for key in ("value", "where"):
            if not brackets_match(getattr(trait, key) or ""):
                wrong.append(f"{_place(settings, name, key)}: has a bracket that is not closed, or not opened")
        found += wrong or [f"{_place(settings, name, 'value')}: {problem}" for problem in grammar_problems(trait)]
    circle = in_order(traits)[1]
    if circle:
        found.append(f"{_place(settings, circle[0], 'value')}: is computed from itself: {' -> '.join(circle)}")
    return found


def _wrong_rows(settings: Settings) -> Iterator[str]:
    """Problems of the conditions of named rows."""
    for name, rows in settings.rows.items():
        found = problems(rows.where, list(columns_of(rows.over)), WHERE)
        if not found and not brackets_match(rows.where):
            found.append("has a bracket that is not closed, or not opened")
        yield from (f"{_place(settings, name, 'where', 'rows')}: {problem}" for problem in found)


def _counted(rows: Rows) -> Trait:
    """Named rows as a trait, to be tried out like one."""
    return Trait(title="rows", over=rows.over, where=rows.where, value="count(*)", type="bigint")


def analyse(spark: SparkSession, settings: Settings) -> list[str]:
    """What the engine does not understand, values of another type than declared, what fails on text; reads no data."""
    named = {name: _counted(rows) for name, rows in settings.rows.items()}
    tried = {name: _wrong_condition(spark, trait) for name, trait in named.items()}
    found = [f"{_place(settings, name, 'where', 'rows')}: {problem}" for name, problem in tried.items() if problem]
    if found:
        return found
    for name, trait in settings.traits.items():
        condition = _wrong_condition(spark, trait)
        problem = condition or _wrong_value(spark, name, trait, settings.traits)
        if problem:
            found.append(f"{_place(settings, name, 'where' if condition else 'value')}: {problem}")
    return found or [
        f"{_place(settings, name, key, part)}: fails on text that is no number, date or truth: compare with a '...', "
        f"or write try_cast(... as double): {problem}"
        for part, some in (("rows", named), ("traits", settings.traits))
        for name, key, problem in failures(spark, some)
    ]


def refuse_wrong_traits(spark: SparkSession, settings: Settings) -> None:
    """Raise ConfigError if any trait is wrong."""
    if found := check(settings) or analyse(spark, settings):
        raise ConfigError(found)


def refuse_forbidden(settings: Settings) -> None:
    """Raise ConfigError if any trait says what it may not; starts no engine. For steps that run before traits do."""
    if found := check(settings):
        raise ConfigError(found)


def _wrong_condition(spark: SparkSession, trait: Trait) -> str | None:
    from pyspark.sql import functions as F

    if trait.over is None or trait.where is None:
        return None
    try:
        given = _rows(spark, trait.over).select(F.expr(trait.where).alias("met")).schema["met"].dataType.simpleString()
    except Exception as error:  # each engine has its own classes for what it cannot analyse
        return _not_understood(error)
    return None if given == "boolean" else f"gives {given}, not true or false; compare it with something"


def _wrong_value(spark: SparkSession, name: str, trait: Trait, traits: dict[str, Trait]) -> str | None:
    try:
        given = _type(spark, name, trait, traits)
    except Exception as error:  # as above
        return _not_understood(error)
    if given.split("(")[0] not in _CASTS.get(trait.type, (trait.type,)):
        return f"gives {given}, not {trait.type}; correct `type`"
    return None


def _not_understood(error: Exception) -> str:
    return f"not an expression the engine understands: {str(error).strip().splitlines()[0][:200]}"


def _type(spark: SparkSession, name: str, trait: Trait, traits: dict[str, Trait]) -> str:
    """The type of the value. Raises what the engine raises when it cannot be understood."""
    from jobs.activity.one_pass import aggregated, derived

    if trait.over is None:
        others = ", ".join(f"{other} {known.type}" for other, known in traits.items() if other != name)
        frame = _empty(spark, others).select(derived(trait.value, traits).alias(name))
    else:
        customers, rows = _empty(spark, "customer_id string"), _rows(spark, trait.over)
        frame = aggregated(customers, rows, {name: trait}, trait.over, typed=False)
    return frame.schema[name].dataType.simpleString()


def _rows(spark: SparkSession, kind: str) -> DataFrame:
    columns = ", ".join(f"{column} {type_}" for column, type_ in columns_of(kind).items())
    return _empty(spark, f"customer_id string, {columns}")


def _empty(spark: SparkSession, columns: str) -> DataFrame:
    return spark.createDataFrame([], columns)


def _place(settings: Settings, name: str, key: str | None = None, part: str = "traits") -> str:
    path = settings.folder / "traits.yaml"
    keys = (part, name, key) if key else (part, name)
    return f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}"
