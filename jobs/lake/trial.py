"""SQL tried on a table without rows: what an engine knows of a text before it meets a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from jobs.lake.engine import get_spark


@dataclass(frozen=True)
class Tried:
    """The type that a text gives, or what the engine says of it."""

    type: str = ""
    refused: str = ""


def tried(columns: str, texts: Sequence[str], grouped: bool = False) -> list[Tried]:
    """Each text over a table of these columns (DDL), all in one query; one by one only if the engine refuses that.

    `grouped` texts are aggregates. Nothing is computed.
    """
    try:
        return [Tried(type=kind) for kind in _types(columns, texts, grouped)] if texts else []
    except PySparkException as error:
        if len(texts) == 1:
            return [Tried(refused=str(error).strip())]
    return [found for text in texts for found in tried(columns, [text], grouped)]


def _types(columns: str, texts: Sequence[str], grouped: bool) -> list[str]:
    table = get_spark().createDataFrame([], columns)
    values = [F.expr(text).alias(f"value_{number}") for number, text in enumerate(texts)]
    found = table.groupBy(F.lit(1).alias("all")).agg(*values) if grouped else table.select(*values)
    return [field.dataType.simpleString() for field in found.schema.fields[-len(texts) :]]
