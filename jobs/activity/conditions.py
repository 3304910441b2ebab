"""Rules written as SQL conditions in config/journey.yaml, turned into columns; a condition that is null is not met."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.sql.guard import engine_sql


def first_true(rules: Iterable[tuple[str, str]], otherwise: str | None) -> Column:
    """The outcome of the first (condition, outcome) whose condition is true, else `otherwise`."""
    cases = None
    for condition, outcome in rules:
        holds, value = F.expr(engine_sql(condition)), F.lit(outcome)
        cases = F.when(holds, value) if cases is None else cases.when(holds, value)
    fallback = F.lit(otherwise).cast("string")
    return fallback if cases is None else cases.otherwise(fallback)


def holds(condition: str) -> Column:
    """True where the condition is true, false where it is false or null."""
    return F.coalesce(F.expr(engine_sql(condition)), F.lit(False))


def day_of(moment: str | Column, timezone: str) -> Column:
    """The calendar day of a UTC timestamp in the company's time zone."""
    return F.to_date(F.from_utc_timestamp(moment, timezone))


def midnight(day: date, timezone: str) -> datetime:
    """The instant, in UTC, at which a day begins in the company's time zone."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
