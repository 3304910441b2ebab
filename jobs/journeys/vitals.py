"""How fast pages were for whom: the web vitals that visitors' browsers measured, and what the visitors wanted."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of

MEASURED = ("lcp", "inp", "cls")


def vitals(events: DataFrame, moments: DataFrame, timezone: str) -> DataFrame:
    """journeys/vitals from events with a session, and the micro-moments of these sessions.

    A visit with several micro-moments has the most confident one, of equals the first by name.
    """
    surest = Window.partitionBy("session_id").orderBy(F.desc("confidence"), "type")
    wanted = moments.select("session_id", F.col("type").alias("moment"), F.row_number().over(surest).alias("nth"))
    measured = events.where(F.coalesce(*MEASURED).isNotNull()).withColumn("day", day_of("occurred_at", timezone))
    joined = measured.join(wanted.where("nth = 1").drop("nth"), on="session_id", how="left")
    who = ("source", "event_id", "session_id", "customer_id", "day", "occurred_at")
    return joined.select(*who, F.col("url").alias("page"), "device", "moment", *MEASURED)
