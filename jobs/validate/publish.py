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
from jobs.errors import StepFailed
from jobs.ingest.lookups import lookup_of
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.validate import anomalies, data_docs
from jobs.validate.arrival_days import by_rule, fewest, judged_days, of_batch, parts, with_unreadable
from jobs.validate.batch import FATES, NOTHING, Batch
from jobs.validate.contract import Contract
from jobs.validate.mapping.failing_rows import flagged_rows
from jobs.validate.mapping.inner_rows import ITEM, of_lines
from jobs.validate.rules.broken import BROKEN, REASON, Tally, tally
from jobs.validate.rules.great_expectations import Judgement, judge
from jobs.validate.rules.verdict import Verdict
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
    lake.append("ops/counts", as_table("ops/counts", counts), txn)
    return counts


def _count_lookup(lake: Lake, batch: Batch) -> list[dict[str, Any]]:
    """The counts of files of a lookup: each row that is a record can be looked up."""
    counts = []
    for file in batch.files:
        rows = file["rows_in"] - batch.refused.get(file["file_id"], 0) if file["state"] == "loaded" else 0
        counts.append(_count(file, batch, _Fate(good=rows, accepted=rows)))
    ids = [file["file_id"] for file in batch.files]
    txn = lake.transaction(f"validate_{batch.source}_{batch.dataset}", batch.day, config=[ids], code=__name__)
    lake.append("ops/counts", as_table("ops/counts", counts), txn)
    return counts


