"""Shopping baskets over visits: begun, filled, emptied, and in the end ordered or abandoned.

Events of one visit are first put together per basket (`basket_visits`): an order ends a basket, so what is put in after
it begins another, in the same visit. Baskets are made of these, over the visits of a customer.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of

TOUCHES = {"add_to_cart": "added", "remove_from_cart": "removed", "purchase": "ordered"}
"""Events that touch a basket, and what they count as."""


def basket_visits(events: DataFrame, timezone: str) -> DataFrame:
    """journeys/basket_visits from events with a session: one row per visit and basket touched in it.

    `part` is the number of orders of the visit before; an order that is reported twice is one. What is taken out after
    an order, before anything is put in again, is taken out of nothing: a page of before that was still open. What a
    visit takes out before it puts anything in has the part -1: it is taken out of a basket of visits before, if any.
    """
    order = F.coalesce("order_id", "event_id")
    first_report = F.row_number().over(Window.partitionBy("session_id", "type", order).orderBy("place")) == 1
    touching = (
        events.where(F.col("type").isin(*TOUCHES))
        .withColumn("first_report", first_report)
        .where((F.col("type") != "purchase") | F.col("first_report"))
    )
    before = Window.partitionBy("session_id").orderBy("place").rowsBetween(Window.unboundedPreceding, -1)
    ordered = F.sum((F.col("type") == "purchase").cast("bigint")).over(before)
    counted = [F.count_if(F.col("type") == type_).alias(name) for type_, name in TOUCHES.items()]
    parts = touching.withColumn("part", F.coalesce(ordered, F.lit(0)))
    so_far = Window.partitionBy("session_id", "part").orderBy("place").rowsBetween(Window.unboundedPreceding, 0)
    filled = (F.col("part") == 0) | F.max(F.col("type") == "add_to_cart").over(so_far)
    parts = parts.withColumn("filled", filled).where(F.col("filled") | (F.col("type") != "remove_from_cart"))
    following = Window.partitionBy("session_id", "part").orderBy("place").rowsBetween(1, Window.unboundedFollowing)
    earlier = (F.col("type") == "remove_from_cart") & ~F.max(F.col("type") == "add_to_cart").over(so_far)
    earlier = earlier & (F.col("part") == 0) & F.max(F.col("type") == "add_to_cart").over(following)
    parts = parts.withColumn("part", F.when(earlier, F.lit(-1)).otherwise(F.col("part")).cast("bigint"))
    return (
        parts.groupBy("session_id", "part")
        .agg(
            F.min("customer_id").alias("customer_id"),
            F.min("occurred_at").alias("began_at"),
            F.max("occurred_at").alias("ended_at"),
            *counted,
        )
        .withColumn("day", day_of("began_at", timezone))
    )


def carts(visits: DataFrame, cart_days: int, as_of: date, timezone: str) -> DataFrame:
    """journeys/carts from journeys/basket_visits.

    A basket lasts until an order, or until it was not touched for `cart_days`. It is abandoned on the day that time is
    over; before, it is open; emptied if as much was taken out as was put in. It begins with the visit that put
    something in. Orders without a basket (nothing was put in one) are no basket.
    """
    by_time = Window.partitionBy("customer_id").orderBy("began_at", "session_id", "part")
    idle = cart_days * 86_400
    pause = F.unix_timestamp("began_at") - F.unix_timestamp(F.lag("ended_at").over(by_time))
    begins = F.coalesce(F.lag("ordered").over(by_time) > 0, F.lit(True)) | (pause > idle)
    numbered = visits.withColumn("begins", begins).withColumn(
        "number", F.sum(F.col("begins").cast("bigint")).over(by_time)
    )
    so_far = Window.partitionBy("customer_id", "number").orderBy("began_at", "session_id", "part")
    filled = F.sum("added").over(so_far.rowsBetween(Window.unboundedPreceding, 0))
    begun = numbered.withColumn("filled", filled).where(F.col("filled") > 0)
    baskets = begun.groupBy("customer_id", "number").agg(
        F.min(F.struct("began_at", "session_id", "part")).alias("first"),
        F.max("ended_at").alias("last_at"),
        F.countDistinct("session_id").alias("visits"),
        F.sum("added").alias("items"),
        F.sum("removed").alias("removed"),
        F.max("ordered").alias("orders"),
    )
    given_up = day_of(F.timestamp_seconds(F.unix_timestamp("last_at") + idle), timezone)
    status = (
        F.when(F.col("orders") > 0, "ordered")
        .when(F.col("removed") >= F.col("items"), "emptied")
        .when(given_up <= F.lit(as_of), "abandoned")
        .otherwise("open")
    )
    closed = F.when(F.col("status").isin("ordered", "emptied"), day_of("last_at", timezone)).when(
        F.col("status") == "abandoned", given_up
    )
    part = F.when(F.col("first.part") > 0, F.concat(F.lit(":"), F.col("first.part").cast("string")))
    return (
        baskets.withColumn("status", status)
        .withColumns(
            {
                "cart_id": F.concat(F.col("first.session_id"), F.coalesce(part, F.lit(""))),
                "opened_at": F.col("first.began_at"),
                "day": closed,
            },
        )
        .drop("first", "number", "orders")
    )
