"""Are the conditions in config/journey.yaml well-formed, do their columns exist, do they give the same answer tomorrow?

Each is tried on an empty table by the engine itself, so whatever the engine accepts here it accepts in a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.activity.timeline import timeline_columns
from jobs.activity.touchpoints import KNOWN_LATER, RULE_COLUMNS
from jobs.config.journey import Journey
from jobs.config.settings import Settings
from jobs.config.yaml_files import line_of, nearest
from jobs.journeys.kpis import PERIOD_TABLES
from jobs.lake.engine import get_spark
from jobs.lake.tables.catalogue import get

FORBIDDEN = re.compile(
    r"\b(now|current_\w+|localtimestamp|rand|randn|random|uuid|approx_\w+|first|last|any_value|first_value|last_value"
    r"|monotonically_increasing_id)\s*\(|\bcurrent_(?:date|timestamp)\b",
    re.IGNORECASE,
)
"""Functions whose answer depends on the clock, on chance or on the order of rows."""
_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'")
_NAME = re.compile(r"`([^`]+)`|\b([A-Za-z_]\w*)\b(?!\s*\()")


@dataclass(frozen=True)
class Expression:
    """One SQL text of the configuration: where it is, and the columns it may use."""

    keys: tuple[str | int, ...]
    text: str
    columns: str
    aggregate: bool = False
    condition: bool = True


def check(settings: Settings) -> list[str]:
    """Everything wrong with the SQL in config/journey.yaml: file, line, key, problem, nearest valid column."""
    path = settings.folder / "journey.yaml"
    spark = get_spark()
    problems = []
    for expression in _expressions(settings.journey):
        problem = _problem(spark, expression)
        if problem:
            place = ".".join(str(key) for key in expression.keys)
            problems.append(f"{path}:{line_of(path, *expression.keys)}: {place}: {problem}")
    return problems


def _expressions(journey: Journey) -> Iterator[Expression]:
    events = get("valid/events").ddl()
    contacts = ", ".join(f"`{c.name}` {c.type}" for c in get("journeys/touchpoints").columns if c.name in RULE_COLUMNS)
    past = ", ".join(f"`{c.name}` {c.type}" for c in get("journeys/touchpoints").columns if c.name not in KNOWN_LATER)
    measures = timeline_columns(journey.measures)
    for name, condition in journey.channels.items():
        yield Expression(("channels", name), condition, events)
    for n, valence in enumerate(journey.valence):
        yield Expression(("valence", n, "when"), valence.when, contacts)
    for name, measure in journey.measures.items():
        yield Expression(("measures", name, "when"), measure.when, past)
        if measure.sum:
            yield Expression(("measures", name, "sum"), measure.sum, past, condition=False)
    for n, rule in enumerate(journey.stages):
        yield Expression(("stages", n, "when"), rule.when, measures)
    for name, kind in journey.moments.items():
        for signal, weighed in kind.signals.items():
            yield Expression(("moments", name, "signals", signal, "when"), weighed.when, events)
        yield Expression(("moments", name, "served_when"), kind.served_when, events)
    yield from _kpi_expressions(journey, measures)


def _kpi_expressions(journey: Journey, measures: str) -> Iterator[Expression]:
    for name, kpi in journey.kpis.items():
        columns = measures if kpi.table == "customers" else get(f"journeys/{kpi.table}").ddl()
        counts = kpi.table in PERIOD_TABLES
        yield Expression(("kpis", name, "where"), kpi.where, columns)
        for key in ("numerator", "denominator"):
            text = getattr(kpi, key)
            if text:
                yield Expression(("kpis", name, key), text, columns, aggregate=not counts, condition=counts)
        if kpi.dimension:
            yield Expression(("kpis", name, "dimension"), kpi.dimension, columns, condition=False)


def _problem(spark: SparkSession, expression: Expression) -> str | None:
    forbidden = FORBIDDEN.search(_TEXT.sub("''", expression.text))
    if forbidden:
        return f"{forbidden.group().rstrip('( ')} gives another answer each time; use a column instead"
    table = spark.createDataFrame([], expression.columns)
    unknown = _unknown_names(expression.text, table.columns)
    try:
        kind = _type(table, expression)
    except PySparkException as error:
        if unknown:
            return f"unknown column {unknown[0]!r}{nearest(unknown[0], table.columns)}"
        return f"not valid SQL: {_first_line(error)}"
    if expression.condition and kind != "boolean":
        return f"gives a {kind} where a condition is needed; compare it with something"
    return None


def _type(table: DataFrame, expression: Expression) -> str:
    """The type of the expression. Raises what the engine raises when it cannot be understood."""
    column = F.expr(expression.text)
    result = table.groupBy(F.lit(1).alias("all")).agg(column) if expression.aggregate else table.select(column)
    return result.schema[-1].dataType.simpleString()


def _unknown_names(text: str, columns: Iterable[str]) -> list[str]:
    """Words of the expression that are neither column nor SQL, as far as reading alone can tell."""
    valid = {column.lower() for column in columns}
    words = [quoted or plain for quoted, plain in _NAME.findall(_TEXT.sub("''", text))]
    return [word for word in words if word.lower() not in valid | SQL_WORDS]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]


SQL_WORDS = frozenset(
    """
    and or not in is null true false like rlike regexp escape ilike between case when then else end distinct as cast
    interval day days hour hours minute minutes month year date timestamp string int bigint double decimal boolean
    filter where div over
    """.split()  # noqa: SIM905 (words are easier to read than a list of forty texts)
)
