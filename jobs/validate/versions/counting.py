"""Records that come in versions: which of them counts, and on which days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

PERIOD = ("known_from", "known_until")
"""From the first of these days up to, not including, the second a row was what was known."""
NEVER = date(9999, 12, 31)


def newest_versions(versions: DataFrame, *record: str, shared: Column | None = None) -> DataFrame:
    """The newest version of each record of each source; of versions of one moment the one that arrived last.

    `record` are the columns that name one. Of versions with a period, the newest in each period. A record whose newest
    version is deleted has ended. So have those of other sources with the same `shared` id that have not been written
    since.
    """
    of_record = Window.partitionBy("source", *record, *period_of(versions))
    newest_first = of_record.orderBy(*in_order_of_versions(newest=True))
    newest = versions.withColumn("version", F.row_number().over(newest_first)).where("version = 1").drop("version")
    if "deleted" not in versions.columns:
        return newest
    if shared is None:
        return newest.where(_stays())
    of_id = Window.partitionBy(F.coalesce(shared, F.concat_ws(":", "source", *record)), *period_of(versions))
    ended = newest.withColumn("ended_at", F.max(F.when(~_stays(), F.col("updated_at"))).over(of_id))
    stands = F.col("ended_at").isNull() | F.coalesce(F.col("updated_at") > F.col("ended_at"), F.lit(False))
    return ended.where(_stays() & stands).drop("ended_at")


def newest_known_on(rows: DataFrame, days: Sequence[date], *record: str) -> DataFrame:
    """`newest_versions` of what was `known_on` each of `days`, for many records of which few come again.

    Only rows of records that come again are sorted, which takes much longer than all else. Of rows that come as a
    whole, by all columns of `record` but the last, those of the newest delivery; rows from before the source was said
    to deliver wholes are of the delivery of their own moment.
    """
    name = ["source", *record]
    wholes = rows.where("delivery is not null").select(*name[:-1]).distinct()
    if not wholes.isEmpty():
        parts = known_on(rows.join(wholes, on=name[:-1], how="left_semi").select(*rows.columns), days, *name[:-1])
        delivered = F.coalesce("delivery", "updated_at", F.col("arrived").cast("timestamp"))
        last = F.max("delivery").over(Window.partitionBy(*name[:-1], *PERIOD))
        stands = parts.withColumn("stands", F.coalesce(delivered >= last, F.lit(True))).where("stands").drop("stands")
        others = rows.join(wholes, on=name[:-1], how="left_anti").select(*rows.columns)
        apart = newest_known_on(others, days, *record)
        return apart.unionByName(newest_versions(stands, *record).select(*apart.columns))
    several = rows.groupBy(*name).agg(F.count("*").alias("rows")).where("rows > 1").select(*name)
    if several.isEmpty():
        return known_on(rows, days).where(_stays())
    again = rows.join(several, on=name, how="left_semi").select(*rows.columns)
    once = rows.join(several, on=name, how="left_anti").select(*rows.columns)
    newest = newest_versions(known_on(again, days, *name), *record)
    return known_on(once, days).where(_stays()).unionByName(newest)


def in_last_delivery(versions: DataFrame, whole: str) -> DataFrame:
    """The rows of the newest delivery of each whole that is delivered as one, and all rows of others.

    Of versions with a period, those of the newest in each period.
    """
    last = F.max("delivery").over(Window.partitionBy("source", whole, *period_of(versions)))
    delivered = F.coalesce("delivery", "updated_at", F.col("arrived").cast("timestamp"))
    return versions.withColumn("stands", F.coalesce(delivered >= last, F.lit(True))).where("stands").drop("stands")


def _stays() -> Column:
    return ~F.coalesce("deleted", F.lit(False))


def with_first(versions: DataFrame, at: str, *record: str) -> DataFrame:
    """Versions with the earliest moment that any version of the record has: a correction does not move it."""
    return versions.withColumn(at, F.min(at).over(Window.partitionBy("source", *record, *period_of(versions))))


def in_order_of_versions(newest: bool = False) -> list[Column]:
    """The order of versions of one record, oldest or newest first; one without a moment is older than all others."""
    columns = [F.col(name) for name in ("updated_at", "arrived", "file_id", "line")]
    return [column.desc_nulls_last() if newest else column.asc_nulls_first() for column in columns]


def period_of(rows: DataFrame) -> list[str]:
    """The columns of PERIOD, if the rows have them: whoever puts rows of one record together keeps to one period."""
    columns = rows.columns  # the engine is asked each time
    return [name for name in PERIOD if name in columns]


def its_period(rows: DataFrame) -> Column:
    """The same to select beside others: unlike `period_of`, it does not ask the engine which columns the rows have."""
    return rows.colRegex(f"`{'|'.join(PERIOD)}`")


def known_on(rows: DataFrame, days: Sequence[date], *record: str, since: Column | None = None) -> DataFrame:
    """What was known on each of `days`: rows with known_from and known_until, two of these days.

    A row is known from the day it arrived (or `since`). Rows with the same values in the columns `record` tell of one
    thing together: whenever one more of them is known, a new period begins, in which all known so far are repeated.
    So rows of one record and period are all that was known of it then, and nothing that became known later. Rows
    that were not known on any of the days are left out.
    """
    ordered = sorted(days)
    arrived = F.col("arrived") if since is None else since
    found = rows.where(arrived <= F.lit(ordered[-1]))
    if len(ordered) == 1:
        return found.withColumns({"known_from": F.lit(ordered[0]), "known_until": F.lit(NEVER)})
    first = F.coalesce(*(F.when(arrived <= F.lit(day), F.lit(day)) for day in ordered))
    marked = found.withColumn("known_from", first)
    if not record:
        return marked.withColumn("known_until", F.lit(NEVER))
    of_record = Window.partitionBy(*record)
    together = F.min("known_from").over(of_record) == F.max("known_from").over(of_record)
    spans = [
        F.when(F.col("known_from") <= F.lit(begin), _span(F.lit(begin), end))
        for begin, end in pairwise([*ordered, NEVER])
    ]
    several = F.array_compact(F.array(*spans))
    periods = F.when(together, F.array(_span(F.col("known_from"), NEVER))).otherwise(several)
    return (
        marked.withColumn("period", periods)
        .drop("known_from")
        .withColumn("period", F.explode("period"))
        .withColumns({name: F.col(f"period.{name}") for name in PERIOD})
        .drop("period")
    )


def _span(begin: Column, end: date) -> Column:
    return F.struct(begin.alias("known_from"), F.lit(end).alias("known_until"))
