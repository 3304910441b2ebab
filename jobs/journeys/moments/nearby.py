"""Where customers are who said yes to being told by it: the nearest place of the company, and how far it is."""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of
from jobs.activity.lasting_consent import agreed
from jobs.config.journey.moments import NEARBY, Location

HISTORY = "profiles/consent_history"
EARTH = 6_371_008.8
"""Mean radius in metres (IUGG)."""
EVENT = ("source", "event_id")


def metres_between(north: Column, east: Column, place: tuple[float, float]) -> Column:
    """The great-circle distance to a place by the haversine formula, in whole metres."""
    there = [math.radians(degrees) for degrees in place]
    here = F.radians(north)
    across = F.pow(F.sin((here - F.lit(there[0])) / 2), 2)
    along = F.pow(F.sin((F.radians(east) - F.lit(there[1])) / 2), 2)
    half = F.least(F.lit(1.0), across + F.cos(here) * F.lit(math.cos(there[0])) * along)
    return F.round(2 * EARTH * F.asin(F.sqrt(half))).cast("bigint")


def with_nearby(events: DataFrame, history: DataFrame | None, location: Location | None, timezone: str) -> DataFrame:
    """Events of customers with `nearest_place` and `metres_to_place` (NEARBY).

    Both are empty without coordinates, and for who had not said yes to the purpose by the end of that day, or whose yes
    had ended by then. `history` is profiles/consent_history; None if nobody was ever asked.
    """
    if location is None:
        return events
    if history is None:
        return events.withColumns({name: F.lit(None).cast(type_) for name, type_ in NEARBY.items()})
    located = events.where(F.col("latitude").isNotNull() & F.col("longitude").isNotNull())
    known = history.select(
        F.col("customer_id").alias("of"), "purpose", "status", "expires_at", "valid_from", "valid_to"
    ).where(F.col("purpose") == location.purpose)
    day = day_of("occurred_at", timezone)
    on_day = (F.col("valid_from") <= day) & (F.col("valid_to").isNull() | (F.col("valid_to") >= day))
    asked = located.join(known, (F.col("customer_id") == F.col("of")) & on_day, "inner")
    distances = [
        F.struct(metres_between(F.col("latitude"), F.col("longitude"), at).alias("metres"), F.lit(name).alias("place"))
        for name, at in sorted(location.places.items())
    ]
    yes = agreed(asked, location.purpose, F.col("occurred_at"), *EVENT, "latitude", "longitude")
    nearest = yes.withColumn("nearest", F.array_min(F.array(*distances))).select(
        *EVENT, F.col("nearest.place").alias("nearest_place"), F.col("nearest.metres").alias("metres_to_place")
    )
    return events.join(nearest, list(EVENT), "left")
