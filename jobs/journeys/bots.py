"""Events of programs instead of people: told apart by the conditions of `bots`, and counted."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of
from jobs.activity.sessions import Bots, with_bot


def bots_per_day(events: DataFrame, bots: Bots, timezone: str) -> DataFrame:
    """journeys/bots: events per day that a rule says are of a program, whether or not anybody is known by them.

    Where a limit is declared, events come with their customer, as those of visits do.
    """
    found = with_bot(events, bots).withColumn("day", day_of("occurred_at", timezone))
    found = found.withColumnRenamed("bot", "rule").where("rule is not null")
    browsers = F.count_distinct(F.coalesce("cookie_id", "user_agent"))
    return found.groupBy("day", "rule").agg(F.count("*").alias("events"), browsers.alias("visitors"))
