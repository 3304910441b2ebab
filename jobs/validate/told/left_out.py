"""Rows that a dataset does not take (`where` of config/sources/): how many, and which of them no dataset takes."""

from __future__ import annotations

import logging
import operator
from collections.abc import Mapping
from functools import reduce

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.config.sources.source import SourceDataset
from jobs.ingest.landing.patterns import takes
from jobs.ingest.lookups import asked_by_where
from jobs.lake.engine import lost
from jobs.validate.batch import Batch
from jobs.validate.contract import KEY, Contract
from jobs.validate.mapping.columns import WAITS, taken
from jobs.validate.mapping.columns import Mapping as Mapped
from jobs.validate.mapping.parsed import ROW
from jobs.validate.rules.broken import Tally
from jobs.validate.told.lines import Lines

log = logging.getLogger(__name__)


def left_out_rows(raw: DataFrame, tallies: Mapping[str, Tally | Lines]) -> dict[str, int]:
    """Rows of each file that the dataset does not take: those of the raw table without those that were judged."""
    counted = raw.groupBy("file_id").agg(F.count("*").alias("rows")).collect()
    return {row["file_id"]: row["rows"] - _rows(tallies, row["file_id"]) for row in counted}


def tell_untaken(raw: DataFrame, batch: Batch, settings: Settings) -> None:
    """Log of each file how many of its rows no dataset takes; the last of those that read the file says it."""
    conditions = _conditions(batch, settings)
    for paths, datasets in conditions.items():
        plain = [dataset.where and not dataset.each and not asked_by_where(dataset) for _, dataset in datasets]
        whole = not all(plain)
        other_lines = any(dataset.format != datasets[-1][1].format for _, dataset in datasets)
        if whole or other_lines or datasets[-1][0] != (batch.source, batch.dataset):
            continue
        rows = raw.where(F.col("path").isin(list(paths)))
        mapped = [_taken(rows, dataset) for _, dataset in datasets]
        known = reduce(DataFrame.unionByName, mapped).distinct()
        try:
            rest = rows.join(known, on=["file_id", "line"], how="left_anti").groupBy("path").count().collect()
        except PySparkException as error:
            if lost(error):
                raise
            continue  # a condition of another dataset stops at a row, which that dataset will tell
        for row in sorted(rest, key=operator.itemgetter("path")):
            names = ", ".join(".".join(name) for name, _ in datasets)
            log.warning("%s: no dataset takes %d of its rows; see `where` of %s", row["path"], row["count"], names)


def tell_awaited(raw: DataFrame, contract: Contract) -> None:
    """Log how many rows are left out because what their condition asks of a lookup has not arrived.

    They are taken or not when it does (jobs/validate/versions/completion.py).
    """
    dataset = contract.mapping.dataset
    for name in asked_by_where(dataset):
        joined = contract.lookups.joined(raw).where(F.col(f"{WAITS}{name}"))
        rest = joined.join(taken(joined, contract.mapping, []).select(f"{ROW}.*").select(*KEY), on=KEY, how="left_anti")
        if rows := rest.count():
            what = (contract.mapping.place.removesuffix(".columns"), rows, name)
            log.warning("%s.where: %d rows are left out until their partner in %s arrives", *what)


def _rows(tallies: Mapping[str, Tally | Lines], file_id: str) -> int:
    return tallies[file_id].rows if file_id in tallies else 0


def _conditions(batch: Batch, settings: Settings) -> dict[tuple[str, ...], list[tuple[tuple[str, str], SourceDataset]]]:
    """The files of the batch, grouped by the datasets that read them, each by its source and name."""
    here = settings.sources[batch.source]
    folder = here.folder or here.source
    readers = [
        ((source.source, name), dataset)
        for source in settings.sources.values()
        if (source.folder or source.source) == folder
        for name, dataset in source.datasets.items()
    ]
    found: dict[tuple[str, ...], list[tuple[tuple[str, str], SourceDataset]]] = {}
    for file in batch.loaded:
        mine = [reader for reader in readers if takes(reader[1].files, folder, file["path"])]
        known = next((paths for paths, some in found.items() if [n for n, _ in some] == [n for n, _ in mine]), ())
        found.pop(known, None)
        found[(*known, file["path"])] = mine
    return found


def _taken(rows: DataFrame, dataset: SourceDataset) -> DataFrame:
    """File and line of the rows that a dataset takes."""
    return taken(rows, Mapped("", dataset, "UTC"), []).select(f"{ROW}.file_id", f"{ROW}.line").distinct()
