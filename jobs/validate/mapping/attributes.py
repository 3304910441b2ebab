"""The further columns of a row as one JSON object, written alike by every engine."""

from __future__ import annotations

import json

from pyspark.sql import Column
from pyspark.sql import functions as F

LONGEST = 2_000_000_000
"""Characters that a text can have at most."""


def with_typed(typed: list[tuple[str, str | None, Column]]) -> Column:
    """The column `attributes`, an object of those without a type, and those with one (name, type, value) after them.

    NULL if none has a value.
    """
    plain = F.col("attributes")
    if not typed:
        return plain
    inside = F.expr("substring(attributes, 2, length(attributes) - 2)")
    members = [F.concat(F.lit(f"{json.dumps(name)}:"), _literal(type_, value)) for name, type_, value in typed]
    both = F.concat_ws(",", inside, *members)
    return F.when(both != "", F.concat(F.lit("{"), both, F.lit("}")))


def _literal(type_: str | None, value: Column) -> Column:
    """A value as JSON writes it; engines differ in how they write numbers and moments, so that is done here."""
    if type_ in ("number", "boolean"):
        return value.cast("string")
    if type_ == "date":
        return F.date_format(value, "'\"'yyyy-MM-dd'\"'")
    if type_ == "timestamp":
        return F.date_format(value, "'\"'yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z\"'")
    member = F.substring(F.to_json(F.struct(value.alias("v"))), 6, LONGEST)
    return F.when(value.isNotNull(), F.regexp_replace(member, r"\}$", ""))
