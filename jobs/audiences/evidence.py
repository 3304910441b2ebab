"""What was seen of a customer, kept as text."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_QUOTED = ("date", "timestamp")


def evidence(columns: dict[str, str]) -> Column:
    """The values of columns, given with their types, as a JSON object.

    Written by hand, because engines differ in how `to_json` spells numbers.
    """
    parts = [
        F.concat(F.lit(f'"{name}": '), F.coalesce(_json(name, kind), F.lit("null"))) for name, kind in columns.items()
    ]
    return F.concat(F.lit("{"), F.concat_ws(", ", *parts), F.lit("}"))


def _json(name: str, kind: str) -> Column:
    column = F.col(name)
    if kind in _QUOTED:
        return F.concat(F.lit('"'), column.cast("string"), F.lit('"'))
    if kind == "string":
        escaped = F.replace(F.replace(column, F.lit("\\"), F.lit("\\\\")), F.lit('"'), F.lit('\\"'))
        escaped = F.regexp_replace(escaped, r"[\x00-\x1f]", " ")
        return F.concat(F.lit('"'), escaped, F.lit('"'))
    if kind == "double":
        return F.round(column, 4).cast("decimal(24,4)").cast("string")
    return column.cast("string")
