"""Files that land after those of later days, among changes that have no date of their own.

What a source writes without a date counts from its arrival, and a row that says what its record said last is a
repetition, which is not kept. A file of an earlier day may make a version of what was a repetition: A on Monday, A on
Wednesday, and then Tuesday's file with B. So the records of a late file are told again, from all that arrived of them,
and the table is as if every file had landed on its day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.sources.source import SourceDataset
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset
from jobs.validate import reconciliation
from jobs.validate.batch import Batch
from jobs.validate.contract import KEY, Contract
from jobs.validate.mapping.failing_rows import flagged_rows
from jobs.validate.rules.broken import BROKEN
from jobs.validate.versions.partial import fill
from jobs.validate.versions.undated import among
from jobs.validate.versions.whole_deliveries import as_deliveries


def tell_again(lake: Lake, batch: Batch, contract: Contract, good: DataFrame, txn: Txn) -> bool:
    """Put the records of late files of the batch in the order of the days; returns whether there were any.

    `good` are the rows of the batch that were published. `txn` reads its raw table.
    """
    dataset, table = contract.mapping.dataset, catalogue.get(batch.valid)
    if not _told_by_arrival(dataset, table):
        return False
    later = _later_files(lake, batch)
    if not later.num_rows:
        return False
    days: list[date] = pc.unique(later["arrived"]).to_pylist()
    together = list(table.together) if dataset.all_rows_of else list(table.record)
    records = good.where(F.col("arrived") < F.lit(max(days))).select(*together).distinct()
    of_source = lake.read(batch.valid).where(F.col("source") == batch.source)
    before = of_source.join(records, on=together, how="left_semi").select(*table.column_names)
    named = get_spark().createDataFrame(later.select(["file_id", "arrived"]))
    raw = txn.read(batch.raw).join(F.broadcast(named), on=["file_id", "arrived"], how="left_semi")
    paths = dict(zip(later["file_id"].to_pylist(), later["path"].to_pylist(), strict=True))
    aside = lake.read("quarantine/rows").where((F.col("source") == batch.source) & (F.col("dataset") == batch.dataset))

    def again(rows: DataFrame) -> DataFrame:
        """Of the rows of later files those of the records, also what was said before, and so is in no table.

        With the dates that they have of their own: a version as of its arrival has lost its.
        """
        of_records = rows.where(f"{BROKEN} is null").join(records, on=together, how="left_semi")
        return of_records.join(aside.select(*KEY).distinct(), on=KEY, how="left_anti")

    with flagged_rows(lake, contract, raw, paths, again) as found, lake.scratch(batch.valid) as keep:
        mapped = found.select(*table.column_names).unionByName(
            good.join(records, on=together, how="left_semi").select(*table.column_names)
        )
        every = before.join(mapped.select(*KEY).distinct(), on=KEY, how="left_anti").unionByName(mapped)
        names = _paths(lake, batch)
        after = keep(_in_order(every, table, dataset, contract.mapping.zone, names))
        row = [*dict.fromkeys([*table.key, *KEY])]
        gone = before.join(after.select(*row), on=row, how="left_anti")
        instead = after.join(before.select(*row), on=row, how="left_anti")
        lake.revise(batch.valid, gone, instead, txn.part("late"))
        if contract.mapping.presence:
            fill(lake, batch.valid, batch.source, after, txn.part("late_fill"))
    _count_again(lake, later["file_id"].to_pylist(), txn)
    return True


def _told_by_arrival(dataset: SourceDataset, table: Dataset) -> bool:
    """Whether what a row is depends on what arrived before it."""
    if not table.versions or dataset.pairs:
        return False
    if dataset.all_rows_of:
        return table.version_at not in dataset.columns
    return dataset.changes_without_date == "arrival"


def _later_files(lake: Lake, batch: Batch) -> pa.Table:
    """The files of the dataset that were published before the batch, and landed on days after one of its days."""
    files = lake.arrow("ops/files", columns=["file_id", "source", "dataset", "arrived", "state", "path"])
    mine = pc.and_(pc.equal(files["source"], batch.source), pc.equal(files["dataset"], batch.dataset))
    files = files.filter(pc.and_(mine, pc.equal(files["state"], "loaded")))
    files = files.filter(pc.greater(files["arrived"], pa.scalar(min(batch.days))))
    if not files.num_rows:
        return files
    counted = lake.arrow("ops/counts", columns=["file_id"])["file_id"]
    return files.filter(pc.is_in(files["file_id"], value_set=counted))


def _paths(lake: Lake, batch: Batch) -> Mapping[str, str]:
    files = lake.arrow("ops/files", columns=["file_id", "source", "dataset", "path"])
    mine = pc.and_(pc.equal(files["source"], batch.source), pc.equal(files["dataset"], batch.dataset))
    files = files.filter(mine)
    return dict(zip(files["file_id"].to_pylist(), files["path"].to_pylist(), strict=True))


def _in_order(
    every: DataFrame, table: Dataset, dataset: SourceDataset, zone: str, paths: Mapping[str, str]
) -> DataFrame:
    """The rows that are kept if all arrive at once, with the moment and delivery that each has then."""
    told = table.version_at in dataset.columns
    if dataset.all_rows_of:
        versions = as_deliveries(every, every.where("false"), table, dataset.all_rows_of, zone, told)
    else:
        names = get_spark().createDataFrame([*paths.items()], "file_id string, path string")
        placed = every.join(F.broadcast(names), on="file_id", how="left").withColumn("new", F.lit(True))
        versions = among(placed, table, zone, told).select(*table.column_names)
    first = Window.partitionBy(*table.key).orderBy("arrived", "file_id", "line")
    return versions.withColumn("place_", F.row_number().over(first)).where("place_ = 1").drop("place_")


def _count_again(lake: Lake, file_ids: list[str], txn: Txn) -> None:
    """The counts of these files, by the rows of theirs that are in the valid table now."""
    changed = reconciliation.recounted(lake, file_ids)
    if changed.num_rows:
        lake.revise("ops/counts", changed, changed, txn.part("late"))
