"""When each customer had a subscription: stretches of time, whichever subscriptions made them."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of
from jobs.validate.versions.counting import newest_versions

ENDED = ("cancelled", "expired")
"""Statuses of subscriptions that end: on `ends_at`, or when that was first said if they have none."""


def contracts(versions: DataFrame, timezone: str) -> DataFrame:
    """journeys/contracts of all versions of subscriptions, with the customer of each.

    A subscription lasts from the day it started to its last day; one that says `cancelled` without a date of its end
    ended when it first said so. One that begins at most a day after another goes on with it: who renews, or changes
    plan, did not leave. `ends_at` is the moment from which on there is none: that of midnight is not of the day.
    """
    record = Window.partitionBy("source", "subscription_id")
    status = F.lower("status")
    said_at = F.min(F.when(status.isin(*ENDED), F.col("updated_at"))).over(record)
    newest = newest_versions(versions.withColumn("_said_at", said_at), "subscription_id")
    end = F.coalesce("ends_at", F.when(status.isin(*ENDED), F.col("_said_at")))
    last = day_of(F.timestamp_micros(F.unix_micros(end) - 1), timezone)
    owner = F.coalesce("customer_id", F.concat_ws(":", "source", "subscription_id"))
    spans = newest.select(
        owner.alias("owner"),
        "customer_id",
        "plan",
        "source",
        "subscription_id",
        day_of("started_at", timezone).alias("valid_from"),
        last.alias("valid_to"),
    ).where(F.col("valid_from").isNotNull() & (F.col("valid_to").isNull() | (F.col("valid_to") >= F.col("valid_from"))))
    never = F.to_date(F.lit("9999-12-31"))
    in_order = Window.partitionBy("owner").orderBy("valid_from", "source", "subscription_id")
    so_far = F.max(F.coalesce("valid_to", never)).over(in_order.rowsBetween(Window.unboundedPreceding, -1))
    begins = F.coalesce(F.date_diff("valid_from", so_far) > 1, F.lit(True)).cast("bigint")
    stretch = F.sum("begins").over(in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    spans = spans.withColumn("begins", begins).withColumn("stretch", stretch)
    ends = F.coalesce("valid_to", never).alias("to")
    latest = F.max(F.struct(ends, "valid_from", "source", "subscription_id", "plan"))
    found = spans.groupBy("owner", "customer_id", "stretch").agg(
        latest.alias("latest"),
        F.count("*").alias("subscriptions"),
        F.min("valid_from").alias("valid_from"),
        F.nullif(F.max(F.coalesce("valid_to", never)), never).alias("valid_to"),
    )
    next_one = Window.partitionBy("owner").orderBy("valid_from")
    return found.select(
        "owner",
        "customer_id",
        F.col("latest.plan").alias("plan"),
        F.col("latest.source").alias("source"),
        "subscriptions",
        "valid_from",
        "valid_to",
        F.lead("valid_from").over(next_one).alias("back_on"),
        F.lead("valid_to").over(next_one).alias("back_until"),
    )


def of_days_before(stretches: DataFrame, days: int) -> DataFrame:
    """The same stretches as held so many days before, with `lost`: whether the customer has no subscription on the day.

    Who had one then, and has another after a gap, is lost in the gap and not after it.
    """
    begin, end = F.date_add("valid_from", days), F.date_add("valid_to", days)
    back, again = F.col("back_on"), F.col("back_until")
    gap, after = F.date_add("valid_to", 1), F.date_add("back_until", 1)
    never = F.lit(None).cast("date")
    parts = [
        (begin, F.col("valid_to"), False),
        (F.greatest(gap, begin), F.least(end, F.date_sub(back, 1)), True),
        (F.greatest(back, begin), F.least(end, again), False),
        (F.greatest(after, begin), end, True),
    ]
    exists = [F.lit(True), gap.isNotNull(), back.isNotNull(), after.isNotNull() & back.isNotNull()]
    pieces = [
        F.when(there, F.struct(first.alias("first"), F.coalesce(last, never).alias("last"), F.lit(lost).alias("lost")))
        for (first, last, lost), there in zip(parts, exists, strict=True)
    ]
    whole = stretches.withColumn("piece", F.explode(F.array_compact(F.array(*pieces))))
    kept = whole.where(F.col("piece.last").isNull() | (F.col("piece.first") <= F.col("piece.last")))
    return kept.withColumns(
        {"valid_from": F.col("piece.first"), "valid_to": F.col("piece.last"), "lost": F.col("piece.lost")}
    ).drop("piece")