def publish_batch(lake: Lake, batch: Batch, settings: Settings, txn: Txn) -> list[dict[str, Any]]:
    """Judge the batch, commit its good and bad rows and the verdicts; in this order, so that a retry completes it.

    Returns the rows of ops/counts, one per file. `txn` reads the raw table of the batch.
    """
    if not batch.rows:
        return _publish_nothing(lake, batch, settings, txn)
    contract = Contract.of(batch.source, batch.dataset, settings)
    dataset = settings.sources[batch.source].datasets[batch.dataset]
    measures, country = anomalies.measures(batch.dataset, dataset, contract.expectations), settings.general.country
    files = get_spark().createDataFrame(batch.lookup())
    raw = txn.read(batch.raw).join(F.broadcast(files), on=["file_id", "arrived"], how="inner")
    paths = {file["file_id"]: file["path"] for file in batch.loaded}
    with flagged_rows(lake, contract, raw, paths) as flagged:
        asked = {measure.name: measure.aggregate for measure in measures} | rounded_amounts.measure()
        asked |= empty_lines.measure() if dataset.each else {}
        asked |= awaited_partners.measures(dataset) | undialled_numbers.measure(batch.dataset, settings)
        tallies = tally(flagged, contract.rules, asked)
        if changed := decimal_ids.told(tallies):
            log.warning("%s.%s: %s", batch.source, batch.dataset, changed)
        counted: Mapping[str, Tally | Lines] = lines_of(flagged) if dataset.each else tallies
        some = dataset.where or dataset.each or dataset.pairs
        left_out = left_out_rows(raw, counted) if some else {}
        _refuse_missing_rows(batch, counted, left_out)
        if any(left_out.values()):
            tell_untaken(raw, batch, settings)
            tell_awaited(raw, contract)
        batch = replace(batch, held={file_id: one.rows for file_id, one in tallies.items()}) if dataset.each else batch
        metrics = anomalies.metrics(batch.source, batch.dataset, batch.loaded, tallies)
        days = judged_days(
            lake, batch, contract.expectations, tallies, metrics, dataset.history, country, batch.refused
        )
        days = with_unreadable(days, flagged, contract.mapping.sources())
        stops = {day: found.stopping[0] for day, found in days.items() if found.stopping}
        rest = batch.without(stops)
        judged, rows = (rest, flagged.where(_not_of(stops))) if rest.rows else (batch, flagged)
        counts = dict.fromkeys((rule.name for rule in contract.rules), (0, 0)) | by_rule(of_batch(judged, tallies))
        judgement = judge(rows, batch.dataset, contract.expectations, judged.rows, counts, fewest(judged))
        if rest.rows and judgement.stopping:
            stops |= dict.fromkeys(rest.days, judgement.stopping[0])
        accepted: dict[str, int] = {}
        if set(batch.days) - set(stops):
            good = flagged.where(f"{BROKEN} is null").where(_not_of(stops))
            versions = as_versions(lake, batch.valid, batch.source, dataset, good, contract.mapping.zone, paths)
            commit = lake.append(batch.valid, versions, txn)
            accepted = _good(rest, tallies)
            if contract.mapping.presence:
                fill(lake, batch.valid, batch.source, good, txn.part("fill"))
            if (commit.rows, commit.duplicates) != (sum(accepted.values()), 0):
                accepted = _accepted(lake, rest)
                if sum(accepted.values()) < sum(_good(rest, tallies).values()):
                    judgement = _with_told(judgement, told_otherwise(lake, batch.valid, batch.raw, versions, paths))
            if late_files.tell_again(lake, batch, contract, good, txn):
                accepted = _accepted(lake, rest)
            if dataset.each:
                accepted = accepted_lines(flagged, lake.read(batch.valid), rest)
            for told in awaited_partners.verdicts(dataset, of_batch(rest, tallies)):
                judgement = _with_told(judgement, told)
            dialled = undialled_numbers.verdict(of_batch(rest, tallies), settings)
            judgement = _with_told(judgement, dialled) if dialled else judgement
            if any(found.measured[rounded_amounts.MEASURE] for found in of_batch(rest, tallies).values()):
                amounts = rounded_amounts.rounded(good, paths, contract.mapping.sources())
                judgement = _with_told(judgement, amounts) if amounts else judgement
        if stops or any(count.bad for count in tallies.values()):
            bad = _bad_rows(raw, flagged, stops)
            lake.append("quarantine/rows", bad.withColumn("dataset", F.lit(batch.dataset)), txn)
    judgements = parts(batch, rest, judgement, days)
    lake.append("ops/validations", pa.concat_tables([verdicts(part, found) for part, found in judgements]), txn)
    lake.append("ops/metrics", metrics, txn)
    data_docs.write(settings, judged, judgement)
    fates = {file["file_id"]: _fate(file, counted, accepted, file["arrived"] in stops) for file in batch.files}
    added_up = [_count(file, batch, fates[file["file_id"]], left_out.get(file["file_id"], 0)) for file in batch.files]
    if dataset.each:
        ended = {file_id: int(one.measured[empty_lines.MEASURE] or 0) for file_id, one in tallies.items()}
        for row in added_up:
            here = row["file_id"] in tallies
            row["items"] = tallies[row["file_id"]].rows - ended[row["file_id"]] if here else 0
        level = logging.INFO if any(row["items"] for row in added_up) else logging.WARNING
        log.log(level, "%s.%s: %s", batch.source, batch.dataset, told_of_lines(added_up, sum(ended.values())))
    return added_up


def _publish_nothing(lake: Lake, batch: Batch, settings: Settings, txn: Txn) -> list[dict[str, Any]]:
    """A batch without records: files that were set aside or repeat others, and empty ones, which history may mind."""
    config = settings.sources[batch.source].datasets[batch.dataset].history
    if batch.loaded:
        metrics = anomalies.metrics(batch.source, batch.dataset, batch.loaded, {})
        days = judged_days(lake, batch, [], {}, metrics, config, settings.general.country, batch.refused)
        tables = [verdicts(batch.of(day), found.by_history) for day, found in days.items()]
        lake.append("ops/validations", pa.concat_tables(tables), txn)
        lake.append("ops/metrics", metrics, txn)
    return [_count(file, batch, _Fate()) for file in batch.files]


