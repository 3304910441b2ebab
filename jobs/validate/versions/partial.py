"""Versions that carry some columns only: the others have the values of the version before.

A column that a record lacks is not empty (`absent` of config/sources/). `absent` in the valid table keeps which those
are, so that a version which arrives late, between two others, fills what came after it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import UNMAPPED

ATTRIBUTE = "attributes."
"""Before the name of a single attribute in `absent`."""


def fill(lake: Lake, table: str, source: str, touched: DataFrame, txn: Txn) -> int:
    """Fill the versions of the records that have a row in `touched`; returns how many rows are other rows now."""
    contract = catalogue.get(table)
    if "updated_at" not in contract.key or not lake.exists(table):
        return 0
    record = list(contract.record)
    ids = touched.select(*record).distinct()
    versions = lake.read(table).where(F.col("source") == source).join(ids, on=record, how="left_semi")
    partial = versions.where("absent is not null")
    found = partial.agg(
        F.count("*").alias("rows"), F.max(F.col("absent").contains(ATTRIBUTE)).alias("apart")
    ).collect()[0]
    if not found["rows"]:
        return 0
    records = partial.select("source", *record).distinct()
    several = versions.join(records, on=["source", *record], how="left_semi")
    changed = filled(several, record, [*contract.key], bool(found["apart"])).select(*contract.column_names)
    return int(lake.upsert(table, changed, txn).rows)


def filled(versions: DataFrame, record: list[str], keep: list[str], apart: bool = False) -> DataFrame:
    """The versions that have other values when absent columns take those of the version before; `keep` stay.

    Attributes are kept or replaced together, or with `apart` each by itself, where `absent` names single ones.
    """
    own = [name for name in versions.columns if name not in keep and name not in UNMAPPED]
    before = Window.partitionBy("source", *record).orderBy(keep[-1], "arrived", "file_id", "line")
    so_far = before.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    listed = F.concat(F.lit(","), F.coalesce("absent", F.lit("")), F.lit(","))
    values = {}
    for name in [*own, "attributes", "deleted"]:
        carried = F.when(~listed.contains(f",{name},"), F.struct(F.col(name).alias("value")))
        values[name] = F.last(carried, ignorenulls=True).over(so_far)["value"]
    if apart:
        told = F.collect_list(F.struct("attributes", F.coalesce("absent", F.lit("")).alias("absent"))).over(so_far)
        united = F.arrow_udf(_united(ATTRIBUTE), "string")  # type: ignore[call-overload]
        values["attributes"] = united(F.to_json(told))
    both = versions.select("*", *(value.alias(f"filled_{name}") for name, value in values.items()))
    differs: list[Column] = [~F.col(name).eqNullSafe(F.col(f"filled_{name}")) for name in values]
    changed = both.where(reduce(operator.or_, differs))
    return changed.select(
        *(F.col(f"filled_{name}" if name in values else name).alias(name) for name in versions.columns)
    )


def _united(attribute: str) -> Callable[[pa.Array], pa.Array]:
    """A function of versions, oldest first, as JSON: the attributes that all of them leave. It travels whole."""

    def unite(versions: pa.Array) -> pa.Array:
        import msgspec
        import pyarrow as pa

        listed = msgspec.json.Decoder(list[dict[str, str]]).decode
        fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        write = msgspec.json.Encoder(order="sorted").encode

        def one(told: str) -> str | None:
            state: dict[str, msgspec.Raw] = {}
            for version in listed(told):
                absent = set(version["absent"].split(","))
                apart = {name.removeprefix(attribute) for name in absent if name.startswith(attribute)}
                given = fields(version.get("attributes") or "{}")
                if apart or "attributes" not in absent:
                    kept = {name: value for name, value in state.items() if name in apart}
                    state = kept | {name: value for name, value in given.items() if name not in apart}
            return write(state).decode() if state else None

        return pa.array([one(text) for text in versions.to_pylist()], pa.string())

    return unite
