"""Credit notes: documents among the orders that give money back for an order they refer to."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def below_zero(orders: DataFrame) -> DataFrame:
    """Orders of which those that credit another one have a total below 0, however their source writes it."""
    note = F.coalesce(F.trim("credits") != "", F.lit(False))
    return orders.withColumn("total", F.when(note, -F.abs("total")).otherwise(F.col("total")).cast("decimal(18,2)"))