def _good(batch: Batch, tallies: dict[str, Tally]) -> dict[str, int]:
    """Rows of each file that broke no rule."""
    return {file_id: found.rows - found.bad for file_id, found in of_batch(batch, tallies).items()}


def _with_told(judgement: Judgement, verdict: Verdict) -> Judgement:
    if not verdict.success:
        log.warning("%s", verdict.detail)
    return replace(judgement, verdicts=[*judgement.verdicts, verdict])


def _not_of(stops: Mapping[date, Verdict]) -> Column:
    return ~F.col("arrived").isin(list(stops)) if stops else F.lit(True)


@dataclass(frozen=True)
class _Fate:
    """Of one file: records without and with a broken rule, and records that are in the valid table."""

    good: int = 0
    bad: int = 0
    accepted: int = 0


def _fate(file: dict[str, Any], tallies: Mapping[str, Tally | Lines], accepted: dict[str, int], stopped: bool) -> _Fate:
    """All records of a stopped batch are bad."""
    found = tallies.get(file["file_id"])
    if found is None:
        return _Fate()
    bad = found.rows if stopped else found.bad
    return _Fate(found.rows - bad, bad, accepted.get(file["file_id"], 0))


def _refuse_missing_rows(batch: Batch, tallies: Mapping[str, Tally | Lines], left_out: Mapping[str, int]) -> None:
    """The gate of conservation: every row that ingest counted is here, before anything is published."""
    for file in batch.loaded:
        found = tallies[file["file_id"]].rows if file["file_id"] in tallies else 0
        found += left_out.get(file["file_id"], 0)
        refused = batch.refused.get(file["file_id"], 0)
        if found + refused != file["rows_in"]:
            raise StepFailed(
                f"{file['path']}: {file['rows_in']:,} rows came in, but {batch.raw} has {found:,} and {refused:,} were "
                f"refused; rows of this file were lost or written twice, so nothing of the batch was published"
            )


def _count(file: dict[str, Any], batch: Batch, fate: _Fate, left_out: int = 0) -> dict[str, Any]:
    """The row of ops/counts; raises StepFailed if it does not add up."""
    rows_in = file["rows_in"]
    if file["state"] == "quarantined":
        accepted, quarantined, duplicates = 0, rows_in, 0
    elif file["state"] == "duplicate":
        accepted, quarantined, duplicates = 0, 0, rows_in
    else:
        quarantined = fate.bad + batch.refused.get(file["file_id"], 0)
        accepted, duplicates = fate.accepted, fate.good - fate.accepted
    if min(accepted, quarantined, duplicates) < 0 or rows_in != accepted + quarantined + duplicates + left_out:
        raise StepFailed(
            f"{file['path']}: {rows_in:,} rows in, but {accepted:,} accepted + {quarantined:,} quarantined + "
            f"{duplicates:,} duplicates + {left_out:,} left out"
        )
    return {
        "file_id": file["file_id"],
        "source": batch.source,
        "dataset": batch.dataset,
        "arrived": file["arrived"],
        "rows_in": rows_in,
        "accepted": accepted,
        "quarantined": quarantined,
        "duplicates": duplicates,
        "left_out": left_out,
        "items": None,
        "batch": batch.of(file["arrived"]).id,
    }


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


def verdicts(batch: Batch, found: Iterable[Verdict], attempt: int = 1) -> pa.Table:
    """The rows of ops/validations: one per verdict, for the `attempt`-th time this batch is judged."""
    rows = [
        {
            "day": batch.day,
            "source": batch.source,
            "dataset": batch.dataset,
            "batch": batch.id,
            "attempt": attempt,
            "expectation": verdict.rule,
            "severity": verdict.severity,
            "success": verdict.success,
            "rows": verdict.rows,
            "failed": verdict.failed,
            "detail": verdict.detail,
        }
        for verdict in found
    ]
    return as_table("ops/validations", rows)


def as_table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows in the shape of that table."""
    return pa.Table.from_pylist(rows, schema=catalogue.get(name).arrow_schema())
