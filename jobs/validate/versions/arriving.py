"""The version of its record that each row of a batch is: by the date its source tells, or by its arrival."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.sources.source import SourceDataset
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset
from jobs.validate.versions.undated import alone, among
from jobs.validate.versions.whole_deliveries import as_deliveries, joining


def as_versions(
    lake: Lake,
    table: str,
    source: str,
    dataset: SourceDataset,
    good: DataFrame,
    zone: str,
    paths: Mapping[str, str],
    replayed: bool = False,
) -> DataFrame:
    """The rows of a batch; changes without a date have the beginning of their arrival day in `zone` as their moment.

    `paths` names the files: of one day, they count in that order. Records that come once cost no more than being
    counted. Rows that are `replayed` are not all that a delivery has. Pairs of a name and a value have their
    own times.
    """
    contract = catalogue.get(table)
    new = good.select(*contract.column_names)
    told, whole = contract.version_at in dataset.columns, dataset.all_rows_of
    if not contract.versions or dataset.pairs or (dataset.changes_without_date == "ignore" and not whole):
        return new
    known = _known(lake, source, new, contract, [whole] if whole else list(contract.record))
    if known is None:
        return new
    if whole and replayed and not told and not dataset.each:  # a line with all its rows is tried again whole
        return joining(new, known, contract, whole, zone)
    if whole:
        return as_deliveries(new, known, contract, whole, zone, told)
    record = list(contract.record)
    both = new.select(*record, F.lit(1).alias("new")).unionByName(known.select(*record, F.lit(0).alias("new")))
    counted = both.groupBy(*record).agg(F.sum("new").alias("new"), F.count("*").alias("rows"))
    several = counted.where("new > 0 and rows > 1").select(*record)
    if several.isEmpty():
        return alone(new, contract, zone, told)
    names = get_spark().createDataFrame([*paths.items()] or [("", "")], "file_id string, path string")
    some = new.join(several, on=record, how="left_semi").join(F.broadcast(names), on="file_id", how="left")
    before = known.join(several, on=record, how="left_semi").select(*contract.column_names)
    every = some.withColumn("new", F.lit(True)).unionByName(
        before.withColumns({"new": F.lit(False), "path": F.lit("")})
    )
    once = alone(new.join(several, on=record, how="left_anti"), contract, zone, told)
    return once.unionByName(among(every, contract, zone, told).select(*once.columns))


def _known(lake: Lake, source: str, new: DataFrame, contract: Dataset, near: list[str]) -> DataFrame | None:
    """Rows of the table with values of the columns `near` as the new ones may have; None if there are no new ones.

    Without what a try left that was killed.
    """
    bounds = [one(name).alias(f"{one.__name__}_{name}") for name in near for one in (F.min, F.max)]
    (ends,) = new.agg(*bounds).collect()
    low, high = ({name: ends[f"{end}_{name}"] for name in near} for end in ("min", "max"))
    if None in low.values():
        return None
    known = lake.read_between(contract.name, low, high).where(F.col("source") == source)
    return known.join(new.select("file_id", "line"), on=["file_id", "line"], how="left_anti")
