"""What customers were expected to be worth, as rows that KPIs are counted over: those of models/value.

The models of a day are asked after its journeys, so a run knows the values of the days before its own; those of a day
become a number in the run of the next one.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import VALUES, lake_table
from jobs.identity.fresh import Fresh
from jobs.journeys.day import Today
from jobs.lake.lake import Lake, Txn

TABLE = lake_table(VALUES)


def asked(journey: Journey) -> bool:
    """Whether any KPI is counted over them."""
    return any(kpi.table == VALUES for kpi in journey.kpis.values())


def known_before(lake: Lake, txn: Txn, as_of: date) -> DataFrame:
    """The rows of days before `as_of`; none while no model of value was ever asked."""
    if txn.pins[TABLE] is None:
        return lake.empty(TABLE)
    return txn.read(TABLE).where(F.col("day") < F.lit(as_of))


def note(fresh: Fresh, today: Today) -> None:
    """Tell what is known of them now, and on which days that is something else than it was in the last run."""
    if not asked(fresh.settings.journey):
        return
    today.tables[VALUES] = known_before(fresh.lake, fresh.txn, fresh.as_of)
    days = {fresh.until + timedelta(days=n) for n in range((fresh.as_of - fresh.until).days)}
    then, now = fresh.before.pins.get(TABLE), fresh.txn.pins[TABLE]
    if now is not None and then != now:
        for file in [one for files in fresh.lake.differing_files(TABLE, then, now) for one in files]:
            first, last = file.low["day"], file.high["day"]
            days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    today.days[VALUES] = {day for day in days if day < fresh.as_of}
