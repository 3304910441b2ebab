"""Who the customer of a row was the evening before: the stage, the segment, whether in an audience.

The evening before, since what happens on a day can move a customer: who is loyal by an order was not when ordering.
Segments and audiences are those that were told then, under the id the customer had; nobody's are told later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.journey.journey import Journey
from jobs.config.journey.kpi_groups import IN, OUT, Group, group_of
from jobs.lake.lake import Lake, Txn

NO_GROUP = "unknown"
"""The part of rows of nobody known, and of customers of whom nothing was told then."""


def asked(journey: Journey) -> list[str]:
    """Tables that tell who was in the groups KPIs are divided by, but those of the journeys themselves."""
    found = [group_of(dimension) for kpi in journey.kpis.values() for dimension in kpi.dimensions]
    return sorted({group.table for group in found if group and group.kind != "customer"})


def told_before(lake: Lake, txn: Txn, journey: Journey, as_of: date) -> dict[str, DataFrame]:
    """Those tables, by name, as told on days before: models and audiences of a day come after its journeys."""
    return {
        name: lake.empty(name) if txn.pins[name] is None else txn.read(name).where(F.col("day") < F.lit(as_of))
        for name in asked(journey)
    }


def days_told_anew(lake: Lake, then: int | None, now: int | None, name: str, until: date) -> set[date]:
    """Days up to `until` on which rows count otherwise, since something else was told on days before them."""
    if now is None or then == now:
        return set()
    days = set()
    for file in [one for files in lake.differing_files(name, then, now) for one in files]:
        first, last = file.low["day"], file.high["day"]
        days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    if not days:
        return set()
    first = min(days) + timedelta(days=1)  # until a later evening says another thing, what was told holds
    return {first + timedelta(days=n) for n in range((until - first).days + 1)}


def with_group(rows: DataFrame, group: Group, tables: Mapping[str, DataFrame]) -> DataFrame:
    """Rows with `part`: which of the group their customer was in the evening before their day."""
    told = _stays(rows, group, tables["stages"]) if group.kind == "customer" else _told(rows, group, tables)
    return told.withColumn("part", F.coalesce("part", F.lit(NO_GROUP)))


def _stays(rows: DataFrame, group: Group, stages: DataFrame) -> DataFrame:
    spans = stages.select(
        F.col("customer_id").alias("_of"), F.col(group.name).alias("part"), "valid_from", F.col("valid_to").alias("_to")
    )
    open_end = F.coalesce(F.date_add("_to", 1), F.to_date(F.lit("9999-12-31")))
    held = (F.col("customer_id") == F.col("_of")) & (F.col("day") > F.col("valid_from")) & (F.col("day") <= open_end)
    return rows.join(spans, held, "left").drop("_of", "valid_from", "_to")


def _told(rows: DataFrame, group: Group, tables: Mapping[str, DataFrame]) -> DataFrame:
    """By what was told on the newest day before."""
    every = tables[group.table]
    if group.kind == "segment":
        every = every.where(F.col("model") == group.name)
    own = every.where(F.col("audience") == group.name) if group.kind == "audience" else every
    label = F.lit(IN) if group.kind == "audience" else F.min("label")
    parts = own.groupBy("day", "customer_id").agg(label.alias("part"))
    evenings = every.select(F.col("day").alias("_told")).distinct()
    days = rows.select("day").distinct().join(evenings, F.col("_told") < F.col("day"), "inner")
    newest = days.groupBy("day").agg(F.max("_told").alias("_told"))
    found = rows.join(F.broadcast(newest), "day", "left")
    found = found.join(parts.withColumnRenamed("day", "_told"), ["_told", "customer_id"], "left")
    if group.kind == "audience":
        outside = F.when(F.col("customer_id").isNotNull() & F.col("_told").isNotNull(), F.lit(OUT))
        found = found.withColumn("part", F.coalesce("part", outside))
    return found.drop("_told")


def group_query(group: Group, table: str) -> str:
    """The same as SQL to read from: the rows of a table with `part`."""
    if group.kind == "customer":
        held = "t.day > g.valid_from and (g.valid_to is null or t.day - interval 1 day <= g.valid_to)"
        joined = f"left join journeys.stages g on g.customer_id = t.customer_id and {held}"
        return f"(\n  select t.*, coalesce(g.{group.name}, '{NO_GROUP}') as part from {table} t {joined})"
    told, segment = group.table.replace("/", "."), group.kind == "segment"
    mine = f"model = '{group.name}'" if segment else "true"
    own = mine if segment else f"audience = '{group.name}'"
    part = "min(label)" if segment else f"'{IN}'"
    outside = "" if segment else f"case when t.customer_id is not null and n.told is not null then '{OUT}' end, "
    return (
        f"(\n  select t.*, coalesce(g.part, {outside}'{NO_GROUP}') as part from {table} t\n"
        f"  left join (select d.day, max(e.day) as told from (select distinct day from {table}) d\n"
        f"    join (select distinct day from {told} where {mine}) e on e.day < d.day\n"
        f"    group by d.day) n on n.day = t.day\n"
        f"  left join (select day, customer_id, {part} as part from {told} where {own} group by day, customer_id) g\n"
        f"    on g.day = n.told and g.customer_id = t.customer_id)"
    )


def days_of_other_stays(differing: DataFrame, as_of: date) -> set[date]:
    """Days on which rows count for another stage: those after an evening on which somebody was in another one.

    `differing` are rows of journeys/stages, as they were and as they are. A stay that only ended on another day gives
    these days to one that begins on another.
    """
    point = ("customer_id", "valid_from", "stage", "state")
    last = F.max(F.coalesce("valid_to", F.lit(as_of)))
    moved = differing.groupBy(*point).agg(F.count("*").alias("sides"), last.alias("last")).where("sides = 1")
    found: set[date] = set()
    for first, end in moved.select("valid_from", "last").distinct().collect():
        found |= {first + timedelta(days=n + 1) for n in range((min(end, as_of) - first).days + 1)}
    return {day for day in found if day <= as_of}
