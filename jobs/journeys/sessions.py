"""Visits: web and app events of one visitor on one device, with no pause longer than the session gap."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.journeys.rules import day_of, first_true

PAGES = ("page_view", "product_view", "search", "store_locator", "checkout")
"""Event types that show a page."""
IN_ORDER = ("occurred_at", "source", "event_id")
"""Order of the events of a visitor; the last two only decide between events of the same microsecond."""
UNKNOWN_CHANNEL = "unknown"


def with_session(events: DataFrame, gap_minutes: int) -> DataFrame:
    """Events with `session_id`, and `starts_session` on the first event of each session.

    A visitor is a customer on one browser; events without a cookie go by kind of device. The id is made from the
    first event, so it depends on the events alone and not on who the visitor turns out to be. Events without a
    customer are left out: nobody can be said to have visited.
    """
    browser = F.coalesce("cookie_id", "device", F.lit(""))
    visitor = Window.partitionBy("customer_id", browser).orderBy(*IN_ORDER)
    so_far = visitor.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    pause = F.unix_micros("occurred_at") - F.unix_micros(F.lag("occurred_at").over(visitor))
    started = F.when(F.col("starts_session"), F.concat_ws(":", "source", "event_id"))
    return (
        events.where(F.col("customer_id").isNotNull())
        .withColumn("starts_session", F.coalesce(pause > gap_minutes * 60_000_000, F.lit(True)))
        .withColumn("session_id", F.last(started, ignorenulls=True).over(so_far))
        .withColumn("session_id", F.concat(F.lit("s"), F.substring(F.sha2("session_id", 256), 1, 20)))
    )


def sessions(events: DataFrame, channels: dict[str, str], timezone: str) -> DataFrame:
    """journeys/sessions from events with a session.

    `channels` are conditions on the first event, tried in order. An order reported twice counts once.
    """
    traffic = first_true([(condition, name) for name, condition in channels.items()], UNKNOWN_CHANNEL)
    entry = F.min(F.when(F.col("url").isNotNull(), F.struct(*IN_ORDER, "url")))
    totals = (
        events.withColumn("channel", F.when(F.col("starts_session"), traffic))
        .groupBy("session_id")
        .agg(
            F.min("customer_id").alias("customer_id"),
            F.min("occurred_at").alias("started_at"),
            F.max("occurred_at").alias("ended_at"),
            F.max(F.when(F.col("starts_session"), F.col("device"))).alias("device"),
            F.max("channel").alias("channel"),
            entry.alias("entry"),
            F.count("*").alias("events"),
            F.count_if(F.col("type").isin(*PAGES)).alias("pages"),
            F.count_if(F.col("type") == "search").alias("searches"),
            F.count_if(F.col("type") == "product_view").alias("product_views"),
            F.count_if(F.col("type") == "add_to_cart").alias("carts"),
        )
    )
    return (
        totals.join(_orders(events), on="session_id", how="left")
        .withColumns(
            {
                "day": day_of("started_at", timezone),
                "entry_url": F.col("entry.url"),
                "orders": F.coalesce("orders", F.lit(0)),
                "revenue": F.coalesce("revenue", F.lit(0)).cast("decimal(18,2)"),
            }
        )
        .drop("entry")
    )


def _orders(events: DataFrame) -> DataFrame:
    """Orders placed in a session and their value."""
    return (
        events.where(F.col("type") == "purchase")
        .groupBy("session_id", F.coalesce("order_id", "event_id").alias("order"))
        .agg(F.max("value").alias("value"))
        .groupBy("session_id")
        .agg(F.count("*").alias("orders"), F.sum("value").alias("revenue"))
    )
