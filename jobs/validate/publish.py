"""Validate: raw rows that keep the rules of their suite become rows of the valid tables, the others are quarantined.

A batch is read once: mapped, typed and held against the row rules of its suite. Each arrival day in it is judged for
itself, by those rules and against the dataset's history: a day that breaks a critical one is set aside, so that a bad
day does the same harm alone and among many. Great Expectations then judges what is to be published as a whole. What
was stopped fails the step at its end, when all else of the source is published.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.config.sources.source import SourceDataset
from jobs.ingest.lookups import lookup_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables.catalogue import table_of
from jobs.validate import anomalies, data_docs, fates
from jobs.validate.arrival_days import Day, by_rule, fewest, judged_days, of_batch, parts, with_unreadable
from jobs.validate.batch import FATES, NOTHING, Batch
from jobs.validate.contract import Contract
from jobs.validate.mapping.failing_rows import flagged_rows
from jobs.validate.mapping.inner_rows import ITEM, of_lines
from jobs.validate.rules.broken import BROKEN, REASON, Tally, tally
from jobs.validate.rules.great_expectations import Judgement, judge
from jobs.validate.rules.verdict import TABLE as VALIDATIONS
from jobs.validate.rules.verdict import Verdict, rows_of
from jobs.validate.told import awaited_partners, decimal_ids, empty_lines, rounded_amounts, undialled_numbers
from jobs.validate.told.key_conflicts import told_otherwise
from jobs.validate.told.left_out import left_out_rows, tell_awaited, tell_untaken
from jobs.validate.told.lines import Lines, accepted_lines, lines_of, told_of_lines
from jobs.validate.versions import late_files
from jobs.validate.versions.arriving import as_versions
from jobs.validate.versions.partial import fill

log = logging.getLogger(__name__)


def run(batches: Iterable[Batch], lake: Lake, settings: Settings) -> dict[str, int]:
    """Publish what keeps its rules of these batches, and what was counted of all. Raises StepFailed if a file's rows do
    not add up; what broke a critical expectation stays in quarantine (`stopped_batches`)."""
    totals, left_out = dict(NOTHING), 0
    for batch in batches:
        counts = _validate(lake, batch, settings) if not lookup_of(batch.dataset) else _count_lookup(lake, batch)
        totals["files"] += len(counts)
        for name in FATES:
            totals[name] += sum(row[name] for row in counts)
        left_out += sum(row["left_out"] for row in counts)
    return totals | ({"left_out": left_out} if left_out else {})


def _validate(lake: Lake, batch: Batch, settings: Settings) -> list[dict[str, Any]]:
    """Publish one batch and return its counts per file."""
    dataset = settings.sources[batch.source].datasets.get(batch.dataset)
    ids = [file["file_id"] for file in batch.files]
    job, code = f"validate_{batch.source}_{batch.dataset}", (__name__, f"expectations.{batch.dataset}")
    txn = lake.transaction(job, batch.day, reads=[batch.raw], config=[ids, dataset], code=code)
    counts = publish_batch(lake, batch, settings, txn)
    lake.append("ops/counts", table_of("ops/counts", counts), txn)
    return counts


def _count_lookup(lake: Lake, batch: Batch) -> list[dict[str, Any]]:
    """The counts of files of a lookup: each row that is a record can be looked up."""
    counts = []
    for file in batch.files:
        rows = file["rows_in"] - batch.refused.get(file["file_id"], 0) if file["state"] == "loaded" else 0
        counts.append(fates.count(file, batch, fates.Fate(good=rows, accepted=rows)))
    ids = [file["file_id"] for file in batch.files]
    txn = lake.transaction(f"validate_{batch.source}_{batch.dataset}", batch.day, config=[ids], code=__name__)
    lake.append("ops/counts", table_of("ops/counts", counts), txn)
    return counts


def publish_batch(lake: Lake, batch: Batch, settings: Settings, txn: Txn) -> list[dict[str, Any]]:
    """Judge the batch, commit its good and bad rows and the verdicts; in this order, so that a retry completes it.

    Returns the rows of ops/counts, one per file. `txn` reads the raw table of the batch.
    """
    if not batch.rows:
        return _publish_nothing(lake, batch, settings, txn)
    contract = Contract.of(batch.source, batch.dataset, settings)
    files = get_spark().createDataFrame(batch.lookup())
    raw = txn.read(batch.raw).join(F.broadcast(files), on=["file_id", "arrived"], how="inner")
    paths = {file["file_id"]: file["path"] for file in batch.loaded}
    with flagged_rows(lake, contract, raw, paths) as flagged:
        read = _read(lake, batch, settings, contract, raw, flagged)
        fates.refuse_missing_rows(batch, read.counted, read.left_out)
        _tell_left_out(read)
        judged = _judged(read)
        accepted: dict[str, int] = {}
        judgement = judged.judgement
        if set(read.batch.days) - set(judged.stops):
            accepted, told = _publish_good(read, judged, txn, paths)
            judgement = replace(judgement, verdicts=[*judgement.verdicts, *told])
        if judged.stops or any(count.bad for count in read.tallies.values()):
            bad = _bad_rows(raw, flagged, judged.stops)
            lake.append("quarantine/rows", bad.withColumn("dataset", F.lit(batch.dataset)), txn)
    verdicts = parts(read.batch, judged.rest, judgement, judged.days)
    lake.append(VALIDATIONS, _as_table(verdicts), txn)
    lake.append("ops/metrics", judged.metrics, txn)
    data_docs.write(settings, judged.batch, judgement)
    counts = []
    for file in batch.files:
        fate = fates.fate(file, read.counted, accepted, stopped=file["arrived"] in judged.stops)
        counts.append(fates.count(file, batch, fate, read.left_out.get(file["file_id"], 0)))
    return _with_items(counts, read) if read.dataset.each else counts


@dataclass(frozen=True)
class _Read:
    """A batch as it was read, before anything is judged or published.

    `counted` is what has a fate in each file: its rows, or its lines where one holds several rows. `left_out` are the
    rows of each file that the dataset does not take.
    """

    lake: Lake
    batch: Batch
    settings: Settings
    contract: Contract
    dataset: SourceDataset
    raw: DataFrame
    flagged: DataFrame
    tallies: dict[str, Tally]
    counted: Mapping[str, Tally | Lines]
    left_out: dict[str, int]


def _read(
    lake: Lake, batch: Batch, settings: Settings, contract: Contract, raw: DataFrame, flagged: DataFrame
) -> _Read:
    """Count everything that is asked about the rows of the batch."""
    dataset = settings.sources[batch.source].datasets[batch.dataset]
    asked = {one.name: one.aggregate for one in anomalies.measures(batch.dataset, dataset, contract.expectations)}
    asked |= rounded_amounts.measure() | awaited_partners.measures(dataset)
    asked |= undialled_numbers.measure(batch.dataset, settings) | (empty_lines.measure() if dataset.each else {})
    tallies = tally(flagged, contract.rules, asked)
    if changed := decimal_ids.told(tallies):
        log.warning("%s.%s: %s", batch.source, batch.dataset, changed)
    counted: Mapping[str, Tally | Lines] = lines_of(flagged) if dataset.each else tallies
    left_out = left_out_rows(raw, counted) if dataset.where or dataset.each or dataset.pairs else {}
    if dataset.each:
        batch = replace(batch, held={file_id: one.rows for file_id, one in tallies.items()})
    return _Read(lake, batch, settings, contract, dataset, raw, flagged, tallies, counted, left_out)


def _tell_left_out(read: _Read) -> None:
    if any(read.left_out.values()):
        tell_untaken(read.raw, read.batch, read.settings)
        tell_awaited(read.raw, read.contract)


@dataclass(frozen=True)
class _Judged:
    """What was found of a batch: `stops` are the arrival days that are set aside, each with what stops it, `rest` is
    the part that no day's own verdicts stop.

    `judgement` is about `batch`: the rest or, where every day is stopped, all of it.
    """

    days: dict[date, Day]
    metrics: pa.Table
    rest: Batch
    batch: Batch
    judgement: Judgement
    stops: dict[date, Verdict]


def _judged(read: _Read) -> _Judged:
    """Each arrival day by itself, then what is left of the batch as a whole."""
    batch, dataset, tallies, expectations = read.batch, read.dataset, read.tallies, read.contract.expectations
    metrics = anomalies.metrics(batch.source, batch.dataset, batch.loaded, tallies)
    country = read.settings.general.country
    days = judged_days(read.lake, batch, expectations, tallies, metrics, dataset.history, country, batch.refused)
    days = with_unreadable(days, read.flagged, read.contract.mapping.sources())
    stops = {day: found.stopping[0] for day, found in days.items() if found.stopping}
    rest = batch.without(stops)
    judged, rows = (rest, read.flagged.where(_not_of(stops))) if rest.rows else (batch, read.flagged)
    counts = dict.fromkeys((rule.name for rule in read.contract.rules), (0, 0)) | by_rule(of_batch(judged, tallies))
    judgement = judge(rows, batch.dataset, expectations, judged.rows, counts, fewest(judged))
    if rest.rows and judgement.stopping:
        stops |= dict.fromkeys(rest.days, judgement.stopping[0])
    return _Judged(days, metrics, rest, judged, judgement, stops)


def _publish_good(
    read: _Read, judged: _Judged, txn: Txn, paths: Mapping[str, str]
) -> tuple[dict[str, int], list[Verdict]]:
    """Rows that broke no rule, of days that are not stopped, to the valid table; how many of each file are there now,
    and what is to be told of them."""
    lake, batch, dataset, contract, rest = read.lake, read.batch, read.dataset, read.contract, judged.rest
    here = of_batch(rest, read.tallies)
    good = read.flagged.where(f"{BROKEN} is null").where(_not_of(judged.stops))
    versions = as_versions(lake, batch.valid, batch.source, dataset, good, contract.mapping.zone, paths)
    commit = lake.append(batch.valid, versions, txn)
    accepted = _good(here)
    told: list[Verdict] = []
    if contract.mapping.presence:
        fill(lake, batch.valid, batch.source, good, txn.part("fill"))
    if (commit.rows, commit.duplicates) != (sum(accepted.values()), 0):
        accepted = _accepted(lake, rest)
        if sum(accepted.values()) < sum(_good(here).values()):
            told.append(told_otherwise(lake, batch.valid, batch.raw, versions, paths))
    if late_files.tell_again(lake, batch, contract, good, txn):
        accepted = _accepted(lake, rest)
    if dataset.each:
        accepted = accepted_lines(read.flagged, lake.read(batch.valid), rest)
    told += awaited_partners.verdicts(dataset, here)
    dialled = undialled_numbers.verdict(here, read.settings)
    some = any(found.measured[rounded_amounts.MEASURE] for found in here.values())
    amounts = rounded_amounts.rounded(good, paths, contract.mapping.sources()) if some else None
    told += [one for one in (dialled, amounts) if one]
    for one in told:
        if not one.success:
            log.warning("%s", one.detail)
    return accepted, told


def _with_items(counts: list[dict[str, Any]], read: _Read) -> list[dict[str, Any]]:
    """The rows of ops/counts of files whose lines hold several rows, with how many these were."""
    ended = {file_id: int(one.measured[empty_lines.MEASURE] or 0) for file_id, one in read.tallies.items()}
    for row in counts:
        here = row["file_id"] in read.tallies
        row["items"] = read.tallies[row["file_id"]].rows - ended[row["file_id"]] if here else 0
    level = logging.INFO if any(row["items"] for row in counts) else logging.WARNING
    log.log(level, "%s.%s: %s", read.batch.source, read.batch.dataset, told_of_lines(counts, sum(ended.values())))
    return counts


def _publish_nothing(lake: Lake, batch: Batch, settings: Settings, txn: Txn) -> list[dict[str, Any]]:
    """A batch without records: files that were set aside or repeat others, and empty ones, which history may mind."""
    config = settings.sources[batch.source].datasets[batch.dataset].history
    if batch.loaded:
        metrics = anomalies.metrics(batch.source, batch.dataset, batch.loaded, {})
        days = judged_days(lake, batch, [], {}, metrics, config, settings.general.country, batch.refused)
        lake.append(VALIDATIONS, _as_table((batch.of(day), found.by_history) for day, found in days.items()), txn)
        lake.append("ops/metrics", metrics, txn)
    return [fates.count(file, batch, fates.Fate()) for file in batch.files]


def _good(tallies: Mapping[str, Tally]) -> dict[str, int]:
    """Rows of each file that broke no rule."""
    return {file_id: found.rows - found.bad for file_id, found in tallies.items()}


def _not_of(stops: Mapping[date, Verdict]) -> Column:
    return ~F.col("arrived").isin(list(stops)) if stops else F.lit(True)


def _bad_rows(raw: DataFrame, rows: DataFrame, stops: Mapping[date, Verdict]) -> DataFrame:
    """Rows for quarantine: those with a broken rule, and all rows of days that are stopped."""
    columns = ["file_id", "line", "source", "arrived", "path", "record", "rule", "reason", "rules"]
    held = rows.where(F.col(BROKEN).isNotNull() | ~_not_of(stops))
    stop, reason = F.lit(None).cast("string"), F.lit(None).cast("string")
    for day, verdict in stops.items():
        text = f"the batch was stopped: {verdict.detail}; correct the delivery or the rule and replay the rows"
        of_day = F.col("arrived") == F.lit(day)
        stop = F.when(of_day, F.lit(f"dataset:{verdict.rule}")).otherwise(stop)
        reason = F.when(of_day, F.lit(text)).otherwise(reason)
    broken = held.select(
        "file_id",
        "line",
        F.coalesce(F.substring_index(BROKEN, ",", 1), stop).alias("rule"),
        F.coalesce(REASON, reason).alias("reason"),
        F.coalesce(F.split(BROKEN, ","), F.array(stop)).alias("rules"),
        *([ITEM] if ITEM in held.columns else []),
    )
    once = of_lines(broken) if ITEM in held.columns else broken
    return raw.join(once, on=["file_id", "line"], how="inner").select(*columns)


def _accepted(lake: Lake, batch: Batch) -> dict[str, int]:
    """Rows of each file of the batch that are in the valid table: what the lake did not recognise as a duplicate."""
    days, mine = [file["arrived"] for file in batch.loaded], {file["file_id"] for file in batch.loaded}
    valid = lake.read(batch.valid).where(F.col("arrived").between(min(days), max(days)))
    counted = valid.where(F.col("source") == batch.source).groupBy("file_id").agg(F.count("*").alias("rows")).collect()
    return {row["file_id"]: row["rows"] for row in counted if row["file_id"] in mine}


def _as_table(judged: Iterable[tuple[Batch, list[Verdict]]]) -> pa.Table:
    """The verdicts on parts of a batch, in the shape of ops/validations."""
    rows = [row for part, found in judged for row in rows_of(found, part.day, part.source, part.dataset, part.id)]
    return table_of(VALIDATIONS, rows)
