"""KPIs per day and stage, as registered in config/journey.yaml, each with the query that recomputes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from functools import reduce
from itertools import groupby

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.activity.every_day import used_in
from jobs.activity.timeline import query_on
from jobs.config.journey import PERIOD_TABLES, Journey, Kpi
from jobs.config.sql import engine_sql
from jobs.config.sql_functions import ROWS
from jobs.config.traits import Trait

ALL = "all"
NO_PART = "unknown"
Registry = dict[str, Kpi]


def kpis(
    tables: dict[str, DataFrame], registry: Registry, first_day: date, as_of: date, only: Collection[date] | None = None
) -> DataFrame:
    """journeys/kpis: every KPI on every day from `first_day` to `as_of`, and for each part of its dimension.

    `tables` are sessions, carts, touchpoints, moments and stages as in the lake, and customers: the timeline of
    traits. A ratio whose denominator is 0 has no value; a count of nothing is 0. Parts without rows have no row.
    With `only`, KPIs of these days only, from the rows of these days; not for tables whose rows hold for a period.
    """
    days = _calendar(next(iter(tables.values())), first_day, as_of)
    days = days if only is None else days.where(F.col("day").isin(sorted(only)))
    measured = []
    for batch in _batches(registry):
        shared = next(iter(batch.values()))
        rows = tables[shared.table].where(holds(shared.where))
        for dimension in (None, shared.dimension) if shared.dimension else (None,):
            part = F.coalesce(F.expr(engine_sql(dimension)).cast("string"), F.lit(NO_PART)) if dimension else F.lit(ALL)
            in_parts = rows.withColumn("dimension", part)
            if shared.table in PERIOD_TABLES:
                counted = _held(in_parts, batch, days, first_day)
            else:
                counted = _happened(in_parts, batch, first_day)
                counted = counted if dimension else _on_every_day(counted, batch, days)
            measured.append(_rows(counted, batch))
    return reduce(DataFrame.unionByName, measured)


def query_for(
    name: str, journey: Journey, day: date, traits: Mapping[str, Trait] | None = None, by_part: bool = False
) -> str:
    """The SQL over the tables of the lake that gives numerator and denominator of one KPI on one day.

    `traits` are those of the configuration, for KPIs over customers.
    `by_part` gives them for each part of its dimension. Runs in `klantreis query` and on the engine alike.
    """
    kpi = journey.kpis[name]
    counted = [f"{_sql(kpi, kpi.numerator)} as numerator"]
    if kpi.denominator:
        counted.append(f"{_sql(kpi, kpi.denominator)} as denominator")
    if by_part and kpi.dimension:
        counted.insert(0, f"{kpi.dimension} as dimension")
    on = f"date '{day}'"
    rows = {
        "stages": f"journeys.stages\nwhere valid_from <= {on} and (valid_to is null or valid_to >= {on})",
        "customers": f"(\n{_traits_on(kpi, traits or {}, day)})\nwhere true",
    }.get(kpi.table, f"journeys.{kpi.table}\nwhere day = {on}")
    query = f"select {', '.join(counted)}\nfrom {rows} and ({kpi.where})"
    return f"{query}\ngroup by {kpi.dimension}" if by_part and kpi.dimension else query


def _traits_on(kpi: Kpi, traits: Mapping[str, Trait], day: date) -> str:
    texts = (kpi.where, kpi.numerator, kpi.denominator, kpi.dimension)
    return query_on(used_in([text for text in texts if text], traits), day)


def _sql(kpi: Kpi, expression: str) -> str:
    return f"count_if({expression})" if kpi.table in PERIOD_TABLES else expression


def _batches(registry: Registry) -> list[Registry]:
    """KPIs that can be counted in one pass: same rows, same parts."""

    def rows(item: tuple[str, Kpi]) -> tuple[str, str, str]:
        return item[1].table, item[1].where, item[1].dimension or ""

    return [dict(group) for _, group in groupby(sorted(registry.items(), key=rows), key=rows)]


def _calendar(any_table: DataFrame, first_day: date, as_of: date) -> DataFrame:
    days = F.sequence(F.lit(first_day), F.lit(as_of), F.expr("interval 1 day"))
    return any_table.sparkSession.range(1).select(F.explode(days).alias("day"))


def _columns(batch: Registry) -> dict[str, str]:
    """Names of the columns with numerators and denominators, and their expressions."""
    numerators = {f"{name}__of": kpi.numerator for name, kpi in batch.items()}
    denominators = {f"{name}__out_of": kpi.denominator for name, kpi in batch.items() if kpi.denominator}
    return numerators | denominators


def _happened(rows: DataFrame, batch: Registry, first_day: date) -> DataFrame:
    """Numerators and denominators of rows that happened on a day."""
    zero = F.lit(0.0)
    texts = {name: engine_sql(text, ROWS) for name, text in _columns(batch).items()}
    counted = [F.coalesce(F.expr(text).cast("double"), zero).alias(name) for name, text in texts.items()]
    return rows.where(F.col("day") >= F.lit(first_day)).groupBy("day", "dimension").agg(*counted)


def _on_every_day(whole: DataFrame, batch: Registry, days: DataFrame) -> DataFrame:
    """Days without rows count 0."""
    zeros = {name: F.coalesce(name, F.lit(0.0)) for name in _columns(batch)} | {"dimension": F.lit(ALL)}
    return days.join(whole.drop("dimension"), on="day", how="left").withColumns(zeros)


def _held(rows: DataFrame, batch: Registry, days: DataFrame, first_day: date) -> DataFrame:
    """Customers for whom numerator and denominator hold on each day, from rows that hold from a day to a day.

    A row adds its customer on its first day and takes it off after its last; running totals give every day. What
    changed before `first_day` counts as if it changed on it.
    """
    columns = _columns(batch)
    met = rows.select(
        "valid_from",
        "valid_to",
        "dimension",
        *[holds(condition).cast("bigint").alias(column) for column, condition in columns.items()],
    )
    begin = met.select(F.col("valid_from").alias("day"), "dimension", *columns)
    end = met.where(F.col("valid_to").isNotNull()).select(
        F.date_add("valid_to", 1).alias("day"), "dimension", *[(-F.col(column)).alias(column) for column in columns]
    )
    in_time = begin.unionByName(end).withColumn("day", F.greatest("day", F.lit(first_day)))
    changes = in_time.groupBy("day", "dimension").agg(*[F.sum(c).alias(c) for c in columns])
    every_day = days.crossJoin(met.groupBy("dimension").agg(F.lit(0).alias("nothing")).select("dimension"))
    so_far = Window.partitionBy("dimension").orderBy("day").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    totals = {c: F.coalesce(F.sum(c).over(so_far), F.lit(0)).cast("double") for c in columns}
    return every_day.join(changes, on=["day", "dimension"], how="left").withColumns(totals)


def _rows(counted: DataFrame, batch: Registry) -> DataFrame:
    """One row per day, part and KPI."""
    return counted.select(
        "day", "dimension", F.explode(F.array(*[_row(name, kpi) for name, kpi in batch.items()])).alias("kpi")
    ).select("day", "dimension", "kpi.*")


def _row(name: str, kpi: Kpi) -> Column:
    numerator = F.col(f"{name}__of")
    denominator = F.col(f"{name}__out_of") if kpi.denominator else F.lit(None).cast("double")
    ratio = F.round(numerator / F.nullif(denominator, F.lit(0.0)), 6)
    return F.struct(
        F.lit(kpi.stage).alias("stage"),
        F.lit(name).alias("kpi"),
        F.lit(kpi.unit).alias("unit"),
        (ratio if kpi.denominator else numerator).alias("value"),
        numerator.alias("numerator"),
        denominator.alias("denominator"),
    )
