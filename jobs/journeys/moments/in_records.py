"""Micro-moments beside visits: talks, contracts that end, the status of an order, whatever rows of a dataset show.

They are made of all that is known of the records, so they depend on the day alone, not on the runs before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of, holds
from jobs.config.journey.journey import Journey
from jobs.config.journey.moments import RECURRENCES, MomentType, Record, table_of
from jobs.config.sql.guard import engine_sql
from jobs.lake.scratch import Keep
from jobs.lake.tables import catalogue
from jobs.validate.versions.counting import in_order_of_versions

TABLE = "journeys/moments"
TIMES = ("about", "item", "next_on")
"""What names one time at which a customer is expected to come back for something."""
_STAYS = {"ended": F.lit(None).cast("timestamp"), "is_newest": F.lit(1)}
"""What happened goes on to have happened."""
Found = Iterator[tuple[str, MomentType, str, Record]]


def declared(journey: Journey) -> Found:
    """Type, its rules, name and rules of each kind of evidence beside visits."""
    for type_, kind in journey.moments.items():
        for name, record in kind.records.items():
            yield type_, kind, name, record


def datasets(journey: Journey) -> list[str]:
    """Tables whose rows are evidence beside visits, each once."""
    return sorted({table_of(record.over) for _, _, _, record in declared(journey)})


def record_moments(
    known: Callable[[str], DataFrame | None],
    touchpoints: DataFrame,
    journey: Journey,
    as_of: date,
    timezone: str,
    keep: Keep = lambda rows: rows,
) -> DataFrame | None:
    """Rows of journeys/moments of everything declared; None if nothing is, or no source delivers it.

    `known` gives all rows of a table that are known on the day, with their customer, or None without any table. What
    begins on a later day is left out, and so is what ended before it began. `keep` computes rows once that are used
    more than once.
    """
    there = {name: keep(rows) for name in datasets(journey) if (rows := known(name)) is not None}
    parts = [
        _begun(there[table_of(record.over)], type_, kind, name, record)
        for type_, kind, name, record in declared(journey)
        if table_of(record.over) in there
    ]
    if not parts:
        return None
    begun = reduce(DataFrame.unionByName, parts)
    today = begun.where(day_of("started_at", timezone) <= F.lit(as_of)).where(F.col("expires_at") > F.col("started_at"))
    return (
        _answered(keep(today), touchpoints, journey)
        .withColumn("day", day_of("started_at", timezone))
        .select(*_columns())
    )


def _columns() -> list[Column]:
    return [F.col(column.name).cast(column.type) for column in catalogue.get(TABLE).columns]


def _begun(rows: DataFrame, type_: str, kind: MomentType, name: str, record: Record) -> DataFrame:
    """One row per moment: who, when it began, when it is over, and whether a later version ended it (`ended_at`)."""
    table = table_of(record.over)
    contract = catalogue.get(table)
    written = F.coalesce("updated_at", F.col("arrived").cast("timestamp")) if contract.versions else F.lit(None)
    begins = F.expr(engine_sql(record.begins_at)).cast("timestamp") if record.begins_at else None
    own = written if contract.versions else F.col(contract.moment or "next_from").cast("timestamp")
    names = TIMES if table == RECURRENCES else contract.record
    known_as = F.concat_ws(":", *[F.col(column).cast("string") for column in names])
    each = F.expr(engine_sql(record.each)).cast("string") if record.each else known_as
    stays = ~F.coalesce("deleted", F.lit(False)) if contract.versions else F.lit(True)
    told = rows.withColumns(
        {
            "record": known_as,
            "each": F.when(holds(record.when) & stays, each),
            "written": written.cast("timestamp"),
            "begins": begins if begins is not None else own,
            "expires": F.expr(engine_sql(record.expires_at)).cast("timestamp") if record.expires_at else F.lit(None),
        }
    )
    version = Window.partitionBy("source", "record").orderBy(*_order(contract.versions))
    ended = F.when(~F.lead("each").over(version).eqNullSafe(F.col("each")), F.lead("written").over(version))
    newest = F.lead("record").over(version).isNull()
    told = told.withColumns({"ended": ended, "is_newest": newest.cast("int")} if contract.versions else _STAYS)
    first = Window.partitionBy("source", "each").orderBy("begins", *_order(contract.versions))
    last = Window.partitionBy("source", "each")
    shown = told.where(F.col("each").isNotNull() & F.col("customer_id").isNotNull() & F.col("begins").isNotNull())
    over = F.when(F.max("is_newest").over(last) == 0, F.max("ended").over(last))
    shown = shown.withColumns({"nth": F.row_number().over(first), "over_at": over}).where("nth = 1")
    minutes = F.timestamp_micros(F.unix_micros("begins") + kind.expires_after_minutes * 60_000_000)
    named = F.concat_ws("\x1f", F.lit(type_), F.lit(name), "source", "each")
    return shown.select(
        F.concat(F.lit("m"), F.substring(F.sha2(named.cast("binary"), 256), 1, 20)).alias("moment_id"),
        "customer_id",
        F.lit(type_).alias("type"),
        F.lit(name).alias("name"),
        F.col("begins").alias("started_at"),
        F.least(F.coalesce("expires", minutes), F.coalesce("over_at", F.col("expires"), minutes)).alias("expires_at"),
        F.when(F.lit(record.served_by_change), F.col("over_at")).alias("changed_at"),
        F.array(F.concat(F.lit(f"{name}: {record.over} "), "record")).alias("evidence"),
    )


def _order(versions: bool) -> list[Column]:
    columns = in_order_of_versions() if versions else [F.col(name) for name in ("arrived", "file_id", "line")]
    return [*columns, F.col("record")]


def _answered(begun: DataFrame, touchpoints: DataFrame, journey: Journey) -> DataFrame:
    """Moments with what served them: the first touchpoint of the customer that does, or the change that ended it."""
    serving = {(type_, name): record.served_when for type_, _, name, record in declared(journey) if record.served_when}
    serves = F.lit(False)
    for (type_, name), condition in serving.items():
        serves = serves | ((F.col("moment_type") == type_) & (F.col("name") == name) & holds(condition))
    who = begun.select(
        F.col("customer_id").alias("of"), "moment_id", F.col("type").alias("moment_type"), "name", "started_at",
        "expires_at",
    )  # fmt: skip
    inside = (F.col("customer_id") == F.col("of")) & (F.col("occurred_at") > F.col("started_at"))
    inside = inside & (F.col("occurred_at") <= F.col("expires_at"))
    by_time = Window.partitionBy("moment_id").orderBy("occurred_at", "touchpoint_id")
    after = touchpoints.join(F.broadcast(who), inside, "inner")
    after = after.withColumns({"steps": F.row_number().over(by_time), "serves": serves}).where("serves")
    first = after.withColumn("nth", F.row_number().over(by_time)).where("nth = 1")
    answers = first.select(
        "moment_id", F.col("occurred_at").alias("at"), F.col("touchpoint_id").alias("by"), "steps", "valence"
    )
    found = begun.join(answers, "moment_id", "left")
    changed = F.when(F.col("changed_at") <= F.col("expires_at"), F.col("changed_at"))
    at = F.coalesce("at", changed)
    return found.withColumns(
        {
            "served_at": at,
            "served": at.isNotNull(),
            "served_by": F.col("by"),
            "seconds": F.unix_timestamp(at) - F.unix_timestamp("started_at"),
            "confidence": F.lit(1.0),
            "session_id": F.lit(None).cast("string"),
            "device": F.lit(None).cast("string"),
            "place": F.lit(None).cast("string"),
        }
    )
