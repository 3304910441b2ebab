"""Shopping baskets over visits: begun, filled, and in the end ordered or abandoned."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of


def carts(sessions: DataFrame, cart_days: int, as_of: date, timezone: str) -> DataFrame:
    """journeys/carts from sessions.

    A basket lasts until an order, or until nothing was put in it for `cart_days`. It is abandoned on the day that
    time is over; before, it is open. Orders without a basket (nothing was put in one) are no basket.
    """
    by_time = Window.partitionBy("customer_id").orderBy("started_at", "session_id")
    idle = cart_days * 86_400
    pause = F.unix_timestamp("started_at") - F.unix_timestamp(F.lag("ended_at").over(by_time))
    begins = F.coalesce(F.lag("orders").over(by_time) > 0, F.lit(True)) | (pause > idle)
    visits = (
        sessions.where((F.col("carts") > 0) | (F.col("orders") > 0))
        .withColumn("begins", begins)
        .withColumn("number", F.sum(F.col("begins").cast("bigint")).over(by_time))
    )
    baskets = visits.groupBy("customer_id", "number").agg(
        F.min(F.struct("started_at", "session_id")).alias("first"),
        F.max("ended_at").alias("last_at"),
        F.count("*").alias("visits"),
        F.sum("carts").alias("items"),
        F.max("orders").alias("orders"),
    )
    given_up = day_of(F.timestamp_seconds(F.unix_timestamp("last_at") + idle), timezone)
    status = F.when(F.col("orders") > 0, "ordered").when(given_up <= F.lit(as_of), "abandoned").otherwise("open")
    closed = F.when(F.col("status") == "ordered", day_of("last_at", timezone)).when(
        F.col("status") == "abandoned", given_up
    )
    return (
        baskets.where(F.col("items") > 0)
        .withColumn("status", status)
        .withColumns(
            {"cart_id": F.col("first.session_id"), "opened_at": F.col("first.started_at"), "day": closed},
        )
        .drop("first", "number", "orders")
    )
