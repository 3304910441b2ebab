"""The arrival days of a batch, each judged for itself, and what becomes of the batch then."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from great_expectations.expectations.expectation import Expectation
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.batch_columns import UNREADABLE
from jobs.config.sources.deliveries import History
from jobs.lake.lake import Lake
from jobs.validate import anomalies
from jobs.validate.batch import Batch
from jobs.validate.rules.broken import Tally, called
from jobs.validate.rules.great_expectations import Judgement, judge_rows
from jobs.validate.rules.verdict import Verdict
from jobs.validate.told import losses

log = logging.getLogger(__name__)

TYPES = "types"
QUIET = timedelta(days=28)
"""A deviation that is told is not told again so soon; ops/validations has each."""


@dataclass(frozen=True)
class Day:
    """The verdicts on one arrival day: by the rules about rows, and against the dataset's history."""

    by_rows: list[Verdict]
    by_history: list[Verdict]

    @property
    def stopping(self) -> list[Verdict]:
        return [verdict for verdict in self.by_rows + self.by_history if verdict.stops]


def judged_days(
    lake: Lake,
    batch: Batch,
    expectations: Iterable[Expectation],
    tallies: dict[str, Tally],
    metrics: pa.Table,
    config: History,
    country: str,
    refused: Mapping[str, int],
) -> dict[date, Day]:
    """What is to be said of each arrival day of the batch. A deviation that does not stop is logged, if it is news.

    `refused` are the lines of each file that are no record.
    """
    expectations = list(expectations)
    ids = [file["file_id"] for file in batch.files]
    before = anomalies.earlier(lake, batch.source, batch.dataset, batch.days, ids, config)
    by_history = anomalies.judge(pa.concat_tables([before, metrics]), batch.days, config, country)
    odd = any(not verdict.success for verdicts in by_history.values() for verdict in verdicts)
    told = _told_before(lake, batch) if odd else {}
    found = {}
    for day in batch.days:
        part = batch.of(day)
        by_rows = judge_rows(expectations, part.rows, by_rule(of_batch(part, tallies)))
        found[day] = Day(by_rows, by_history.get(day, []))
        for verdict in found[day].by_history:
            news = day - told.get(verdict.rule, date.min) >= QUIET
            if news and not verdict.success and not verdict.stops:
                what = (batch.source, batch.dataset, verdict.rule, verdict.detail)
                log.warning("%s.%s: %s: %s", *what, extra={"rule": verdict.rule})
                told[verdict.rule] = day
    return found if config.loss == "off" else _with_losses(lake, batch, expectations, tallies, found, config, refused)


def _with_losses(
    lake: Lake,
    batch: Batch,
    expectations: Iterable[Expectation],
    tallies: dict[str, Tally],
    days: dict[date, Day],
    config: History,
    refused: Mapping[str, int],
) -> dict[date, Day]:
    """The days, with what each loses; one that loses more than usual is told every time."""
    rules = [meta["rule"] for one in expectations if (meta := one.meta or {}).get("fate") == "quarantine"]
    shares = losses.earlier_shares(lake, batch, config) if days else {}
    found = {}
    for day, judged in days.items():
        found[day] = judged
        if (lost := losses.judge(batch.of(day), tallies, refused, rules, shares, config)) is None:
            continue
        verdict, share = lost
        if not verdict.success and not verdict.stops:
            log.warning("%s.%s: %s", batch.source, batch.dataset, verdict.detail)
        if not verdict.success:
            found[day] = replace(judged, by_history=[*judged.by_history, verdict])
        shares = dict(sorted({**shares, day: 1.0 if found[day].stopping else share}.items()))
    return found


def _told_before(lake: Lake, batch: Batch) -> dict[str, date]:
    """The newest day on which each rule about history was last broken by this dataset, of the days before the batch."""
    if not lake.exists("ops/validations"):
        return {}
    first = min(batch.days)
    mine = (pc.field("source") == batch.source) & (pc.field("dataset") == batch.dataset) & ~pc.field("success")
    near = (pc.field("day") < pa.scalar(first)) & (pc.field("day") > pa.scalar(first - QUIET))
    rows = lake.dataset("ops/validations").to_table(columns=["expectation", "day"], filter=mine & near)
    newest = rows.group_by("expectation").aggregate([("day", "max")])
    return dict(zip(newest["expectation"].to_pylist(), newest["day_max"].to_pylist(), strict=True))


def with_unreadable(days: dict[date, Day], rows: DataFrame, sources: Mapping[str, str]) -> dict[date, Day]:
    """The days, with the columns named whose values do not have their type where that stops one. Reads `rows` then."""
    odd = [day for day, found in days.items() if any(one.rule == TYPES and one.stops for one in found.by_rows)]
    if not odd:
        return days
    bad = rows.where(F.col("arrived").isin(odd) & F.col(UNREADABLE).isNotNull())
    counts: dict[date, Counter[str]] = {day: Counter() for day in odd}
    for row in bad.groupBy("arrived", UNREADABLE).agg(F.count("*").alias("rows")).collect():
        counts[row["arrived"]] += Counter(dict.fromkeys(row[UNREADABLE].split(","), row["rows"]))
    for day in odd:
        named = ", ".join(f"{called(name, sources)} in {count:,}" for name, count in counts[day].most_common(3))
        by_rows = [replace(v, detail=f"{v.detail}: {named}") if v.rule == TYPES else v for v in days[day].by_rows]
        days = {**days, day: replace(days[day], by_rows=by_rows)}
    return days


def of_batch(batch: Batch, tallies: dict[str, Tally]) -> dict[str, Tally]:
    """The tallies of the files of this batch."""
    return {file["file_id"]: tallies[file["file_id"]] for file in batch.loaded if file["file_id"] in tallies}


def by_rule(tallies: dict[str, Tally]) -> dict[str, tuple[int, int]]:
    """Rows looked at and bad rows of each rule, over all files."""
    total: dict[str, tuple[int, int]] = {}
    for found in tallies.values():
        for rule, (looked_at, bad) in found.by_rule.items():
            before = total.get(rule, (0, 0))
            total[rule] = (before[0] + looked_at, before[1] + bad)
    return total


def fewest(batch: Batch) -> int:
    """Rows of its smallest arrival day that has any."""
    return min(rows for day in batch.days if (rows := batch.of(day).rows))


def parts(batch: Batch, rest: Batch, judgement: Judgement, days: dict[date, Day]) -> list[tuple[Batch, list[Verdict]]]:
    """The verdicts as ops/validations keeps them: of `rest` as a whole, and of each arrival day what is its own.

    A day that is stopped has all verdicts on it, so that it can be judged again for itself. Without rest `judgement`
    is about all stopped days together.
    """
    found = [(rest, judgement.verdicts)] if rest.rows and not judgement.stopping else []
    for day in batch.days:
        own = days[day].by_history
        if day not in rest.days:
            own = days[day].by_rows + own
        rules = {verdict.rule for verdict in own}
        if (rest.rows and day in rest.days and judgement.stopping) or (not rest.rows and batch.days == [day]):
            own = own + [verdict for verdict in judgement.verdicts if verdict.rule not in rules]
        found.append((batch.of(day), own))
    return found
