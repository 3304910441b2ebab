"""Visits: web and app events of one visitor on one device, with no pause longer than the session gap.

Where the tracker says which visit an event is of, that counts instead of pauses.
"""

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


Bots = tuple[tuple[str, str], ...]
"""Conditions on events that no person made, with their names."""


def bots_of(journey: Journey) -> Bots:
    """The conditions of `bots`, in their order."""
    return tuple((when, name) for name, when in journey.bots.items())


def of_people(events: DataFrame, bots: Bots) -> DataFrame:
    """Events that no condition says are of a program."""
    return events.where(first_true(bots, None).isNull()) if bots else events


def visit_rules(journey: Journey, timezone: str) -> tuple[int, bool, str | None, int | None, Bots]:
    """What begins a visit, as `with_session` takes it."""
    midnight = timezone if journey.visit_ends_at_midnight else None
    longest = journey.longest_visit_minutes
    return journey.session_gap_minutes, journey.new_campaign_begins_visit, midnight, longest, bots_of(journey)


def with_session(
    events: DataFrame,
    gap_minutes: int,
    new_campaign_begins: bool = False,
    midnight_in: str | None = None,
    longest_minutes: int | None = None,
    bots: Bots = (),
) -> DataFrame:
    """Events with `session_id`, `starts_session` on the first event of each session, `place` and `tracker_session`.

    `place` is text that sorts the events of a visitor by time: the smallest text of a group of events is fast to find
    on every engine, the smallest struct is not.

    A visitor is a customer on one browser; events without a cookie go by kind of device. The id is made from the
    first event, so it depends on the events alone and not on who the visitor turns out to be. Events without a
    customer are left out: nobody can be said to have visited. With `new_campaign_begins`, an event that came by
    another campaign than the visit so far begins a new one; with `midnight_in` so does one of another day in that time
    zone, and with `longest_minutes` one that many minutes, or a multiple of them, after the first. Events of `bots` are
    left out.
    """
    events = of_people(events, bots)
    tracked = F.col("tracker_session") != ""
    browser = F.when(tracked, F.col("tracker_session")).otherwise(F.coalesce("cookie_id", "device", F.lit("")))
    visitor = Window.partitionBy("customer_id", tracked, browser, *period_of(events)).orderBy(*_in_order())
    so_far = visitor.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    pause = F.unix_micros("occurred_at") - F.unix_micros(F.lag("occurred_at").over(visitor))
    started = F.when(F.col("starts_session"), F.concat_ws(":", "source", "event_id"))
    begun = F.last(started, ignorenulls=True).over(so_far)
    parted = ~tracked & (pause > gap_minutes * 60_000_000)
    if midnight_in:
        day = day_of("occurred_at", midnight_in)
        parted = parted | (day != F.lag(day).over(visitor))
    found = (
        events.where(F.col("customer_id").isNotNull())
        .withColumn("tracker_session", tracker_session())
        .withColumn("starts_session", F.when(pause.isNull(), F.lit(True)).otherwise(parted))
        .withColumn("place", F.lpad(F.row_number().over(visitor).cast("string"), PLACE_LENGTH, "0"))
        .withColumn("session_id", begun)
    )
    if longest_minutes:
        found = found.withColumn("starts_session", _starts_by_length(events, longest_minutes))
        found = found.withColumn("session_id", begun)
    if new_campaign_begins:
        found = found.withColumn("starts_session", _starts_by_campaign(events)).withColumn("session_id", begun)
    return found.withColumn("session_id", F.concat(F.lit("s"), F.substring(F.sha2("session_id", 256), 1, 20)))


def tracker_session() -> Column:
    """The visit an event is of as its tracker counts, of one browser: a hash, empty where it does not say."""
    told = F.nullif(F.trim("tracker_session_id"), F.lit(""))
    named = F.concat_ws("\x1f", "source", F.coalesce("cookie_id", F.lit("")), told)
    return F.when(told.isNotNull(), F.substring(F.sha2(named, 256), 1, 20)).otherwise(F.lit(""))


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


def _starts_by_length(events: DataFrame, longest_minutes: int) -> Column:
    """Whether an event starts a visit, also because the visit before it has lasted so long."""
    visit = Window.partitionBy("customer_id", "session_id", *period_of(events))
    lasted = F.unix_micros("occurred_at") - F.min(F.unix_micros("occurred_at")).over(visit)
    part = F.floor(lasted / F.lit(longest_minutes * 60_000_000))
    before = F.lag(part).over(visit.orderBy("place"))
    return F.col("starts_session") | F.coalesce(part != before, F.lit(False))


def _starts_by_campaign(events: DataFrame) -> Column:
    """Whether an event starts a visit, also because it came by another campaign than the events of the visit before."""
    came_by = F.when(F.coalesce(*CAMPAIGN).isNotNull(), F.concat_ws("|", *(F.coalesce(c, F.lit("")) for c in CAMPAIGN)))
    visit = Window.partitionBy("customer_id", "session_id", *period_of(events)).orderBy("place")
    before = F.last(came_by, ignorenulls=True).over(visit.rowsBetween(Window.unboundedPreceding, -1))
    other = came_by.isNotNull() & (before.isNull() | (before != came_by))
    return F.col("starts_session") | other


def whole_visits(spans: DataFrame) -> DataFrame:
    """Spans, each as long as all of its customer and tracker's visit: `tracker_session`, empty if it is in none."""
    told = F.col("tracker_session") != ""
    visit = Window.partitionBy("customer_id", "tracker_session")
    low = F.when(told, F.min("low").over(visit)).otherwise(F.col("low"))
    high = F.when(told, F.max("high").over(visit)).otherwise(F.col("high"))
    return spans.withColumns({"from_": low, "to_": high}).select(
        "customer_id", "before", F.col("from_").alias("low"), F.col("to_").alias("high")
    )


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
        F.max("tracker_session").alias("tracker_session"),
        *[F.count_if(F.col("type").isin(*types)).alias(name) for name, types in COUNTED.items()],
    )
    lowest, highest = ("customer_id", "started_at", "entry"), ("ended_at", "device", "channel", "tracker_session")
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
            "tracker_session": F.nullif("tracker_session", F.lit("")),
            "revenue": F.coalesce("revenue", F.lit(0)).cast("decimal(18,2)"),
        }
    ).drop("entry")
