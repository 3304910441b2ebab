"""Stages and KPIs of a day: of customers touched or with something leaving a window, and of days with other rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.every_day import KINDS, asked_every_day, used_in_rules
from jobs.activity.timeline import moves, timeline
from jobs.config.journey import PERIOD_TABLES, Kpi
from jobs.config.traits import Trait
from jobs.identity.fresh import Fresh
from jobs.journeys.day import Today, write_difference
from jobs.journeys.kpis import kpis
from jobs.journeys.stages import stages

Registry = dict[str, Kpi]


def update(fresh: Fresh, today: Today, first_day: date | None) -> None:
    """Write journeys/stages and journeys/kpis, the latter from `first_day` on."""
    journey, asked = fresh.settings.journey, asked_every_day(fresh.settings)
    customers = fresh.keep(today.customers.union(_with_something_moving(fresh, today, asked)).distinct())
    then = fresh.ids_before(customers)
    own = {kind: today.tables[kind].join(customers, "customer_id", "left_semi") for kind in KINDS}
    lines = fresh.keep(timeline(own, asked, fresh.as_of))
    before = fresh.txn.read("journeys/stages").join(then, "customer_id", "left_semi")
    write_difference(fresh, today, "stages", before, stages(lines, journey.stages, used_in_rules(fresh.settings)))
    if not journey.kpis:
        write_difference(fresh, today, "kpis", stored := fresh.txn.read("journeys/kpis"), stored)
        return
    own_then = {kind: fresh.txn.read(f"journeys/{kind}").join(then, "customer_id", "left_semi") for kind in KINDS}
    lines_then = timeline(own_then, asked, fresh.until)
    _write_kpis(fresh, today, first_day or fresh.as_of, lines_then, lines)


def _with_something_moving(fresh: Fresh, today: Today, asked: Mapping[str, Trait]) -> DataFrame:
    """Customers with a contact that enters or leaves the window of a trait after the last run and up to today.

    Sessions are on the day of the visit they are.
    """
    days = [fresh.until + timedelta(days=n) for n in range(1, (fresh.as_of - fresh.until).days + 1)]
    later = {after for trait in asked.values() for after in moves(trait)} - {0}
    moving = {day - timedelta(days=after) for day in days for after in later}
    return _of_days(fresh, today, "touchpoints", moving).select("customer_id")


def _of_days(fresh: Fresh, today: Today, table: str, days: Collection[date]) -> DataFrame:
    """The rows of these days, read from the files that may hold them."""
    name = f"journeys/{table}"
    files = fresh.lake.added_files(name, None, today.versions[table])
    found = [file for file in files.new if any(file.may_hold("day", day, day) for day in days)] if files else []
    return fresh.lake.read_files(name, found).where(F.col("day").isin(sorted(days)))


def _write_kpis(fresh: Fresh, today: Today, first_day: date, then: DataFrame, now: DataFrame) -> None:
    """`then` and `now` are the traits of the touched customers, at the last run and today."""
    registry, as_of, stored = fresh.settings.journey.kpis, fresh.as_of, fresh.txn.read("journeys/kpis")
    begun, ended = stored.agg(F.min("day"), F.max("day")).collect()[0]
    if (begun, ended) != (first_day, fresh.until):
        every = {**today.tables, "customers": _everybody(fresh, today)}
        write_difference(fresh, today, "kpis", stored, kpis(every, registry, first_day, as_of))
        return
    new_days = {fresh.until + timedelta(days=n) for n in range(1, (as_of - fresh.until).days + 1)}
    again, after = F.lit(False), []
    for table in dict.fromkeys(kpi.table for kpi in registry.values()):
        own = {name: kpi for name, kpi in registry.items() if kpi.table == table}
        counted = F.col("kpi").isin(list(own))
        if table not in PERIOD_TABLES:
            days = {day for day in today.days[table] if first_day <= day <= as_of} | new_days
            if not days:
                continue
            counted = counted & F.col("day").isin(sorted(days))
            made = kpis({table: _of_days(fresh, today, table, days)}, own, first_day, as_of, days)
        elif table == "stages" or any(kpi.dimension for kpi in own.values()):
            tables = today.tables if table == "stages" else {"customers": _everybody(fresh, today)}
            made = kpis(tables, own, first_day, as_of)
        else:
            sides = [kpis({table: lines}, own, first_day, as_of) for lines in (then, now)]
            made = _moved_on(fresh, stored.where(counted), fresh.keep(sides[0]), fresh.keep(sides[1]), new_days)
        again = again | counted
        after.append(fresh.keep(made.select(*stored.columns)))
    write_difference(fresh, today, "kpis", stored.where(again), reduce(DataFrame.union, after))


def _everybody(fresh: Fresh, today: Today) -> DataFrame:
    return timeline(today.tables, asked_every_day(fresh.settings), fresh.as_of)


def _moved_on(fresh: Fresh, stored: DataFrame, then: DataFrame, now: DataFrame, new_days: set[date]) -> DataFrame:
    """KPIs that count customers, with those who were touched counted as they are `now` instead of as `then`.

    All others count on the new days as they did on the day of the last run. Counts are whole numbers, of which sums
    are exact.
    """
    columns = stored.columns
    if new_days:
        days = F.explode(F.array(*[F.lit(day) for day in sorted(new_days)]))
        last = stored.where(F.col("day") == F.lit(fresh.until)).drop("day")
        stored = stored.unionByName(last.withColumn("day", days).select(*columns))
    less = then.withColumns({name: -F.col(name) for name in ("numerator", "denominator")})
    every = reduce(DataFrame.union, [rows.select(*columns) for rows in (stored, less, now)])
    summed = every.groupBy("day", "kpi", "dimension").agg(
        *[F.max(name).alias(name) for name in ("stage", "unit")],
        *[F.sum(name).alias(name) for name in ("numerator", "denominator")],
    )
    ratio = F.round(F.col("numerator") / F.nullif(F.col("denominator"), F.lit(0.0)), 6)
    return summed.withColumn("value", F.when(F.col("denominator").isNull(), F.col("numerator")).otherwise(ratio))
