"""Rows of which a partner in a lookup arrived after them: mapped again, in the place of what they were.

A row keeps its file, line and arrival day, so that days one by one and all at once give the same tables. Rows that wait
in quarantine are tried again by the caller.
"""

from __future__ import annotations

import logging
import operator
from datetime import date
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.ingest.lookups import asked_by_where, lookup_name
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset
from jobs.validate.contract import KEY, Contract
from jobs.validate.mapping.failing_rows import flagged_rows
from jobs.validate.mapping.lookups import FRESH
from jobs.validate.rules.broken import BROKEN
from jobs.validate.versions.partial import fill
from jobs.validate.versions.taken_later import land, moved_by

log = logging.getLogger(__name__)


def complete(lake: Lake, source: str, day: date, settings: Settings) -> dict[str, pa.Table]:
    """Complete the rows of all datasets of a source for which partners arrived up to `day` that were not counted yet.

    Returns the rows of each dataset (file_id, line, arrived) that got a partner, whatever became of them.
    """
    datasets = {name: one for name, one in settings.sources[source].datasets.items() if one.lookups}
    if not datasets or not lake.exists("ops/counts"):
        return {}
    files = lake.arrow("ops/files", columns=["file_id", "source", "dataset", "arrived", "state", "path"])
    files = files.filter(pc.and_(pc.equal(files["source"], source), pc.equal(files["state"], "loaded")))
    files = files.filter(pc.less_equal(files["arrived"], pa.scalar(day)))
    counted = pc.is_in(files["file_id"], value_set=lake.arrow("ops/counts", columns=["file_id"])["file_id"])
    old, new = files.filter(counted), files.filter(pc.invert(counted))
    found = {}
    for name, dataset in datasets.items():
        lookups = pa.array([lookup_name(name, lookup) for lookup in dataset.lookups])
        fresh = new.filter(pc.is_in(new["dataset"], value_set=lookups))["file_id"].to_pylist()
        mine = old.filter(pc.equal(old["dataset"], name))
        if fresh and mine.num_rows:
            found[name] = _complete(lake, source, name, day, settings, mine, sorted(fresh))
    return found


def _complete(
    lake: Lake, source: str, name: str, day: date, settings: Settings, files: pa.Table, fresh: list[str]
) -> pa.Table:
    """Complete the rows of `files` that have a partner in the files `fresh` of lookups."""
    contract = Contract.of(source, name, settings)
    table, valid = f"raw/{source}_{name}", f"valid/{name}"
    config = settings.sources[source].datasets[name]
    txn = lake.transaction(f"complete_{source}_{name}", day, reads=[table], config=[fresh, config], code=__name__)
    known = get_spark().createDataFrame(files.select(["file_id", "arrived"]))
    raw = txn.read(table).join(F.broadcast(known), on=["file_id", "arrived"], how="left_semi")
    told = contract.lookups.asking_about(fresh).joined(raw)
    got = reduce(operator.or_, (F.col(f"{FRESH}{lookup}") for lookup in config.lookups))
    touched = told.where(got).select(*KEY, "arrived").toArrow()
    moved = moved_by(contract, raw, touched, fresh) if touched.num_rows and asked_by_where(config) else None
    if not touched.num_rows or not (moved or lake.exists(valid)):
        return touched
    rows = get_spark().createDataFrame(touched)
    whole = raw.join(rows.select("file_id").distinct(), on="file_id", how="left_semi")  # for windows over a delivery
    paths = dict(zip(files["file_id"].to_pylist(), files["path"].to_pylist(), strict=True))
    only = rows.select(*KEY)
    with flagged_rows(lake, contract, whole, paths, lambda all_: all_.join(only, on=KEY, how="left_semi")) as flagged:
        if moved:
            land(lake, contract, source, raw, flagged, paths, moved, txn)
        good = flagged.where(f"{BROKEN} is null").select(*catalogue.get(valid).column_names)
        days = pc.unique(touched["arrived"]).to_pylist()
        before = lake.read(valid).where((F.col("source") == source) & F.col("arrived").isin(days))
        own = ("source", *catalogue.get(valid).record) if config.each else catalogue.get(valid).key
        row = list(dict.fromkeys([*KEY, *own])) if contract.mapping.inner else KEY
        gone, instead = _changed(before.join(only.distinct(), on=KEY, how="left_semi"), good, row, catalogue.get(valid))
        commit = lake.revise(valid, gone, instead, txn)
        if contract.mapping.presence:
            fill(lake, valid, source, good, txn.part("fill"))
    log.info("%s.%s: %d rows were completed by partners that arrived later", source, name, commit.rows)
    return touched


def _changed(before: DataFrame, now: DataFrame, row: list[str], contract: Dataset) -> tuple[DataFrame, DataFrame]:
    """Of rows that are in the valid table those that are other rows now: as they were, and as they are.

    The columns `row` say which row is which. A version that got its date by its arrival keeps it.
    """
    values = [name for name in before.columns if name not in row]
    renamed = now.select(*row, *(F.col(name).alias(f"now_{name}") for name in values))
    both = before.join(renamed, on=row, how="inner")
    if contract.versions:
        dates = [name for name in (contract.version_at, "delivery", "undated") if name not in row]
        kept = {f"now_{name}": F.when(F.col("undated"), F.col(name)).otherwise(F.col(f"now_{name}")) for name in dates}
        both = both.withColumns(kept)
    differs = reduce(operator.or_, (~F.col(name).eqNullSafe(F.col(f"now_{name}")) for name in values))
    changed = both.where(differs)
    return changed.select(*before.columns), changed.select(
        *(F.col(name if name in row else f"now_{name}").alias(name) for name in before.columns)
    )
