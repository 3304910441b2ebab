"""KPIs per day, week and month, as registered in config/journey.yaml: what is counted, out of what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from functools import reduce
from itertools import groupby

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.config.journey.kpi_groups import group_of
from jobs.config.journey.kpis import CONTRACTS, PERIOD_TABLES, Kpi
from jobs.config.sql.guard import engine_sql
from jobs.config.sql.rows import among, of_one_row, one_or_none
from jobs.journeys.contracts import of_days_before
from jobs.journeys.kpis.first_rows import first_rows
from jobs.journeys.kpis.groups import with_group

ALL = "all"
NO_PART = "unknown"
PERIODS = ("week", "month")
"""Longer than a day; weeks begin on Monday."""
COUNTS = ("numerator", "denominator", "sample", "squares", "products", "denominator_squares")
"""What is counted of a KPI. The last four say how far rows differ; only a number that its rows add up to has them."""
Registry = Mapping[str, Kpi]
Days = Collection[date] | None


def adds_up(kpi: Kpi) -> bool:
    """Whether the number of a week is the sum of its days; else the rows of the week have to be counted anew."""
    texts = (kpi.numerator, kpi.denominator) if kpi.denominator else (kpi.numerator,)
    return all(of_one_row(text) for text in texts)


def counted_per_day(
    tables: Mapping[str, DataFrame],
    registry: Registry,
    first_day: date,
    as_of: date,
    only: Days = None,
    missing: Collection[str] = (),
) -> DataFrame:
    """day, kpi, dimension, part and COUNTS, on every day from `first_day` to `as_of`.

    `tables` are sessions, carts, touchpoints, moments and stages as in the lake, and customers: the timeline of
    traits; and rows of datasets as known today. Parts without rows have no row. With `only`, of these days only; not
    for tables whose rows hold for a period. KPIs of first rows need all rows there are. Of KPIs in `missing` no dataset
    ever had a row: nothing is counted, without looking.
    """
    days = _calendar(tables, first_day, as_of)
    days = days if only is None else days.where(F.col("day").isin(sorted(only)))
    return _counted(tables, registry, days, F.col("day"), first_day, only, missing)


def counted_again(
    tables: Mapping[str, DataFrame],
    registry: Registry,
    period: str,
    first_day: date,
    as_of: date,
    only: Days = None,
    missing: Collection[str] = (),
) -> DataFrame:
    """The same per week or month, by its first day, of KPIs whose days do not add up, from the rows.

    With `only`, of the periods that begin on these days only, from rows of all their days.
    """
    own = {name: kpi for name, kpi in registry.items() if kpi.table not in PERIOD_TABLES and not adds_up(kpi)}
    days = _calendar(tables, first_day, as_of).select(F.trunc("day", period).alias("day")).distinct()
    days = days if only is None else days.where(F.col("day").isin(sorted(only)))
    return _counted(tables, own, days, F.trunc("day", period), first_day, only, missing)


def summed_up(daily: DataFrame, registry: Registry, period: str) -> DataFrame:
    """The same per week or month, from days: their sum, or, of what holds from a day to a day, the last of them.

    Numbers are added as decimals, of which the sum is the same in any order.
    """
    start = F.trunc("day", period).alias("day")
    parts = ("kpi", "dimension", "part")
    held = [name for name, kpi in registry.items() if kpi.table in PERIOD_TABLES]
    summable = [name for name, kpi in registry.items() if kpi.table not in PERIOD_TABLES and adds_up(kpi)]
    sums = [F.sum(F.col(name).cast("decimal(38,6)")).cast("double").alias(name) for name in COUNTS]
    ends = [F.max_by(name, F.col("on")).alias(name) for name in COUNTS]
    days = daily.withColumn("on", F.col("day"))
    added = days.where(F.col("kpi").isin(summable)).groupBy(start, *parts).agg(*sums)
    last = days.where(F.col("kpi").isin(held)).groupBy(start, *parts).agg(*ends)
    return added.unionByName(last)


def _counted(
    tables: Mapping[str, DataFrame],
    registry: Registry,
    days: DataFrame,
    day: Column,
    first_day: date,
    only: Days,
    missing: Collection[str],
) -> DataFrame:
    absent = {name: kpi for name, kpi in registry.items() if name in missing}
    registry = {name: kpi for name, kpi in registry.items() if name not in missing}
    measured = [_rows(_of_nothing(absent, days), absent)] if absent else []
    for (dimension, _), own in _passes(registry).items():
        named, one = {"dimension": F.lit(dimension)}, next(iter(own.values()))
        every = _rows_of(tables[one.table], one)
        if group := group_of(dimension):
            every = with_group(every, group, tables)
        else:
            named["part"] = _part(dimension)
        if one.table in PERIOD_TABLES:
            for batch in [own] if dimension == ALL else _of_same_rows(own):
                rows = every if dimension == ALL else every.where(holds(next(iter(batch.values())).where))
                held = _held(rows.withColumns(named), batch, days, first_day)
                measured.append(_rows(held, batch))
        else:
            rows = every.where(F.col("day") >= F.lit(first_day)).withColumns(named).withColumn("day", day)
            rows = rows if only is None else rows.where(F.col("day").isin(sorted(only)))
            found = _happened(_with_sides(rows, own), own)
            found = _on_every_day(found, own, days) if dimension == ALL else found
            measured.append(_rows(found, own, _have(own), dimension != ALL))
    return reduce(DataFrame.unionByName, measured) if measured else _nothing(days)


def _nothing(days: DataFrame) -> DataFrame:
    text, number = F.lit(None).cast("string"), F.lit(None).cast("double")
    columns = {**dict.fromkeys(("kpi", "dimension", "part"), text), **dict.fromkeys(COUNTS, number)}
    return days.where(F.lit(False)).withColumns(columns)


def _part(dimension: str) -> Column:
    if dimension == ALL:
        return F.lit(ALL)
    return F.coalesce(F.expr(engine_sql(dimension)).cast("string"), F.lit(NO_PART))


def _rows_of(table: DataFrame, kpi: Kpi) -> DataFrame:
    """The rows of its table that a KPI can count."""
    if kpi.table == CONTRACTS:
        return of_days_before(table, kpi.days_before)
    return first_rows(table, kpi) if kpi.first else table


def _passes(registry: Registry) -> dict[tuple[str, tuple[object, ...]], dict[str, Kpi]]:
    """The KPIs by how they are divided and what is read: one pass over the rows counts them all."""
    found: dict[tuple[str, tuple[object, ...]], dict[str, Kpi]] = {}
    for name, kpi in sorted(registry.items()):
        rows = (kpi.table, kpi.days_before, kpi.where if kpi.first else None)
        for dimension in (ALL, *dict.fromkeys(kpi.dimensions)):
            found.setdefault((dimension, rows), {})[name] = kpi
    return found


def _of_same_rows(registry: Registry) -> list[dict[str, Kpi]]:
    """KPIs with the same condition: parts are those of the rows that meet it."""
    ordered = sorted(registry.items(), key=lambda item: item[1].where)
    return [dict(group) for _, group in groupby(ordered, key=lambda item: item[1].where)]


def _calendar(tables: Mapping[str, DataFrame], first_day: date, as_of: date) -> DataFrame:
    days = F.sequence(F.lit(first_day), F.lit(as_of), F.expr("interval 1 day"))
    return next(iter(tables.values())).sparkSession.range(1).select(F.explode(days).alias("day"))


def _of_rows(kpi: Kpi) -> tuple[str, str] | None:
    """What each row adds to numerator and denominator; None if one of them is more than a sum over rows, or missing."""
    over, under = of_one_row(kpi.numerator), of_one_row(kpi.denominator) if kpi.denominator else None
    return (over, under) if over and under else None


def _with_sides(rows: DataFrame, batch: Registry) -> DataFrame:
    """Rows with what KPIs ask of each: whether it counts, and what it adds.

    As columns, each is planned once, however often what is counted mentions it.
    """
    counts = {f"{name}__counts": holds(kpi.where) for name, kpi in batch.items()}
    sides = {
        f"{name}__{side}": F.when(F.col(f"{name}__counts"), F.expr(text)).cast("decimal(18,4)")
        for name, kpi in batch.items()
        for side, text in zip(("over", "under"), _of_rows(kpi) or (), strict=False)
    }
    found = rows.withColumns(counts)
    return found.withColumns(sides) if sides else found


def _aggregates(name: str, kpi: Kpi) -> dict[str, Column]:
    """What is counted of one KPI, by COUNTS, over rows `_with_sides` that happened."""
    texts = {"numerator": kpi.numerator} | ({"denominator": kpi.denominator} if kpi.denominator else {})
    which = kpi.where if kpi.where.strip().lower() == "true" else f"{name}__counts"
    found = {key: F.expr(among(text, which)).cast("double") for key, text in texts.items()}
    if _of_rows(kpi):
        over, under = F.col(f"{name}__over"), F.col(f"{name}__under")
        some = F.when((over != 0) | (under != 0), F.lit(1)).otherwise(F.lit(0))
        sums = {"sample": some, "squares": over * over, "products": over * under, "denominator_squares": under * under}
        found |= {key: F.sum(one).cast("double") for key, one in sums.items() if key not in _same_numbers(kpi)}
    return {f"{name}__{key}": column for key, column in found.items()}


def _same_numbers(kpi: Kpi) -> dict[str, str]:
    """Those of COUNTS of a KPI that are another of them, as nearly all are of a share of rows: not counted twice."""
    of_rows, found = _of_rows(kpi), {}
    if of_rows and one_or_none(kpi.numerator):
        found["squares"] = "numerator"
    if of_rows and one_or_none(str(kpi.denominator)):
        found["denominator_squares"] = "denominator"
    if of_rows and of_rows[1] == "1":
        found |= {"sample": "denominator"} | ({"products": "numerator"} if "squares" in found else {})
    return found


def _have(batch: Registry) -> dict[str, str]:
    """The columns of everything counted of rows that happened, each with the one that has its number."""
    found = {column: column for name, kpi in batch.items() for column in _aggregates(name, kpi)}
    same = {(name, key): of for name, kpi in batch.items() for key, of in _same_numbers(kpi).items()}
    return found | {f"{name}__{key}": f"{name}__{of}" for (name, key), of in same.items()}


def _may_lack(kpi: Kpi) -> bool:
    """Whether there is nothing, rather than 0, of no rows: a percentile of no times is not 0."""
    return kpi.denominator is None and of_one_row(kpi.numerator) is None and kpi.unit not in ("count", "currency")


def _or_zero(column: Column | str, kpi: Kpi) -> Column:
    made = F.col(column) if isinstance(column, str) else column
    return made if _may_lack(kpi) else F.coalesce(made, F.lit(0.0))


def _happened(rows: DataFrame, batch: Registry) -> DataFrame:
    """Everything counted of rows that happened on a day."""
    every = [(column, made, kpi) for name, kpi in batch.items() for column, made in _aggregates(name, kpi).items()]
    counted = [_or_zero(made, kpi).alias(column) for column, made, kpi in every]
    some = [F.count_if(F.col(f"{name}__counts")).alias(f"{name}__rows") for name in batch]
    return rows.groupBy("day", "dimension", "part").agg(*counted, *some)


def _on_every_day(whole: DataFrame, batch: Registry, days: DataFrame) -> DataFrame:
    """Days without rows count 0."""
    zeros = {column: _or_zero(column, kpi) for name, kpi in batch.items() for column in _aggregates(name, kpi)}
    named = dict.fromkeys(("dimension", "part"), F.lit(ALL))
    return days.join(whole.drop(*named), on="day", how="left").withColumns(zeros | named)


def _of_nothing(batch: Registry, days: DataFrame) -> DataFrame:
    """What is counted where there are no rows at all, on each day."""
    named = dict.fromkeys(("dimension", "part"), F.lit(ALL))
    zeros = {column: _or_zero(F.lit(None), kpi) for column, kpi in _sides(batch).items()}
    return days.withColumns(zeros | named)


def _sides(batch: Registry) -> dict[str, Kpi]:
    """The columns of numerators and denominators."""
    return {
        f"{name}__{key}": kpi
        for name, kpi in batch.items()
        for key in ("numerator", "denominator")
        if getattr(kpi, key)
    }


def _held(rows: DataFrame, batch: Registry, days: DataFrame, first_day: date) -> DataFrame:
    """Customers for whom numerator and denominator hold on each day, from rows that hold from a day to a day.

    A row adds its customer on its first day and takes it off after its last; running totals give every day. What
    changed before `first_day` counts as if it changed on it.
    """
    texts = {f"{name}__numerator": (kpi.where, kpi.numerator) for name, kpi in batch.items()}
    texts |= {f"{name}__denominator": (kpi.where, kpi.denominator) for name, kpi in batch.items() if kpi.denominator}
    met = rows.select(
        "valid_from",
        "valid_to",
        "dimension",
        "part",
        *[(holds(where) & holds(condition)).cast("bigint").alias(one) for one, (where, condition) in texts.items()],
    )
    begin = met.select(F.col("valid_from").alias("day"), "dimension", "part", *texts)
    end = met.where(F.col("valid_to").isNotNull()).select(
        F.date_add("valid_to", 1).alias("day"), "dimension", "part", *[(-F.col(one)).alias(one) for one in texts]
    )
    in_time = begin.unionByName(end).withColumn("day", F.greatest("day", F.lit(first_day)))
    changes = in_time.groupBy("day", "dimension", "part").agg(*[F.sum(one).alias(one) for one in texts])
    every_day = days.crossJoin(met.select("dimension", "part").distinct())
    so_far = Window.partitionBy("dimension", "part").orderBy("day")
    so_far = so_far.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    totals = {one: F.coalesce(F.sum(one).over(so_far), F.lit(0)).cast("double") for one in texts}
    return every_day.join(changes, on=["day", "dimension", "part"], how="left").withColumns(totals)


def _rows(
    counted: DataFrame, batch: Registry, have: Mapping[str, str] | None = None, only_some: bool = False
) -> DataFrame:
    """One row per day, part and KPI; with `only_some`, of parts that have rows of the KPI.

    `have` are the columns of what is counted with the one to take each from; without it the two sides are counted.
    """
    there = dict.fromkeys(_sides(batch)) if have is None else have

    def row(name: str) -> Column:
        columns = {key: f"{name}__{key}" for key in COUNTS}
        counts = [F.col(there[column] or column) if column in there else F.lit(None) for column in columns.values()]
        # a sum, for a bare column brings along what the engine notes of it, and then structs differ in type
        typed = [(count.cast("double") + F.lit(0.0)).alias(key) for key, count in zip(columns, counts, strict=True)]
        made = F.struct(F.lit(name).alias("kpi"), *typed)
        return F.when(F.col(f"{name}__rows") > 0, made) if only_some else made

    every = F.array(*[row(name) for name in batch])
    exploded = counted.select(
        "day", "dimension", "part", F.explode(F.array_compact(every) if only_some else every).alias("k")
    )
    return exploded.select("day", "k.kpi", "dimension", "part", *[f"k.{key}" for key in COUNTS])
