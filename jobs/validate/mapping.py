"""From raw records to the columns of a canonical dataset, by the expressions of `config/sources/`.

A record is parsed once. A value that is there but does not become the type of its column is never dropped in
silence: the column's name goes to `unreadable_columns`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from expectations.batch_columns import UNREADABLE
from jobs import schemas
from jobs.config_sources import SourceDataset
from jobs.ingest.expressions import Expression, parse
from jobs.yaml_files import ConfigError

RAW = "raw_"
"""Struct of the raw row in a mapped batch, so that no source column can clash with it."""

ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
ISO_MOMENT = ISO_DAY + r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?( ?(Z|[+-][0-9]{2}:?[0-9]{2}))?)?$"
ISO_ZONE = r":[0-9.]+ ?(Z|[+-][0-9]{2}:?[0-9]{2})$"
WHOLE = r"^[+-]?[0-9]{1,18}$"
DECIMAL = r"^[+-]?([0-9]+([.][0-9]+)?|[.][0-9]+)$"
NUMBER = r"^[+-]?([0-9]+([.][0-9]+)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
PATTERNS = {"int": WHOLE, "bigint": WHOLE, "double": NUMBER, "decimal(18,2)": DECIMAL}
"""What text must look like before it is cast: engines agree on these, and differ on what else they take."""

ABSOLUTE = re.compile(r"timestamp_(seconds|millis|micros)|from_unixtime|to_utc_timestamp|XXX|'Z'", re.IGNORECASE)
"""Expressions whose timestamp is a moment in time already, not the local time of the source."""
OPTIONAL = re.compile(r"\b(case|if|iff|nullif|nvl2|get_json_object|element_at|try_element_at|get)\b", re.IGNORECASE)
"""Expressions that may mean NULL although the columns they read have values."""


@dataclass(frozen=True)
class Mapping:
    """How one dataset of one source becomes canonical.

    `zone` is the time zone of timestamps that carry none, `place` where the mapping is written.
    """

    name: str
    dataset: SourceDataset
    zone: str
    place: str = "columns"

    @property
    def nested(self) -> bool:
        return self.dataset.format.type != "csv"

    def values(self) -> dict[str, Expression]:
        return {column: parse(value.expression, self.nested) for column, value in self.dataset.columns.items()}

    def attributes(self) -> dict[str, Expression]:
        return {name: parse(value.expression, self.nested) for name, value in self.dataset.attributes.items()}


def mapped(raw: DataFrame, mapping: Mapping) -> DataFrame:
    """One row per raw row: all columns of `valid/<name>`, `record` and `unreadable_columns`.

    Raises ConfigError naming each expression that the engine does not understand.
    """
    values = mapping.values()
    parsed = raw.transform(_parsed, mapping)
    valued = parsed.transform(_valued, mapping)
    kinds = _kinds(parsed, valued, mapping)
    columns, unreadable = [], []
    for column in schemas.CANONICAL[mapping.name].columns:
        if column.name in schemas.LINEAGE_COLUMNS or column.name == "attributes":
            continue
        if column.name not in values:
            columns.append(F.expr(f"cast(null as {column.type})").alias(column.name))
            continue
        held = _Held(column.name, kinds[f"value_{column.name}"], values[column.name].sql, mapping.zone)
        columns.append(held.typed(column.type).alias(column.name))
        unreadable.append(F.when(held.given() & held.typed(column.type).isNull(), F.lit(column.name)))
    lineage = [F.col(f"{RAW}.{name}").alias(name) for name in (*schemas.LINEAGE_COLUMNS, "record")]
    problem = F.nullif(F.concat_ws(",", *unreadable), F.lit(""))
    return valued.select(*columns, "attributes", *lineage, problem.alias(UNREADABLE))


def _kinds(parsed: DataFrame, valued: DataFrame, mapping: Mapping) -> dict[str, T.DataType]:
    """The types that the expressions give."""
    try:
        return {field.name: field.dataType for field in valued.schema.fields}
    except PySparkException as error:
        problems = []
        for name, expression in {**mapping.values(), **mapping.attributes()}.items():
            try:
                parsed.select(F.expr(expression.sql)).schema  # noqa: B018  the engine looks at it when asked its type
            except PySparkException as problem:
                what = str(problem).strip().splitlines()[0]
                problems.append(f"{mapping.place}.{name}: the engine does not understand {expression.sql!r}: {what}")
        raise ConfigError(problems or [f"{mapping.place}: {error}"]) from None


def _parsed(raw: DataFrame, mapping: Mapping) -> DataFrame:
    """The raw row as one struct, beside the source columns that the mapping names, as text."""
    expressions = [*mapping.values().values(), *mapping.attributes().values()]
    names = dict.fromkeys(name for expression in expressions for name in expression.columns)
    ddl = ", ".join(f"{_quoted(name)} string" for name in names)
    whole = F.struct("file_id", "line", "arrived", "source", "record")
    return raw.select(whole.alias(RAW), F.from_json("record", ddl).alias("row_")).select(RAW, "row_.*")


def _valued(parsed: DataFrame, mapping: Mapping) -> DataFrame:
    """What each expression gives, and whether a source column it reads is filled; further columns as JSON."""
    columns: list[Column] = [F.col(RAW)]
    for name, expression in mapping.values().items():
        columns.append(F.expr(expression.sql).alias(f"value_{name}"))
        columns.append(F.expr(_any_filled(expression)).alias(f"given_{name}"))
    further = [
        F.expr(f"nullif(trim({expression.sql}), '')" if expression.bare else expression.sql).alias(name)
        for name, expression in mapping.attributes().items()
    ]
    attributes = F.nullif(F.to_json(F.struct(*further)), F.lit("{}")) if further else F.lit(None).cast("string")
    return parsed.select(*columns, attributes.alias("attributes"))


def _any_filled(expression: Expression) -> str:
    filled = [f"coalesce(trim({_quoted(name)}), '') <> ''" for name in expression.columns]
    return " or ".join(filled) or "false"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@dataclass(frozen=True)
class _Held:
    """The value of one column before it gets its type."""

    name: str
    kind: T.DataType
    sql: str
    zone: str

    @property
    def text(self) -> Column:
        return F.nullif(F.trim(F.col(f"value_{self.name}")), F.lit(""))

    def given(self) -> Column:
        """Whether there was a value: if the typed one is NULL, it could not be read."""
        if isinstance(self.kind, T.StringType):
            return self.text.isNotNull()
        return F.lit(False) if OPTIONAL.search(self.sql) else F.col(f"given_{self.name}")

    def typed(self, type_: str) -> Column:
        """The value in its type; NULL where it does not have it."""
        value = self.text if isinstance(self.kind, T.StringType) else F.col(f"value_{self.name}")
        if type_ == "timestamp":
            return self._moment(value)
        if not isinstance(self.kind, T.StringType):
            return value.try_cast(type_)
        if type_ == "date":
            return F.when(value.rlike(ISO_MOMENT), F.substring(value, 1, 10).try_cast("date"))
        if type_ in PATTERNS:
            return F.when(value.rlike(PATTERNS[type_]), value.try_cast(type_))
        return value if type_ == "string" else value.try_cast(type_)

    def _moment(self, value: Column) -> Column:
        """A moment in UTC; one without a zone is in the time zone of the source."""
        if not isinstance(self.kind, T.StringType):
            moment = value.try_cast("timestamp")
            return moment if ABSOLUTE.search(self.sql) else F.to_utc_timestamp(moment, self.zone)
        moment = F.when(value.rlike(ISO_MOMENT), value.try_cast("timestamp"))
        return F.when(value.rlike(ISO_ZONE), moment).otherwise(F.to_utc_timestamp(moment, self.zone))
