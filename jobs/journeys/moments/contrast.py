"""Micro-moments beside all other contacts: intent, duration, device, predictability, time to an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.journey.moment_effects import MomentEffects
from jobs.journeys.moments.effects import window
from jobs.journeys.paths.funnels import SECOND, Days, in_seconds

HOURS_OF_WEEK = 168
AS_COUNTED = ("kind", "is_moment", "contacts", "customers", "median_seconds", "median_seconds_to_answer")


def of_kinds(touched: DataFrame, moments: DataFrame) -> DataFrame:
    """Rows of `wanted` (jobs.journeys.moments.effects) with their `kind`: the micro-moment of the visit, else the type.

    Of several micro-moments in a visit it is the most confident one, of equals the first by name: each contact counts
    once. `served` and `answered` (seconds) are of that micro-moment; `answered` of a solution since its conversation.
    """
    surest = Window.partitionBy("session_id").orderBy(F.desc("confidence"), "type")
    best = moments.select(
        F.col("session_id").alias("reference"), F.col("type").alias("moment"), "confidence", "served",
        F.when(F.col("served"), F.col("seconds")).alias("until_served"), F.row_number().over(surest).alias("place"),
    )  # fmt: skip
    best = best.where("place = 1").drop("place").withColumn("type", F.lit("visit"))
    solved = F.col("type") == "resolution"
    return touched.join(best, ["reference", "type"], "left").withColumns(
        {
            "kind": F.coalesce("moment", "type"),
            "lasted": F.when(F.col("type") == "visit", F.col("seconds")),
            "answered": F.when(solved, F.col("seconds")).otherwise(F.col("until_served")),
        }
    )


def counts(rows: DataFrame) -> DataFrame:
    """What is counted of each kind, from rows of `of_kinds`: one row per kind."""
    return rows.groupBy("kind").agg(
        F.max(F.col("moment").isNotNull()).alias("is_moment"),
        F.count("*").alias("contacts"),
        F.countDistinct("customer_id").alias("customers"),
        F.count_if("converted").alias("converted"),
        F.count("device").alias("with_device"),
        F.count_if(F.col("device") == "mobile").alias("mobile"),
        F.count_if("served").alias("served"),
        in_seconds(F.median(F.col("lasted") * SECOND)).alias("median_seconds"),
        in_seconds(F.median(F.col("answered") * SECOND)).alias("median_seconds_to_answer"),
    )


def hours(rows: DataFrame, timezone: str) -> DataFrame:
    """How many contacts of each kind began in each hour of the week, in the company's time zone."""
    there = F.from_utc_timestamp("occurred_at", timezone)
    hour = (F.dayofweek(there) * 24 + F.hour(there)).alias("hour")
    return rows.groupBy("kind", hour).agg(F.count("*").alias("contacts"))


def contrast(
    counted: Iterable[Mapping[str, Any]], by_hour: Iterable[Mapping[str, Any]], rules: MomentEffects, as_of: Days
) -> list[dict[str, Any]]:
    """journeys/moment_contrast from rows of `counts` and `hours`. Contacts add up to all touchpoints of the window."""
    days = window(rules, as_of)
    together: Counter[str] = Counter()
    for row in by_hour:
        together[row["kind"]] += row["contacts"] * (row["contacts"] - 1)
    found = []
    for row in sorted(counted, key=lambda row: (not row["is_moment"], row["kind"])):
        contacts = row["contacts"]
        pairs = contacts * (contacts - 1)
        found.append(
            {name: row[name] for name in AS_COUNTED}
            | {
                "converted": round(row["converted"] / contacts, 6),
                "mobile": _share(row["mobile"], row["with_device"]),
                "served": _share(row["served"], contacts) if row["is_moment"] else None,
                "predictability": None if not pairs else round(HOURS_OF_WEEK * together[row["kind"]] / pairs, 4),
                "within_days": rules.within_days,
                "first_day": days.first,
                "last_day": days.last,
                "as_of": as_of.last,
            }
        )
    return found


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
