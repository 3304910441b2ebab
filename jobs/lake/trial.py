"""SQL tried on a made-up table: what an engine knows of a text before it meets the rows of a company."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from jobs.lake.engine import get_spark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Key = TypeVar("Key")
Value = TypeVar("Value")
_VALUES: dict[str, Any] = {
    "string": "text",
    "int": 1,
    "bigint": 1,
    "double": 1.0,
    "decimal": Decimal(1),
    "boolean": True,
    "date": date(2024, 1, 1),
    "timestamp": datetime(2024, 1, 1, tzinfo=UTC),
}


@dataclass(frozen=True)
class Tried:
    """The type that a text gives, or what the engine says of it."""

    type: str = ""
    refused: str = ""


def tried(
    columns: Mapping[str, str], texts: Sequence[str], told: Sequence[str | None] = (), grouped: bool = False
) -> list[Tried]:
    """Each text over a table of these columns, all in one query; one by one only if the engine refuses that.

    `told` are the types that reading tells (`jobs/config/sql/types.py`): the engine is asked for what has none, and not
    started if there is nothing to ask. `grouped` texts are aggregates. Nothing is computed.
    """
    asked = [text for text, kind in zip(texts, told, strict=True) if kind is None] if told else list(texts)
    found = iter(_asked(columns, asked, grouped))
    return [Tried(type=kind) if kind else next(found) for kind in told or [None] * len(texts)]


def stopping(
    values: Mapping[Key, Value], computed: Callable[[Mapping[Key, Value]], DataFrame]
) -> Iterator[tuple[Key, Exception]]:
    """The values that the engine cannot compute, each with its error: all are tried at once, and alone if that stops.

    `computed` makes a table of some of the values.
    """
    error = _stopped(computed(values)) if values else None
    if error and len(values) == 1:
        yield next(iter(values)), error
    elif error:
        for key, value in values.items():
            yield from stopping({key: value}, computed)


def made_up(columns: Mapping[str, str], only_texts: bool = False) -> DataFrame:
    """A row with a value in every column, or only in those that hold text. A text is no number, date or truth."""
    known = {"attributes": "{}"}
    kinds = {name: kind.partition("(")[0] for name, kind in columns.items()}
    row = [
        known.get(name, _VALUES[kind]) if kind == "string" or not only_texts else None for name, kind in kinds.items()
    ]
    return get_spark().createDataFrame([tuple(row)], _ddl(columns))


def empty(columns: Mapping[str, str]) -> DataFrame:
    """A table of these columns without rows."""
    return get_spark().createDataFrame([], _ddl(columns))


def _stopped(table: DataFrame) -> Exception | None:
    try:
        table.collect()
    except Exception as error:  # each engine has its own classes for what it cannot compute
        return error
    return None


def _asked(columns: Mapping[str, str], texts: Sequence[str], grouped: bool) -> list[Tried]:
    if not texts:
        return []
    from pyspark.errors import PySparkException

    try:
        return [Tried(type=kind) for kind in _types(columns, texts, grouped)]
    except PySparkException as error:
        if len(texts) == 1:
            return [Tried(refused=str(error).strip())]
    return [found for text in texts for found in _asked(columns, [text], grouped)]


def _types(columns: Mapping[str, str], texts: Sequence[str], grouped: bool) -> list[str]:
    table = empty(columns)  # before the first column: the engine decides what columns are made of
    from pyspark.sql import functions as F

    values = [F.expr(text).alias(f"value_{number}") for number, text in enumerate(texts)]
    found = table.groupBy(F.lit(1).alias("all")).agg(*values) if grouped else table.select(*values)
    return [field.dataType.simpleString() for field in found.schema.fields[-len(texts) :]]


def _ddl(columns: Mapping[str, str]) -> str:
    named = {name.replace("`", "``"): kind for name, kind in columns.items()}
    return ", ".join(f"`{name}` {kind}" for name, kind in named.items()) or "nothing string"
