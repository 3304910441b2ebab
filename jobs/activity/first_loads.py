"""When the rows of a first load count as known: at their own time, as if they had come day by day.

A company begins with its history in one load. What it did then was known to it when it happened, only not here yet; to
learn from it, its rows are known as of their own time. What arrives later is known as of its arrival: it was late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of
from jobs.config.settings import Settings
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset

Arrivals = Mapping[str, tuple[date, date]]
ALWAYS = date(1900, 1, 1)
"""From when on rows of a first load are known that tell of no time, such as a list of products."""
CREATED = {"valid/contacts": "created_at"}
"""Of tables whose rows are no happenings, when a record began."""


def known_by_their_own_time(
    rows: DataFrame, name: str, arrived: Arrivals, days: Sequence[date], settings: Settings
) -> DataFrame:
    """Rows of a table of valid/ whose `arrived` is the day they count as known, for what was known on `days`.

    Of records in versions the first is known when the record happened, the others when they were written.
    """
    first = _first_loads(arrived, name, days, settings)
    if not first:
        return rows
    contract, zone = catalogue.get(name), settings.general.timezone
    own = F.coalesce(day_of(_own_time(contract), zone), F.lit(ALWAYS))
    begun = Window.partitionBy("source", *contract.record)
    of_first = F.coalesce(*(_of_source(source, until) for source, until in first.items()))
    if not contract.versions:
        return rows.withColumn("arrived", F.when(of_first, F.least("arrived", own)).otherwise(F.col("arrived")))
    at = contract.version_at
    written = F.coalesce(day_of(F.col(at), zone), F.col("arrived"))
    known = F.when(F.col("first_version"), F.least(own, written)).otherwise(written)
    return (
        rows.withColumn("first_version", F.coalesce(F.col(at) == F.min(at).over(begun), F.lit(True)))
        .withColumn("arrived", F.when(of_first, F.least("arrived", known)).otherwise(F.col("arrived")))
        .drop("first_version")
    )


def _of_source(source: str, until: date | None) -> Column:
    """Whether a row is of that source and of its first load; None: all its rows count as such."""
    mine = F.col("source") == source
    return F.when(mine, F.lit(True) if until is None else F.col("arrived") <= F.lit(until))


def _own_time(contract: Dataset) -> Column:
    """When what a row tells of happened; of rows of no time, nothing."""
    if contract.moment:
        return F.col(contract.moment)
    if contract.name in CREATED:
        return F.coalesce(F.col(CREATED[contract.name]), F.col(contract.version_at))
    return F.lit(None).cast("timestamp")


def arrivals(rows: DataFrame) -> Arrivals:
    """The first and the last day on which rows of each source arrived."""
    days = rows.groupBy("source").agg(F.min("arrived").alias("first"), F.max("arrived").alias("last")).collect()
    return {row["source"]: (row["first"], row["last"]) for row in days if row["first"]}


def _first_loads(arrived: Arrivals, name: str, days: Sequence[date], settings: Settings) -> Mapping[str, date | None]:
    """Of each source with rows that arrived after one of the days: the day of its first load, or None for every day.

    On days after everything arrived there is no such source, and nothing to do.
    """
    found: dict[str, date | None] = {}
    for source, (first, last) in arrived.items():
        said = _said(source, name, settings)
        if said == "event_time" and last > min(days):
            found[source] = None
        elif said is None and first > min(days):
            found[source] = first
    return found


def _said(source: str, name: str, settings: Settings) -> str | None:
    """What the file of the source says of its dataset."""
    configured = settings.sources.get(source)
    dataset = configured.datasets.get(name.removeprefix("valid/")) if configured else None
    return dataset.known if dataset else None
