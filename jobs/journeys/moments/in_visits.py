"""Micro-moments: what a visitor wanted in a visit, by weighing the evidence for know, go, do and buy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of, holds, midnight
from jobs.activity.sessions import PLACE_LENGTH
from jobs.config.journey.journey import Journey
from jobs.config.journey.moments import AFTERWARDS, MomentType, Signal
from jobs.config.sql.guard import words


def lasting(moments: DataFrame, day: date, timezone: str, served_since: bool = False) -> DataFrame:
    """The micro-moments that last into a day and that nothing served by the end of it, or at all with `served_since`.

    Whether one still lasts only a clock can tell, so it is asked where something is sent. What is sent asks with
    `served_since`: an answer of the day after counts, too.
    """
    served = F.col("served_at").isNotNull()
    served = served if served_since else served & (day_of("served_at", timezone) <= F.lit(day))
    begun = day_of("started_at", timezone) <= F.lit(day)
    return moments.where(
        begun & (F.col("expires_at") > F.lit(midnight(day, timezone))) & ~F.coalesce(served, F.lit(False))
    )


def moments(events: DataFrame, journey: Journey, timezone: str) -> DataFrame:
    """journeys/moments from events with a session; those of records are made in `jobs.journeys.moments.in_records`.

    The evidence for a type is the sum over its signals of weight times events (at most `at_most` of a visit count).
    Confidence is the type's share of the evidence for all types. A type below `minimum_evidence` or
    `minimum_confidence` is no moment. What serves a moment is the first event of the visit that meets `served_when`
    and comes after the first evidence, before the moment expires: what shows a wish does not grant it, unless the
    type says `served_at_once`.
    """
    types = {name: kind for name, kind in journey.moments.items() if kind.signals}
    totals = [column for name, kind in types.items() for column in _totals(name, kind)]
    event = F.concat("place", "event_id").alias("event")
    device = F.when(F.col("starts_session"), F.col("device")).alias("device")
    nearest = [F.col("nearest_place")] if "nearest_place" in events.columns else []
    there = F.coalesce("store_id", *nearest)
    place = F.when(there.isNotNull(), F.concat("place", there)).alias("there")
    every = with_afterwards(events) if any(map(_asks_afterwards, types.values())) else events
    shown = every.select("session_id", "customer_id", "occurred_at", device, place, event, *_marks(types))
    last = F.expr(f"substring(max(there), {PLACE_LENGTH + 1})").alias("place")
    one = [F.min("customer_id").alias("customer_id"), F.max("device").alias("device"), last]
    weighed = shown.groupBy("session_id").agg(*one, *totals)
    total = _sum([_weight(name, kind) for name, kind in types.items()])
    least = journey.minimum_evidence
    candidates = F.array(*[_candidate(name, kind, total, least) for name, kind in types.items()])
    strong = F.filter(
        candidates,
        lambda moment: (moment["weight"] >= moment["least"]) & (moment["confidence"] >= journey.minimum_confidence),
    )
    return (
        weighed.select("session_id", "customer_id", "device", "place", F.explode(strong).alias("moment"))
        .select("session_id", "customer_id", "device", "place", "moment.*")
        .withColumns(
            {
                "moment_id": F.concat_ws(":", "session_id", "type"),
                "valence": F.lit(None).cast("string"),
                "day": day_of("started_at", timezone),
                "served": F.col("answer").isNotNull(),
                "served_at": F.col("answer.at"),
                "served_by": F.expr(f"substring(answer.event, {PLACE_LENGTH + 1})"),
                "seconds": F.unix_timestamp("answer.at") - F.unix_timestamp("started_at"),
                "steps": (_place(F.col("answer.event")) - _place(F.col("first_event"))).cast("int"),
            },
        )
        .drop("answer", "first_event", "least")
    )


def with_afterwards(events: DataFrame) -> DataFrame:
    """Events of sessions with what came after each of them."""
    visit = Window.partitionBy("customer_id", "session_id").orderBy("place")
    seconds = F.unix_timestamp(F.lead("occurred_at").over(visit)) - F.unix_timestamp("occurred_at")
    return events.withColumns({"seconds_looked": seconds, "next_type": F.lead("type").over(visit)})


def _asks_afterwards(kind: MomentType) -> bool:
    return any(text.lower() in AFTERWARDS for what, text in words(kind.served_when) if what == "word")


def _place(event: Column) -> Column:
    """The how manieth event of the visitor it is."""
    return F.substring(event, 1, PLACE_LENGTH).cast("bigint")


def _marks(types: Mapping[Any, MomentType]) -> list[Column]:
    """Per event: which signals it shows and which goals it reaches."""
    conditions = {f"{name}__served": kind.served_when for name, kind in types.items()}
    for name, kind in types.items():
        conditions |= {f"{name}__{signal}": rule.when for signal, rule in kind.signals.items()}
    return [holds(condition).alias(column) for column, condition in conditions.items()]


def _totals(name: str, kind: MomentType) -> list[Column]:
    """Per signal: how many events and which was the first; per type: first and last evidence, and what may serve."""
    shows = reduce(Column.__or__, [F.col(f"{name}__{signal}") for signal in kind.signals])
    answer = F.struct("event", F.col("occurred_at").alias("at"))
    columns = [
        F.min(F.when(shows, F.col("occurred_at"))).alias(f"{name}__from"),
        F.max(F.when(shows, F.col("occurred_at"))).alias(f"{name}__until"),
        F.min(F.when(shows, F.col("event"))).alias(f"{name}__first"),
        F.collect_list(F.when(F.col(f"{name}__served"), answer)).alias(f"{name}__answers"),
    ]
    for signal in kind.signals:
        shown = F.col(f"{name}__{signal}")
        columns += [
            F.count_if(shown).alias(f"{name}__{signal}"),
            F.min(F.when(shown, F.col("event"))).alias(f"{name}__{signal}__first"),
        ]
    return columns


def _weight(name: str, kind: MomentType) -> Column:
    """Evidence for a type, in whole points."""
    return _sum([_points(name, *one) for one in kind.signals.items()])


def _points(name: str, signal: str, rule: Signal) -> Column:
    return F.least(F.col(f"{name}__{signal}"), F.lit(rule.at_most).cast("bigint")) * rule.weight


def _candidate(name: str, kind: MomentType, every: Column, least: int) -> Column:
    """The moment of one type, whether or not it is strong enough."""
    weight = _weight(name, kind)
    share = F.round(weight.cast("double") / F.nullif(every, F.lit(0).cast("bigint")).cast("double"), 6)
    expires = F.timestamp_seconds(F.unix_timestamp(f"{name}__until") + kind.expires_after_minutes * 60)
    first = F.col(f"{name}__first")

    def serves(answer: Column) -> Column:
        later = answer["event"] >= first if kind.served_at_once else answer["event"] > first
        return later & (answer["at"] <= expires)

    return F.struct(
        F.lit(name).alias("type"),
        weight.alias("weight"),
        F.lit(kind.minimum_evidence or least).alias("least"),
        F.coalesce(share, F.lit(0.0)).alias("confidence"),
        F.col(f"{name}__from").alias("started_at"),
        expires.alias("expires_at"),
        first.alias("first_event"),
        F.array_min(F.filter(f"{name}__answers", serves)).alias("answer"),
        F.array_compact(F.array(*[_shown(name, *one) for one in kind.signals.items()])).alias("evidence"),
    )


def _shown(name: str, signal: str, rule: Signal) -> Column:
    """`asked_a_question: 2 events from e17, 4 points`, or null without such events."""
    count = F.col(f"{name}__{signal}")
    events = F.when(count == 1, "event").otherwise("events from")
    first = F.expr(f"substring({name}__{signal}__first, {PLACE_LENGTH + 1})")
    points = _points(name, signal, rule)
    told = F.concat(first, F.lit(","))
    unit = F.when(points == 1, "point").otherwise("points")
    text = F.concat_ws(" ", count.cast("string"), events, told, points.cast("string"), unit)
    return F.when(count > 0, F.concat(F.lit(f"{signal}: "), text))


def _sum(columns: list[Column]) -> Column:
    total = F.lit(0).cast("bigint")
    for column in columns:
        total = total + column
    return total
