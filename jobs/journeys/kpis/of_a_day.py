"""The KPIs of a day: of days with other rows, and of the weeks and months these days are in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.every_day import asked_every_day
from jobs.activity.timeline import timeline
from jobs.config.journey.kpi_groups import STAGES, group_of
from jobs.config.journey.kpis import PERIOD_TABLES
from jobs.identity.fresh import Fresh
from jobs.journeys.day import Today, rows_of_days, write_difference
from jobs.journeys.kpis.counted import COUNTS, PERIODS, Registry, adds_up, counted_again, counted_per_day, summed_up
from jobs.journeys.kpis.groups import days_of_other_stays, days_told_anew
from jobs.journeys.kpis.queries import last_day
from jobs.journeys.kpis.tables import NAME, REGISTRY, counted_of, delivered, kpis, registry
from jobs.journeys.kpis.values import NO_SOURCE, of_period, values, without_source

KEY = ("day", "kpi", "dimension", "part")


def update(fresh: Fresh, today: Today, first_day: date, then: DataFrame, now: DataFrame) -> None:
    """Write journeys/kpis from `first_day` on; `then` and `now` are the traits of touched customers, before and now."""
    journey, as_of, stored = fresh.settings.journey, fresh.as_of, fresh.txn.read(NAME)
    fresh.lake.replace(REGISTRY, registry(journey), fresh.txn)
    if not journey.kpis:
        write_difference(fresh, today, "kpis", stored, stored)
        return
    whole = date.fromisoformat(fresh.txn.state["whole"])
    have = delivered(fresh.lake, fresh.txn, journey, as_of)
    if _another_calendar(stored, journey.kpis, have, first_day, fresh.until):
        every = {**today.tables, "customers": _everybody(fresh, today)}
        made = kpis(every, journey, have, first_day, as_of, fresh.keep, whole)
        write_difference(fresh, today, "kpis", stored, made)
        return
    daily_then = fresh.keep(counted_of(stored.where("period = 'day'")))
    missing = without_source(journey.kpis, have)
    parts = list(_other_days(fresh, today, first_day, daily_then, then, now, missing))
    again = reduce(Column.__or__, [condition for condition, _ in parts], F.lit(False))
    made = reduce(DataFrame.unionByName, [daily_then.where(~again), *(rows for _, rows in parts)])
    daily = fresh.keep(made.select(*daily_then.columns))
    ended = _days_that_ended(fresh)
    again = again | F.col("day").isin(sorted(ended)) if ended else again
    replaced, after = (F.col("period") == "day") & again, [of_period(daily.where(again), "day")]
    held = F.col("kpi").isin(_over(journey.kpis, PERIOD_TABLES))
    changed = _changed_days(fresh, today, first_day) | {day for day in ended if day >= first_day}
    for period in PERIODS:
        starts = sorted({_start(day, period) for day in changed})
        own = held | F.trunc("day", period).isin(starts)
        counted = summed_up(daily.where(own), journey.kpis, period)
        counted = counted.unionByName(_counted_again(fresh, today, period, starts, first_day, missing))
        after.append(of_period(counted, period))
        replaced = replaced | ((F.col("period") == period) & own)
    made = values(after, journey, have, first_day, whole)
    write_difference(fresh, today, "kpis", stored.where(replaced), made)


def _another_calendar(stored: DataFrame, registry: Registry, have: Iterable[str], first: date, until: date) -> bool:
    """Whether KPIs begin on another day now, ended on another, or have sources that they did not have."""
    daily = stored.where("period = 'day'")
    missed = F.collect_set(F.when(F.col("reason") == NO_SOURCE, F.col("kpi")))
    begun, ended, then = daily.agg(F.min("day"), F.max("day"), missed).collect()[0]
    return (begun, ended) != (first, until) or set(then) != without_source(registry, list(have))


def _everybody(fresh: Fresh, today: Today) -> DataFrame:
    return timeline(today.tables, asked_every_day(fresh.settings), fresh.as_of)


def _over(registry: Registry, tables: Iterable[str]) -> list[str]:
    return [name for name, kpi in registry.items() if kpi.table in tables]


def _new_days(fresh: Fresh) -> set[date]:
    return {fresh.until + timedelta(days=n) for n in range(1, (fresh.as_of - fresh.until).days + 1)}


def _days_that_ended(fresh: Fresh) -> set[date]:
    """Days that the last run knew and that had not ended then: what is counted of them may stay, it is whole now."""
    then, now = (date.fromisoformat(state["whole"]) for state in (fresh.before.state, fresh.txn.state))
    return {then + timedelta(days=n) for n in range(1, (min(now, fresh.until) - then).days + 1)}


def _asks_for_first_rows(fresh: Fresh, table: str) -> bool:
    return any(kpi.first for kpi in fresh.settings.journey.kpis.values() if kpi.table == table)


def _days_of(fresh: Fresh, today: Today, table: str, first_day: date) -> set[date]:
    """Days with other rows of a table, and those that are new; every day if the first rows of customers are asked for,
    of which one may be another on any day."""
    if _asks_for_first_rows(fresh, table):
        return {first_day + timedelta(days=n) for n in range((fresh.as_of - first_day).days + 1)}
    days = today.days.get(table, set()) | _days_of_other_groups(fresh, today, table)
    return {day for day in days if first_day <= day <= fresh.as_of} | _new_days(fresh)


def _days_of_other_groups(fresh: Fresh, today: Today, table: str) -> set[date]:
    """Days of which the rows of a table are of other stages, segments or audiences now."""
    own = [kpi for kpi in fresh.settings.journey.kpis.values() if kpi.table == table]
    asked = {group.table for kpi in own for group in map(group_of, kpi.dimensions) if group}
    days: set[date] = set()
    for name in asked:
        if name == STAGES:
            if today.days.get(STAGES) is None and today.stays is not None:
                today.days[STAGES] = days_of_other_stays(today.stays, fresh.as_of)
            days |= today.days.get(STAGES, set())
        else:
            then, now = fresh.before.pins.get(name), fresh.txn.pins[name]
            days |= days_told_anew(fresh.lake, then, now, name, fresh.as_of)
    return days


def _changed_days(fresh: Fresh, today: Today, first_day: date) -> set[date]:
    tables = {kpi.table for kpi in fresh.settings.journey.kpis.values()} - set(PERIOD_TABLES)
    return set().union(*[_days_of(fresh, today, table, first_day) for table in tables])


def _rows(fresh: Fresh, today: Today, table: str, days: Iterable[date]) -> DataFrame:
    """The rows that KPIs of these days are counted over."""
    if _asks_for_first_rows(fresh, table):
        return today.tables[table]
    return rows_of_days(fresh, today, table, list(days))


def _start(day: date, period: str) -> date:
    """The first day of the week or month of a day."""
    return day.replace(day=1) if period == "month" else day - timedelta(days=day.weekday())


def _other_days(
    fresh: Fresh,
    today: Today,
    first_day: date,
    stored: DataFrame,
    then: DataFrame,
    now: DataFrame,
    missing: Collection[str],
) -> Iterable[tuple[Column, DataFrame]]:
    """Which rows per day are counted anew, and what is counted now."""
    registry, as_of = fresh.settings.journey.kpis, fresh.as_of
    for table in dict.fromkeys(kpi.table for kpi in registry.values()):
        own = {name: kpi for name, kpi in registry.items() if kpi.table == table}
        counted = F.col("kpi").isin(list(own))
        if table not in PERIOD_TABLES:
            days = _days_of(fresh, today, table, first_day)
            if days:
                made = counted_per_day(
                    {**today.tables, table: _rows(fresh, today, table, days)}, own, first_day, as_of, days, missing
                )
                yield counted & F.col("day").isin(sorted(days)), fresh.keep(made)
        elif table != "customers" or any(kpi.dimensions for kpi in own.values()):
            tables = today.tables if table != "customers" else {"customers": _everybody(fresh, today)}
            yield counted, fresh.keep(counted_per_day(tables, own, first_day, as_of, missing=missing))
        else:
            sides = [
                fresh.keep(counted_per_day({"customers": lines}, own, first_day, as_of, missing=missing))
                for lines in (then, now)
            ]
            yield counted, fresh.keep(_moved_on(fresh, stored.where(counted), *sides))


def _moved_on(fresh: Fresh, stored: DataFrame, then: DataFrame, now: DataFrame) -> DataFrame:
    """KPIs that count customers, with those who were touched counted as they are `now` instead of as `then`.

    All others count on the new days as they did on the day of the last run. Counts are whole numbers, of which sums
    are exact.
    """
    columns, new_days = stored.columns, _new_days(fresh)
    if new_days:
        days = F.explode(F.array(*[F.lit(day) for day in sorted(new_days)]))
        last = stored.where(F.col("day") == F.lit(fresh.until)).drop("day")
        stored = stored.unionByName(last.withColumn("day", days).select(*columns))
    less = then.withColumns({name: -F.col(name) for name in COUNTS})
    every = reduce(DataFrame.union, [rows.select(*columns) for rows in (stored, less, now)])
    return every.groupBy(*KEY).agg(*[F.sum(name).alias(name) for name in COUNTS])


def _counted_again(
    fresh: Fresh, today: Today, period: str, starts: list[date], first_day: date, missing: Collection[str]
) -> DataFrame:
    """KPIs whose days do not add up, of the periods that begin on these days, from the rows of all their days."""
    registry = {name: kpi for name, kpi in fresh.settings.journey.kpis.items() if not adds_up(kpi)}
    days = [start + timedelta(days=n) for start in starts for n in range((last_day(start, period) - start).days + 1)]
    tables = {kpi.table for kpi in registry.values()} - set(PERIOD_TABLES)
    rows = {table: _rows(fresh, today, table, days) for table in sorted(tables)}
    if not rows:
        rows = {"touchpoints": today.tables["touchpoints"]}
    rows = {**today.tables, **rows}
    return counted_again(rows, registry, period, first_day, fresh.as_of, starts, missing)
