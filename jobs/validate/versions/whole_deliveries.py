"""Rows that a source delivers as a whole, such as all lines of an order each time: `all_rows_of` of config/sources/.

What a delivery lacks has ended with it. So a delivery that differs from the one before is kept whole, also the rows in
it that are as they were, and `delivery` in the valid table tells which rows came together; one that does not differ is
a repetition.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.lake.tables.contract import Dataset
from jobs.validate.versions.undated import arrival, said


def as_deliveries(new: DataFrame, known: DataFrame, contract: Dataset, whole: str, zone: str, told: bool) -> DataFrame:
    """The rows `new` of a batch with the delivery that each is of; `known` are rows of the table that may be of it.

    A delivery has one moment: that which the source tells, or else the day it arrived.
    """
    at = contract.version_at
    if told:
        moment = F.coalesce(at, arrival(zone))  # a line without rows may not tell it
        return new.withColumns({at: moment, "delivery": moment})
    group, rest = ["source", whole], [name for name in contract.record if name != whole]
    known = known.join(new.select(*group).distinct(), on=group, how="left_semi")
    dated = new.withColumn("came_", arrival(zone)).withColumn("new", F.lit(True))
    before = known.withColumns({"came_": F.coalesce("delivery", at), "new": F.lit(False)})
    rows = dated.unionByName(before.select(*dated.columns))
    line = F.concat_ws("\x1f", *rest, said(rows, contract))
    begun_then = F.max(~F.col("new") & F.coalesce(F.col("came_") == F.col("delivery"), F.lit(False)))
    held = rows.groupBy(*group, "came_").agg(
        F.array_sort(F.collect_set(line)).alias("held_"), begun_then.alias("there_")
    )
    in_order = Window.partitionBy(*group).orderBy("came_")
    changed = F.col("there_") | ~F.col("held_").eqNullSafe(F.lag("held_").over(in_order))
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    begun = held.withColumn("began_", F.when(changed, F.col("came_")))
    begun = begun.withColumn("began_", F.last("began_", ignorenulls=True).over(so_far)).drop("held_", "there_")
    found = dated.join(begun, on=[*group, "came_"], how="inner")
    began = {at: F.col("began_"), "delivery": F.col("began_"), "undated": F.lit(True)}
    return found.withColumns(began).select(*contract.column_names)


def joining(new: DataFrame, known: DataFrame, contract: Dataset, whole: str, zone: str) -> DataFrame:
    """Rows that come alone, such as out of quarantine: of the newest delivery up to their day that is there."""
    group, at = ["source", whole], contract.version_at
    there = known.select(*group, F.coalesce("delivery", at).alias("there_")).distinct()
    keys = new.select(*group, "file_id", "line", arrival(zone).alias("came_"))
    near = keys.join(there, on=group, how="inner").where(F.col("there_") <= F.col("came_"))
    newest = near.groupBy("file_id", "line").agg(F.max("there_").alias("there_"))
    found = new.join(newest, on=["file_id", "line"], how="left")
    moment = F.coalesce("there_", arrival(zone))
    dated = found.withColumns({at: moment, "delivery": moment, "undated": F.lit(True)})
    return dated.select(*contract.column_names)
