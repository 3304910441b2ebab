"""Micro-moments: what a visitor wanted in a visit, by weighing the evidence for know, go, do and buy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of, holds
from jobs.activity.sessions import PLACE_LENGTH
from jobs.config.journey import Journey, MomentType


def moments(events: DataFrame, journey: Journey, timezone: str) -> DataFrame:
    """journeys/moments from events with a session.

    The evidence for a type is the sum over its signals of weight times events (at most `at_most` of a visit count).
    Confidence is the type's share of the evidence for all types. A type below `minimum_evidence` or
    `minimum_confidence` is no moment. A moment is served if any event of the visit meets `served_when`.
    """
    types = journey.moments
    totals = [column for name, kind in types.items() for column in _totals(name, kind)]
    event = F.concat("place", "event_id").alias("event")
    shown = events.select("session_id", "customer_id", "occurred_at", event, *_marks(types))
    weighed = shown.groupBy("session_id").agg(F.min("customer_id").alias("customer_id"), *totals)
    every = _sum([_weight(name, kind) for name, kind in types.items()])
    candidates = F.array(*[_candidate(name, kind, every) for name, kind in types.items()])
    strong = F.filter(
        candidates,
        lambda moment: (
            (moment["weight"] >= journey.minimum_evidence) & (moment["confidence"] >= journey.minimum_confidence)
        ),
    )
    return (
        weighed.select("session_id", "customer_id", F.explode(strong).alias("moment"))
        .select("session_id", "customer_id", "moment.*")
        .withColumns(
            {"moment_id": F.concat_ws(":", "session_id", "type"), "day": day_of("started_at", timezone)},
        )
    )


def _marks(types: Mapping[Any, MomentType]) -> list[Column]:
    """Per event: which signals it shows and which goals it reaches."""
    conditions = {f"{name}__served": kind.served_when for name, kind in types.items()}
    for name, kind in types.items():
        conditions |= {f"{name}__{signal}": rule.when for signal, rule in kind.signals.items()}
    return [holds(condition).alias(column) for column, condition in conditions.items()]


def _totals(name: str, kind: MomentType) -> list[Column]:
    """Per signal: how many events and which was the first; per type: first and last evidence, and whether served."""
    shows = [F.col(f"{name}__{signal}") for signal in kind.signals]
    evidence = F.when(reduce(Column.__or__, shows), F.col("occurred_at"))
    columns = [
        F.min(evidence).alias(f"{name}__from"),
        F.max(evidence).alias(f"{name}__until"),
        (F.count_if(F.col(f"{name}__served")) > 0).alias(f"{name}__served"),
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
    return _sum(
        [
            F.least(F.col(f"{name}__{signal}"), F.lit(rule.at_most).cast("bigint")) * rule.weight
            for signal, rule in kind.signals.items()
        ]
    )


def _candidate(name: str, kind: MomentType, every: Column) -> Column:
    """The moment of one type, whether or not it is strong enough."""
    weight = _weight(name, kind)
    share = F.round(weight.cast("double") / F.nullif(every, F.lit(0).cast("bigint")).cast("double"), 6)
    last = F.unix_timestamp(f"{name}__until") + kind.expires_after_minutes * 60
    return F.struct(
        F.lit(name).alias("type"),
        weight.alias("weight"),
        F.coalesce(share, F.lit(0.0)).alias("confidence"),
        F.col(f"{name}__from").alias("started_at"),
        F.timestamp_seconds(last).alias("expires_at"),
        F.col(f"{name}__served").alias("served"),
        F.array_compact(F.array(*[_shown(name, signal) for signal in kind.signals])).alias("evidence"),
    )


def _shown(name: str, signal: str) -> Column:
    """`asked_a_question: 2 events from e17`, or null without such events."""
    count = F.col(f"{name}__{signal}")
    events = F.when(count == 1, "event").otherwise("events from")
    first = F.expr(f"substring({name}__{signal}__first, {PLACE_LENGTH + 1})")
    return F.when(count > 0, F.concat(F.lit(f"{signal}: "), F.concat_ws(" ", count.cast("string"), events, first)))


def _sum(columns: list[Column]) -> Column:
    total = F.lit(0).cast("bigint")
    for column in columns:
        total = total + column
    return total
