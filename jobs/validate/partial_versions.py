"""Versions that carry some columns only: the others have the values of the version before.

A column that a record lacks is not empty (`absent` of config/sources/). `absent` in the valid table keeps which those
are, so that a version which arrives late, between two others, fills what came after it.
"""

from __future__ import annotations

import operator
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import UNMAPPED


def fill(lake: Lake, table: str, source: str, touched: DataFrame, txn: Txn) -> int:
    """Fill the versions of the records that have a row in `touched`; returns how many rows are other rows now."""
    contract = catalogue.get(table)
    if "updated_at" not in contract.key or not lake.exists(table):
        return 0
    ids = touched.select(str(contract.id)).distinct()
    versions = lake.read(table).where(F.col("source") == source).join(ids, on=str(contract.id), how="left_semi")
    partial = versions.where("absent is not null").select("source", str(contract.id)).distinct()
    if not partial.count():
        return 0
    several = versions.join(partial, on=["source", str(contract.id)], how="left_semi")
    changed = filled(several, str(contract.id), [*contract.key]).select(*contract.column_names)
    return int(lake.upsert(table, changed, txn).rows)


def filled(versions: DataFrame, key: str, keep: list[str]) -> DataFrame:
    """The versions that have other values when absent columns take those of the version before; `keep` stay."""
    own = [name for name in versions.columns if name not in keep and name not in UNMAPPED]
    before = Window.partitionBy("source", key).orderBy("updated_at", "arrived", "file_id", "line")
    so_far = before.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    listed = F.concat(F.lit(","), F.coalesce("absent", F.lit("")), F.lit(","))
    values = {}
    for name in [*own, "attributes"]:
        carried = F.when(~listed.contains(f",{name},"), F.struct(F.col(name).alias("value")))
        values[name] = F.last(carried, ignorenulls=True).over(so_far)["value"]
    both = versions.select("*", *(value.alias(f"filled_{name}") for name, value in values.items()))
    differs: list[Column] = [~F.col(name).eqNullSafe(F.col(f"filled_{name}")) for name in values]
    changed = both.where(reduce(operator.or_, differs))
    return changed.select(
        *(F.col(f"filled_{name}" if name in values else name).alias(name) for name in versions.columns)
    )
