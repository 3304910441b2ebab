"""Visits: web and app events of one visitor on one device, with no pause longer than the session gap."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of, first_true
from jobs.config.journey import Journey
from jobs.validate.versions import period_of

COUNTED = {
    "pages": ("page_view", "product_view", "search", "store_locator", "checkout"),
    "searches": ("search",),
    "product_views": ("product_view",),
    "carts": ("add_to_cart",),
}
"""Numbers of a session, and the types of event they count."""
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign")
UNKNOWN_CHANNEL = "unknown"
PLACE_LENGTH = 9


def visit_rules(journey: Journey) -> tuple[int, bool]:
    """What begins a visit, as `with_session` takes it."""
    return journey.session_gap_minutes, journey.new_campaign_begins_visit


def with_session(events: DataFrame, gap_minutes: int, new_campaign_begins: bool = False) -> DataFrame:
    """Events with `session_id`, `starts_session` on the first event of each session, and `place`.

    `place` is text that sorts the events of a visitor by time: the smallest text of a group of events is fast to find
    on every engine, the smallest struct is not.

    A visitor is a customer on one browser; events without a cookie go by kind of device. The id is made from the
    first event, so it depends on the events alone and not on who the visitor turns out to be. Events without a
    customer are left out: nobody can be said to have visited. With `new_campaign_begins`, an event that came by
    another campaign than the visit so far begins a new one.
    """
    browser = F.coalesce("cookie_id", "device", F.lit(""))
    visitor = Window.partitionBy("customer_id", browser, *period_of(events)).orderBy(*_in_order())
    so_far = visitor.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    pause = F.unix_micros("occurred_at") - F.unix_micros(F.lag("occurred_at").over(visitor))
    started = F.when(F.col("starts_session"), F.concat_ws(":", "source", "event_id"))
    begun = F.last(started, ignorenulls=True).over(so_far)
    found = (
        events.where(F.col("customer_id").isNotNull())
        .withColumn("starts_session", F.coalesce(pause > gap_minutes * 60_000_000, F.lit(True)))
        .withColumn("place", F.lpad(F.row_number().over(visitor).cast("string"), PLACE_LENGTH, "0"))
        .withColumn("session_id", begun)
    )
    if new_campaign_begins:
        found = found.withColumn("starts_session", _starts_by_campaign(events)).withColumn("session_id", begun)
    return found.withColumn("session_id", F.concat(F.lit("s"), F.substring(F.sha2("session_id", 256), 1, 20)))


def _in_order() -> list[Column]:
    """The order of a visitor's events. Of events of the same microsecond, the tracker's own order decides; without one,
    that which tells where the visitor came from is first; the last two only make the order one."""
    campaign = F.coalesce(*CAMPAIGN)
    told = F.when(campaign.isNotNull(), 0).when(F.col("referrer").isNotNull(), 1).otherwise(2)
    return [
        F.col("occurred_at").asc(),
        F.col("sequence").asc_nulls_last(),
        told.asc(),
        F.col("source"),
        F.col("event_id"),
    ]


def _starts_by_campaign(events: DataFrame) -> Column:
    """Whether an event starts a visit, also because it came by another campaign than the events of the visit before."""
    came_by = F.when(F.coalesce(*CAMPAIGN).isNotNull(), F.concat_ws("|", *(F.coalesce(c, F.lit("")) for c in CAMPAIGN)))
    visit = Window.partitionBy("customer_id", "session_id", *period_of(events)).orderBy("place")
    before = F.last(came_by, ignorenulls=True).over(visit.rowsBetween(Window.unboundedPreceding, -1))
    other = came_by.isNotNull() & (before.isNull() | (before != came_by))
    return F.col("starts_session") | other


def changed_periods(spans: DataFrame, gap_minutes: int) -> DataFrame:
    """Periods in which the sessions of a customer have to be made again: `customer_id`, `low`, `high`.

    `spans` are the stored sessions of customers with new events (`before`: the customer they were written with), and
    the new events themselves (`before` is null): `customer_id`, `before`, `low`, `high`. What lies further apart than
    the session gap, on whatever browser, cannot be one session; so spans fall apart into periods that know nothing of
    each other. One has to be made again if it has a new event, or sessions of customers that were two.
    """
    by_time = Window.partitionBy("customer_id").orderBy("low", "high")
    reach = F.max("high").over(by_time.rowsBetween(Window.unboundedPreceding, -1))
    pause = F.unix_micros("low") - F.unix_micros(reach)
    begins = F.coalesce(pause > gap_minutes * 60_000_000, F.lit(True)).cast("bigint")
    so_far = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    numbered = spans.withColumn("begins", begins).withColumn("period", F.sum("begins").over(so_far))
    periods = numbered.groupBy("customer_id", "period").agg(
        F.min("low").alias("low"),
        F.max("high").alias("high"),
        F.max(F.col("before").isNull()).alias("new"),
        (F.min("before") != F.max("before")).alias("joined"),
    )
    return periods.where(F.col("new") | F.col("joined")).select("customer_id", "low", "high")


def sessions(events: DataFrame, channels: dict[str, str], timezone: str) -> DataFrame:
    """journeys/sessions from events with a session.

    `channels` are conditions on the first event, tried in order. An order reported twice counts once, with the higher
    value. Events are first added up per order and then per session, which reads them once.
    """
    traffic = first_true([(condition, name) for name, condition in channels.items()], UNKNOWN_CHANNEL)
    started = F.col("starts_session")
    order = F.when(F.col("type") == "purchase", F.coalesce("order_id", "event_id"))
    session = ["session_id", *period_of(events)]
    per_order = events.groupBy(*session, order.alias("order")).agg(
        F.min("customer_id").alias("customer_id"),
        F.min("occurred_at").alias("started_at"),
        F.max("occurred_at").alias("ended_at"),
        F.max(F.when(started, F.col("device"))).alias("device"),
        F.max(F.when(started, traffic)).alias("channel"),
        F.min(F.concat("place", "url")).alias("entry"),
        F.count("*").alias("events"),
        F.max("value").alias("value"),
        *[F.count_if(F.col("type").isin(*types)).alias(name) for name, types in COUNTED.items()],
    )
    lowest, highest = ("customer_id", "started_at", "entry"), ("ended_at", "device", "channel")
    totals = per_order.groupBy(*session).agg(
        *[F.min(name).alias(name) for name in lowest],
        *[F.max(name).alias(name) for name in highest],
        *[F.sum(name).alias(name) for name in ("events", *COUNTED)],
        F.count("order").alias("orders"),
        F.sum(F.when(F.col("order").isNotNull(), F.col("value"))).alias("revenue"),
    )
    return totals.withColumns(
        {
            "day": day_of("started_at", timezone),
            "entry_url": F.expr(f"substring(entry, {PLACE_LENGTH + 1})"),
            "revenue": F.coalesce("revenue", F.lit(0)).cast("decimal(18,2)"),
        }
    ).drop("entry")
