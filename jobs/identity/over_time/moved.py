"""Customers that are others than yesterday: what merges and splits do to rows that were written before them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def moved_customers(then: DataFrame, now: DataFrame) -> DataFrame:
    """Customers of the identity map `then` that are not as they were in the map `now`: `before` and `customer_id`.

    `customer_id` is where all their identifiers went, or null if they did not all go to one customer.
    """
    old = then.select("identifier", F.col("customer_id").alias("before"))
    both = old.join(now.select("identifier", "customer_id"), on="identifier", how="left")
    found = both.groupBy("before").agg(
        F.min("customer_id").alias("customer_id"),
        ((F.min("customer_id") == F.max("customer_id")) & (F.count("customer_id") == F.count("*"))).alias("together"),
    )
    together = F.coalesce("together", F.lit(False))
    stayed = together & (F.col("customer_id") == F.col("before"))
    return found.where(~stayed).select("before", F.when(together, F.col("customer_id")).alias("customer_id"))


def with_customer_now(rows: DataFrame, moved: DataFrame) -> DataFrame:
    """Rows written before, with `before`, the customer they were written with, and `customer_id`, the one of now.

    The latter is null for rows of a customer that split.
    """
    went = moved.select("before", F.col("customer_id").alias("went_to"), F.lit(True).alias("moved"))
    joined = rows.withColumnRenamed("customer_id", "before").join(F.broadcast(went), on="before", how="left")
    own = F.when(F.col("moved"), F.col("went_to")).otherwise(F.col("before"))
    return joined.withColumn("customer_id", own).drop("went_to", "moved")


def went_with(customers: DataFrame, moved: DataFrame) -> DataFrame:
    """Ids under which rows of these customers may have been written before: `before`, their own id included."""
    came = moved.join(customers, on="customer_id", how="left_semi").select("before")
    return customers.select(F.col("customer_id").alias("before")).union(came).distinct()
