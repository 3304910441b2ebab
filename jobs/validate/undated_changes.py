"""Changes that a source writes without a date of change: `changes_without_date: arrival` of config/sources/.

An invoice that is paid a week later comes again under its old date. Where the dataset says so, a row that has the key
of one that arrived before, and other values than the record had last, is a version as of the day it arrived.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import LINEAGE_COLUMNS, VERSION_COLUMNS


def as_of_arrival(lake: Lake, table: str, source: str, good: DataFrame, zone: str) -> DataFrame:
    """The rows of a batch, changes without a date with the beginning of their arrival day in `zone` as `updated_at`."""
    contract = catalogue.get(table)
    names = contract.column_names
    new = good.select(*names).withColumn("new", F.lit(True))
    ids = new.select(str(contract.id)).distinct()
    known = lake.read(table).where(F.col("source") == source).join(ids, on=str(contract.id), how="left_semi")
    known = known.join(
        new.select("file_id", "line"), on=["file_id", "line"], how="left_anti"
    )  # of a try that was killed
    return dated(new.unionByName(known.select(*names).withColumn("new", F.lit(False))), str(contract.id), zone)


def dated(rows: DataFrame, key: str, zone: str) -> DataFrame:
    """The rows that are `new`, among all of their records."""
    apart = {"source", key, "updated_at", "new", *LINEAGE_COLUMNS, *VERSION_COLUMNS}
    values = F.to_json(F.struct(*(F.col(name) for name in rows.columns if name not in apart)))
    order = [F.col("arrived"), F.col("new"), F.col("file_id"), F.col("line")]
    record = Window.partitionBy("source", key).orderBy(*order)
    same_key = Window.partitionBy("source", key, "updated_at").orderBy(*order)
    seen = rows.withColumn("values_", values).withColumns(
        {"before_": F.lag("values_").over(record), "place_": F.row_number().over(same_key)}
    )
    undated = (F.col("place_") > 1) & (F.col("values_") != F.col("before_"))
    arrival = F.to_utc_timestamp(F.col("arrived").cast("timestamp"), zone)
    moment = F.greatest(arrival, F.col("updated_at") + F.expr("interval 1 second"))
    found = seen.withColumn("updated_at", F.when(undated, moment).otherwise(F.col("updated_at")))
    return found.where("new").drop("new", "values_", "before_", "place_")
