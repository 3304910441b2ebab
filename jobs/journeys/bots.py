"""Events of programs instead of people: told apart by the conditions of `bots`, and counted."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of, first_true


def bots_per_day(events: DataFrame, rules: Mapping[str, str], timezone: str) -> DataFrame:
    """journeys/bots: events per day that a rule says are of a program, whether or not anybody is known by them."""
    which = first_true([(condition, name) for name, condition in rules.items()], None)
    found = events.withColumns({"rule": which, "day": day_of("occurred_at", timezone)}).where("rule is not null")
    browsers = F.count_distinct(F.coalesce("cookie_id", "user_agent"))
    return found.groupBy("day", "rule").agg(F.count("*").alias("events"), browsers.alias("visitors"))
