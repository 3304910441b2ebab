"""Visits: web and app events of one visitor on one device, with no pause longer than the session gap.

Where the tracker says which visit an event is of, that counts instead of pauses.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of, first_true
from jobs.activity.intent import with_intent
from jobs.config.journey.intent import Intent
from jobs.config.journey.journey import Journey
from jobs.validate.versions.counting import period_of

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


TOO_FAST = "too_fast"
"""The rule of events that came faster than `most_events_per_minute`."""


@dataclass(frozen=True)
class Bots:
    """What tells that no person made an event: conditions with their names, and how many a person makes in a minute."""

    conditions: tuple[tuple[str, str], ...] = ()
    most_per_minute: int | None = None

    def __bool__(self) -> bool:
        return bool(self.conditions) or self.most_per_minute is not None


PEOPLE = Bots()
"""Nothing tells of programs."""


def bots_of(journey: Journey) -> Bots:
    """The conditions of `bots`, in their order, and the limit."""
    return Bots(tuple((when, name) for name, when in journey.bots.items()), journey.most_events_per_minute)


def with_bot(events: DataFrame, bots: Bots) -> DataFrame:
    """Events of customers with `bot`, the rule that says it is of a program, or null.

    Beside the conditions, an event is of a program if it is in any minute in which its browser made more than
    `most_per_minute` events; those of the conditions do not count.
    """
    found = events.withColumn("bot", first_true(bots.conditions, None))
    if bots.most_per_minute is None:
        return found
    browser = F.coalesce("cookie_id", "user_agent", "device", F.lit(""))
    one = Window.partitionBy("customer_id", "source", browser, F.col("bot").isNull(), *period_of(events))
    in_time = one.orderBy(F.unix_micros("occurred_at"))
    minute = 60_000_000 - 1
    counted = found.withColumn("in_minute", F.count("*").over(in_time.rangeBetween(0, minute)))
    most = F.max("in_minute").over(in_time.rangeBetween(-minute, 0))
    fast = F.when(most > bots.most_per_minute, TOO_FAST)
    return counted.withColumn("bot", F.coalesce("bot", fast)).drop("in_minute")


def of_people(events: DataFrame, bots: Bots) -> DataFrame:
    """Events of customers that no rule says are of a program."""
    return with_bot(events, bots).where("bot is null").drop("bot") if bots else events


def visit_rules(
    journey: Journey, timezone: str, told: bool = True
) -> tuple[int, bool, str | None, int | None, Bots, bool]:
    """What begins a visit, as `with_session` takes it; not `told`: of events without those of programs."""
    midnight = timezone if journey.visit_ends_at_midnight else None
    longest = journey.longest_visit_minutes
    ends = journey.after_longest_visit == "no_visit"
    bots = bots_of(journey) if told else PEOPLE
    return journey.session_gap_minutes, journey.new_campaign_begins_visit, midnight, longest, bots, ends


def with_session(
    events: DataFrame,
    gap_minutes: int,
    new_campaign_begins: bool = False,
    midnight_in: str | None = None,
    longest_minutes: int | None = None,
    bots: Bots = PEOPLE,
    ends_after_longest: bool = False,
) -> DataFrame:
    """Events with `session_id`, `starts_session` on the first event of each session, `place` and `tracker_session`.

    `place` is text that sorts the events of a visitor by time: the smallest text of a group of events is fast to find
    on every engine, the smallest struct is not.

    A visitor is a customer on one browser; events without a cookie go by kind of device. The id is made from the
    first event, so it depends on the events alone and not on who the visitor turns out to be. Events without a
    customer are left out: nobody can be said to have visited. With `new_campaign_begins`, an event that came by
    another campaign than the visit so far begins a new one; with `midnight_in` so does one of another day in that time
    zone, and with `longest_minutes` one that many minutes, or a multiple of them, after the first; with
    `ends_after_longest` those of a tracker's visit are left out instead, as are events of `bots`.
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
    if longest_minutes and ends_after_longest:
        stays = ~tracked | (F.col("part") == 0)
        found = found.withColumn("part", _nth_part(events, longest_minutes)).where(stays).drop("part")
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
    part = _nth_part(events, longest_minutes)
    before = F.lag(part).over(Window.partitionBy("customer_id", "session_id", *period_of(events)).orderBy("place"))
    return F.col("starts_session") | F.coalesce(part != before, F.lit(False))


def _nth_part(events: DataFrame, longest_minutes: int) -> Column:
    """In which stretch of so many minutes of its visit an event is, from 0."""
    visit = Window.partitionBy("customer_id", "session_id", *period_of(events))
    lasted = F.unix_micros("occurred_at") - F.min(F.unix_micros("occurred_at")).over(visit)
    return F.floor(lasted / F.lit(longest_minutes * 60_000_000))


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


def sessions(events: DataFrame, channels: dict[str, str], timezone: str, intent: Intent | None = None) -> DataFrame:
    """journeys/sessions from events with a session.

    `channels` are conditions on the first event, tried in order. An order reported twice counts once, with the higher
    value. Events are first added up per order and then per session, which reads them once. `intent` tells how near
    to an order each visit was.
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
    visits = totals.withColumns(
        {
            "day": day_of("started_at", timezone),
            "entry_url": F.expr(f"substring(entry, {PLACE_LENGTH + 1})"),
            "tracker_session": F.nullif("tracker_session", F.lit("")),
            "revenue": F.coalesce("revenue", F.lit(0)).cast("decimal(18,2)"),
        }
    ).drop("entry")
    return with_intent(visits, intent)
