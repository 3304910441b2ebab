"""The items that customers are recommended, as a list beside everything else that is said of them."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.actions.recommended import Recommended

TABLE = "models/recommendations"
COLUMN = "_recommended"
"""A name that no trait can have."""


def with_recommended(
    view: DataFrame, recommendations: DataFrame | None, asked: Recommended | None, day: date
) -> DataFrame:
    """The rows of `view` with COLUMN: the first items of the newest list up to the day, best first; else nothing."""
    if recommendations is None or asked is None:
        return view.withColumn(COLUMN, F.lit(None).cast("array<string>"))
    known = recommendations.where((F.col("model") == asked.model) & (F.col("day") <= F.lit(day)))
    newest = known.join(known.agg(F.max("day").alias("day")), on="day", how="inner")
    places = [
        F.max(F.when(F.col("rank") == place, F.col("item"))).alias(f"item_{place}") for place in range(1, asked.top + 1)
    ]
    lists = newest.where(F.col("rank") <= asked.top).groupBy("customer_id").agg(*places)
    items = F.array_compact(F.array(*[F.col(f"item_{place}") for place in range(1, asked.top + 1)]))
    return view.join(lists.select("customer_id", items.alias(COLUMN)), on="customer_id", how="left")
