"""Purchase intent: how near to an order a visit was by the points of its signs, and which these were, in words."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.config.journey.intent import LENGTH, LOW, Intent


def with_intent(visits: DataFrame, intent: Intent | None) -> DataFrame:
    """Visits with `intent` (points), `intent_band` and `intent_signs`; all are empty where no signs are declared.

    Signs ask the columns of a visit (journeys/sessions) and `seconds`, how long it lasted; one that is null is none.
    """
    if intent is None:
        nothing = {"intent": "int", "intent_band": "string", "intent_signs": "array<string>"}
        return visits.withColumns({name: F.lit(None).cast(type_) for name, type_ in nothing.items()})
    lasted = F.unix_timestamp("ended_at") - F.unix_timestamp("started_at")
    shown = {f"sign_{name}": holds(sign.when) for name, sign in intent.signs.items()}
    marked = visits.withColumn(LENGTH, lasted).withColumns(shown)
    points = [F.when(F.col(f"sign_{name}"), sign.points).otherwise(0) for name, sign in intent.signs.items()]
    words = [F.when(F.col(f"sign_{name}"), f"{sign.says}: {sign.points:+d}") for name, sign in intent.signs.items()]
    scored = marked.withColumn("intent", reduce(Column.__add__, points).cast("int"))
    found = scored.withColumns({"intent_band": _band(intent), "intent_signs": F.array_compact(F.array(*words))})
    return found.drop(LENGTH, *shown)


def _band(intent: Intent) -> Column:
    """The name of the highest band that the points reach."""
    highest_first = sorted(intent.bands.items(), key=lambda band: -band[1])
    name = F.lit(LOW)
    for band, begins in reversed(highest_first):
        name = F.when(F.col("intent") >= begins, band).otherwise(name)
    return name
