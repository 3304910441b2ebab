"""One mapped value of a dataset: how what its expression gives becomes a value of its type.

What several columns are made of is a column of its own first. An engine plans an expression as often as it stands
somewhere, and how dates are written takes a dozen patterns to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.config.sources.source import Conventions
from jobs.ingest.expressions import Expression
from jobs.validate.mapping import values as read
from jobs.validate.mapping.codes import CODES, coded
from jobs.validate.mapping.parsed import quoted

ABSOLUTE = re.compile(r"timestamp_(seconds|millis|micros)|from_unixtime|to_utc_timestamp|XXX|'Z\\?'", re.IGNORECASE)
"""Expressions whose timestamp is a moment in time already, not the local time of the source."""


@dataclass(frozen=True)
class Held:
    """One mapped value: what gives it, what it is called in reports, and how it is written.

    `type` is a Spark SQL type, one of `Value.type` for an attribute, or None for an attribute kept as it is.
    """

    name: str
    label: str
    type: str | None
    expression: Expression
    meanings: dict[str, str | bool | int | float | None]
    conventions: Conventions
    zone: str

    @property
    def attribute(self) -> bool:
        return self.label != self.name

    @property
    def plain(self) -> bool:
        """Whether it is an attribute that needs no reading."""
        return self.attribute and self.type in (None, "text") and not self.meanings

    @property
    def value(self) -> Column:
        return self._column("value")

    @property
    def typed(self) -> Column:
        """The value in its type; NULL where it does not have it. A column that `with_values` adds, as are others."""
        return self._column("typed")

    def given(self, kind: T.DataType) -> Column:
        """Whether there was a value: if the typed one is NULL, it could not be read."""
        if self.is_text(kind):
            return self._column("text").isNotNull()
        return F.lit(False) if self.expression.optional else self._column("given")

    def rounded(self, kind: T.DataType) -> Column:
        """Whether it was given with more decimals than its type holds; what an expression computes is not looked at."""
        if self.type != "decimal(18,2)" or not self.is_text(kind):
            return F.lit(False)
        return read.is_rounded(self._column("text"), self.conventions)

    def is_text(self, kind: T.DataType) -> bool:
        return isinstance(kind, T.StringType) or bool(self.meanings)

    def text_of_value(self) -> Column:
        """Trimmed text with the meaning that the configuration gives it; NULL for no value."""
        text = read.trimmed(self.value.cast("string"))
        if not self.meanings:
            return F.nullif(text, F.lit(""))
        known = F.when(F.lit(False), F.lit(None))
        filled = F.coalesce(text, F.lit(""))
        for given, meaning in self.meanings.items():
            known = known.when(filled == F.lit(given.strip()), F.lit(_written(meaning)).cast("string"))
        return F.nullif(read.trimmed(known.otherwise(text)), F.lit(""))

    def iso_of_text(self) -> Column:
        """Of a date or moment, the text in ISO 8601."""
        return read.iso(self._column("text"), self.conventions)

    def typed_of_text(self) -> Column:
        text = self._column("text")
        if self.type == "timestamp":
            return read.moment(self._column("iso"), self.zone)
        if self.type == "date":
            return read.day(self._column("iso"), self.zone)
        if self.type == "boolean":
            return read.boolean(text)
        if self.type == "number":
            return read.json_number(text, self.conventions)
        if self.type in read.PATTERNS:
            return read.number(text, self.type, self.conventions)
        return coded(self.name, text) if self._is_code() else text

    def typed_of_value(self) -> Column:
        """The value of an expression that gives another type than text."""
        if self.type in (None, "text", "number"):
            return self.value.cast("string")
        value = self.value.try_cast(self.type)
        if self.type == "timestamp" and not ABSOLUTE.search(self.expression.sql):
            return F.to_utc_timestamp(value, self.zone)
        return value

    def _is_code(self) -> bool:
        return self.name in CODES and not self.attribute and bool(made_of(self.expression))

    def _column(self, what: str) -> Column:
        return F.col(quoted(f"{what}_{self.label}"))


def with_values(valued: DataFrame, kinds: list[tuple[Held, T.DataType]]) -> DataFrame:
    """Add the typed value of each, given the types that their expressions have, and before it what it is made of."""
    texts = [one for one, kind in kinds if one.is_text(kind)]
    labels = {one.label for one in texts}
    dated = [one for one in texts if one.type in ("timestamp", "date")]
    rows = _with(valued, "text", texts, Held.text_of_value)
    rows = _with(rows, "iso", dated, Held.iso_of_text)
    return _with(
        rows,
        "typed",
        [one for one, _ in kinds],
        lambda one: one.typed_of_text() if one.label in labels else one.typed_of_value(),
    )


def _with(rows: DataFrame, what: str, some: list[Held], value: Callable[[Held], Column]) -> DataFrame:
    return rows.select("*", *(value(one).alias(f"{what}_{one.label}") for one in some)) if some else rows


def made_of(expression: Expression) -> list[str]:
    """The columns that an expression reads, of the source and of its lookups."""
    return [*expression.columns, *(name for name, _, _ in expression.partners)]


def _written(meaning: str | bool | int | float | None) -> str | None:
    """A value of the configuration as text that the type of its column reads."""
    return str(meaning).lower() if isinstance(meaning, bool) else None if meaning is None else str(meaning)
