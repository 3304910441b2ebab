"""Contradictions: between what is claimed and counted, people and numbers, channels at one touchpoint, and messages.

Each is a row of journeys/map_contradictions. A touchpoint is called good or bad only where the interval says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.config.journey.journey_map import Conflict
from jobs.journeys.journey_map.numbers import share
from jobs.journeys.journey_map.tables import MapQueries, Row
from jobs.journeys.paths.funnels import DAY

OPPOSITE = {"positive": "negative", "negative": "positive"}
HOLDS = ("holds", "measured", "told")
"""States of insights that say something; the others are open or refuted."""


def of_insights(insights: list[Row], touchpoints: list[Row]) -> Iterator[Row]:
    """Claims that their number refutes, and insights that say the opposite of another or of the contacts."""
    titles = {row["insight"]: row["title"] for row in insights}
    for row in insights:
        if row["state"] == "does not hold":
            told = f"{row['title']}: counted {row['value']:g} ({row['low']:g} to {row['high']:g})"
            yield _row("claim", row["touchpoint"], row["insight"], "its number", told)
    said = [row for row in insights if row["state"] in HOLDS]
    for one, other in combinations(sorted(said, key=lambda row: (row["kind"], row["insight"])), 2):
        if one["touchpoint"] == other["touchpoint"] and OPPOSITE.get(one["says"]) == other["says"]:
            kind = "people" if one["kind"] == other["kind"] == "people" else "people and data"
            kind = "data" if one["kind"] == other["kind"] == "data" else kind
            told = f"{titles[one['insight']]} ({one['says']}); {titles[other['insight']]} ({other['says']})"
            yield _row(kind, one["touchpoint"], one["insight"], other["insight"], told)
    experienced = {row["touchpoint"]: row for row in touchpoints}
    for row in said:
        at = experienced[row["touchpoint"]]
        if row["kind"] == "people" and OPPOSITE.get(row["says"]) == at["experience"]:
            told = (
                f"{row['title']} ({row['says']}); of its contacts {at['positive']} went well and {at['negative']} badly"
            )
            yield _row("people and data", row["touchpoint"], row["insight"], "its contacts", told)


def of_channels(asked: MapQueries) -> Iterator[Row]:
    """Touchpoints that are surely better in one channel than in another: the two that are farthest apart."""
    counted = asked.rows(
        """select touchpoint, channel, count(*) filter (valence = 'negative') as negative, count(*) as judged
           from journeys.touchpoints
           where day between ? and ? and touchpoint is not null and channel is not null and valence <> 'neutral'
           group by touchpoint, channel order by touchpoint, channel""",
        "journeys.touchpoints",
        list(asked.days),
    )
    for touchpoint in dict.fromkeys(row["touchpoint"] for row in counted):
        own = [row for row in counted if row["touchpoint"] == touchpoint]
        bad = {row["channel"]: found for row in own if (found := share(row["negative"], row["judged"]))}
        worst = max(bad, key=lambda channel: (bad[channel].low, channel))
        best = min(bad, key=lambda channel: (bad[channel].high, channel))
        if bad[worst].low > bad[best].high:
            told = "; ".join(
                f"{channel}: {bad[channel].value:g} of {bad[channel].observations} went badly"
                for channel in (best, worst)
            )
            yield _row("channels", touchpoint, best, worst, told)


def conflicting(touchpoints: DataFrame, conflict: Conflict) -> DataFrame:
    """Customers who had both sides of a conflict in two channels within its days: the channels, `customers`."""
    sides = []
    for condition, name in ((conflict.one, "one"), (conflict.other, "other")):
        rows = touchpoints.where(holds(condition) & F.col("channel").isNotNull())
        at = F.unix_micros("occurred_at").alias(f"{name}_at")
        sides.append(rows.select("customer_id", F.col("channel").alias(name), at))
    near = F.abs(F.col("one_at") - F.col("other_at")) <= conflict.within_days * DAY
    both = sides[0].join(sides[1], "customer_id").where(near & (F.col("one") != F.col("other")))
    return both.groupBy("one", "other").agg(F.countDistinct("customer_id").alias("customers"))


def of_messages(touchpoints: DataFrame, conflicts: Mapping[str, Conflict]) -> Iterator[Row]:
    """The conflicts of the configuration that customers met, from touchpoints of the window."""
    for name, conflict in conflicts.items():
        for row in sorted(conflicting(touchpoints, conflict).collect()):
            told = f"{conflict.title}: both within {conflict.within_days} days, in {row['one']} and in {row['other']}"
            sides = (f"one in {row['one']}", f"other in {row['other']}")
            yield _row("conflict", name, *sides, told) | {"customers": row["customers"]}


def _row(kind: str, touchpoint: str, one: str, other: str, told: str) -> Row:
    return {"kind": kind, "touchpoint": touchpoint, "one": one, "other": other, "told": told}


def dated(rows: Iterator[Row], days: tuple[date, date]) -> list[Row]:
    """Rows with the window they are about."""
    return [row | {"first_day": days[0], "as_of": days[1]} for row in rows]
