"""Changes that a source writes without a date of change, which are versions as of the day they arrived.

An invoice that is paid a week later comes again under its old date; an answer is corrected in an export without a date
of change. A row that has the newest date its record has, or none at all, and other values than the record had last, is
such a change. One that says what the record said last is a duplicate, and so is an old version that comes again.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from jobs.lake.tables.canonical import LINEAGE_COLUMNS, VERSION_COLUMNS
from jobs.lake.tables.contract import Dataset

CONSENTS = "valid/consents"


def alone(new: DataFrame, contract: Dataset, zone: str, told: bool) -> DataFrame:
    """Rows of records that come once; `told`: the source says when versions are written."""
    if told:
        return new
    first = {contract.version_at: _begun(contract, zone), "undated": F.lit(True)}
    return new.withColumns(first).select(*contract.column_names)


def arrival(zone: str) -> Column:
    return F.to_utc_timestamp(F.col("arrived").cast("timestamp"), zone)


def _begun(contract: Dataset, zone: str) -> Column:
    """When the first version of a record was written whose source does not say it: when it happened."""
    arrived = arrival(zone)
    return F.coalesce(F.least(contract.moment, arrived), arrived) if contract.moment else arrived


def among(rows: DataFrame, contract: Dataset, zone: str, told: bool) -> DataFrame:
    """The rows that are `new`, among all rows of their records."""
    at, record = contract.version_at, ["source", *contract.record]
    known = F.when(~F.col("new"), F.col(at))
    placed = rows.withColumn("known_at_", known)
    order = [F.col(name) for name in ("arrived", "new", "known_at_", "path", "file_id", "line")]
    of_record = Window.partitionBy(*record).orderBy(*order)
    before = of_record.rowsBetween(Window.unboundedPreceding, -1)
    dated = F.when(~F.coalesce("undated", F.lit(False)), F.col(at)) if told else F.lit(None).cast("timestamp")
    so_far = of_record.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    placed = placed.withColumn("own_", dated).withColumn("own_", F.coalesce("own_", F.max("own_").over(so_far)))
    of_file = Window.partitionBy(*record, "own_", "file_id").orderBy("new", "line")
    placed = placed.withColumns(
        {
            "first_of_file_": F.row_number().over(of_file) == 1,
            "old_": F.coalesce(F.max("own_").over(before) > F.col("own_"), F.lit(False)),
            "values_": said(rows, contract),
        }
    )
    refused = _refused(contract, Window.partitionBy(*record, "own_").orderBy(*order))
    placed = placed.withColumn("counts_", F.col("first_of_file_") & ~F.col("old_") & ~refused)
    chain = Window.partitionBy(*record, "own_", "counts_").orderBy(*order)
    chain_so_far = chain.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    changed = F.col("counts_") & ~F.col("values_").eqNullSafe(F.lag("values_").over(chain))
    of_day = Window.partitionBy(*record, "own_", "counts_", "arrived").orderBy(*order)
    of_day = of_day.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    placed = placed.withColumn("changed_", F.coalesce(changed, F.lit(False)).cast("bigint")).withColumns(
        {
            "number_": F.sum("changed_").over(chain_so_far),
            "of_day_": F.sum("changed_").over(of_day),
            "begun_": F.first(F.coalesce("known_at_", "own_", _begun(contract, zone))).over(chain_so_far),
        }
    )
    return _dated(placed, contract, zone, record, order)


def _dated(placed: DataFrame, contract: Dataset, zone: str, record: list[str], order: list[Column]) -> DataFrame:
    """The new rows with the moment of the version that each of them is, or repeats."""
    at = contract.version_at
    later = F.timestamp_micros(F.unix_micros("begun_") + (F.col("number_") - 1) * 1_000_000)
    on_arrival = F.timestamp_micros(F.unix_micros(arrival(zone)) + (F.col("of_day_") - 1) * 1_000_000)
    moment = F.when(F.col("number_") == 1, F.col("begun_")).otherwise(
        F.greatest(later, F.when(_as_of_arrival(contract), on_arrival))
    )
    same = Window.partitionBy(*record, "own_", "counts_", "number_").orderBy(*order)
    same = same.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    told = F.when(F.col("counts_"), F.first(F.coalesce("known_at_", moment)).over(same))
    of_file = Window.partitionBy(*record, "own_", "file_id").orderBy("new", "line")
    of_file = of_file.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    standing = F.last("moment_", ignorenulls=True).over(_so_far(record, order))
    found = placed.withColumn("moment_", told)
    found = found.withColumn("moment_", F.coalesce("moment_", F.when(~F.col("old_"), standing)))
    found = found.withColumn("moment_", F.first("moment_").over(of_file))
    undated = F.col("own_").isNull() | (F.col("moment_") != F.col("own_"))
    dated = found.withColumns(
        {
            at: F.coalesce("moment_", "own_", "begun_"),
            "undated": F.when(F.coalesce(undated, F.lit(False)), F.lit(True)),
        }
    )
    return dated.where("new")


def _so_far(record: list[str], order: list[Column]) -> WindowSpec:
    """What was said of a record under one date, up to a row."""
    return Window.partitionBy(*record, "own_").orderBy(*order).rowsBetween(Window.unboundedPreceding, Window.currentRow)


def said(rows: DataFrame, contract: Dataset) -> Column:
    """What a row says of its record: nothing of columns that it does not carry."""
    apart = {"source", *contract.key, *LINEAGE_COLUMNS, *VERSION_COLUMNS, "new", "path", "came_"}
    lacks = F.concat(F.lit(","), F.coalesce("absent", F.lit("")), F.lit(","))
    names = [name for name in rows.columns if name not in apart]
    values = [F.when(~lacks.contains(f",{name},"), F.col(name)).alias(name) for name in names]
    return F.to_json(F.struct(*values, F.coalesce("deleted", F.lit(False)).alias("deleted")))


def _yes() -> Column:
    """Whether a row of valid/consents plainly is a yes."""
    return (F.lower(F.trim("status")) == "granted") & ~F.coalesce("deleted", F.lit(False))


def _refused(contract: Dataset, in_order: WindowSpec) -> Column:
    """Whether a change is not believed: a yes without a date after a no is told, and the no stays."""
    if contract.name != CONSENTS:
        return F.lit(False)
    no_before = F.max(~F.coalesce(_yes(), F.lit(False))).over(in_order)
    return F.coalesce(_yes() & no_before, F.lit(False))


def _as_of_arrival(contract: Dataset) -> Column:
    """Whether a change counts from its arrival; a yes that says more than before is no new yes of that day."""
    return ~F.coalesce(_yes(), F.lit(False)) if contract.name == CONSENTS else F.lit(True)
