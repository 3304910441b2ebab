"""Traits tried out on one made-up row: what an engine finds only when it meets a value, such as text as a number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jobs.activity.known_rows import columns_of
from jobs.config.traits import Trait

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

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
_WITHOUT_CONDITION = {"where": None, "days": None, "ending_days_ago": 0}


def failures(spark: SparkSession, traits: dict[str, Trait]) -> Iterator[tuple[str, str, str]]:
    """(trait, key, problem) of each `where` and `value` that fails. All traits over the same rows are tried at once."""
    for kind in dict.fromkeys(trait.over for trait in traits.values()):
        own = {name: trait for name, trait in traits.items() if trait.over == kind}
        for key in ("where", "value"):
            if _failure(spark, key, own, traits):
                for name, trait in own.items():
                    problem = _failure(spark, key, {name: trait}, traits)
                    if problem:
                        yield name, key, problem


def _failure(spark: SparkSession, key: str, some: dict[str, Trait], every: dict[str, Trait]) -> str | None:
    try:
        (_conditions if key == "where" else _values)(spark, some, every).collect()
    except Exception as error:  # each engine has its own classes for what it cannot compute
        return str(error).strip().splitlines()[0][:200]
    return None


def _conditions(spark: SparkSession, some: dict[str, Trait], every: dict[str, Trait]) -> DataFrame:
    from pyspark.sql import functions as F

    kind = next(iter(some.values())).over
    met = [F.expr(trait.where).alias(name) for name, trait in some.items() if trait.where]
    return _row(spark, columns_of(kind) if kind else {}).select("customer_id", *met)


def _values(spark: SparkSession, some: dict[str, Trait], every: dict[str, Trait]) -> DataFrame:
    from jobs.activity.one_pass import aggregated, derived

    kind = next(iter(some.values())).over
    if kind is None:
        known = _row(spark, {name: trait.type for name, trait in every.items()})
        return known.select(*[derived(trait.value, every).alias(f"new_{name}") for name, trait in some.items()])
    always = {name: Trait(**trait.model_dump() | _WITHOUT_CONDITION) for name, trait in some.items()}
    return aggregated(_row(spark, {}), _row(spark, columns_of(kind)), always, kind, typed=False)


def _row(spark: SparkSession, columns: dict[str, str]) -> DataFrame:
    """A row of a customer with a value in every column."""
    names = {"customer_id": "string", **columns}
    values = ["{}" if name == "attributes" else _VALUES[kind.partition("(")[0]] for name, kind in names.items()]
    return spark.createDataFrame([tuple(values)], ", ".join(f"{name} {kind}" for name, kind in names.items()))
