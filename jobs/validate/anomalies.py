"""A day's delivery against the dataset's own history: how many rows, how full its columns, what values, and silence.

Numbers of each file are taken in the pass that tallies its rows and kept in ops/metrics; those of a day are the
weighted sums over its files. A day is compared with the deliveries before it and never with later ones, so days that
are loaded all at once get the same verdicts as days that are lived through one by one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from great_expectations.expectations.expectation import Expectation
from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.config.sources.deliveries import History
from jobs.config.sources.source import SourceDataset
from jobs.lake.database import database_of
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import CANONICAL
from jobs.validate.rules.broken import BROKEN
from jobs.validate.rules.verdict import Verdict
from jobs.validate.silence import ENOUGH, public_holidays, settled
from jobs.validate.usual_range import Range, median, usual

NUMBERS = ("int", "bigint", "double", "decimal(18,2)")
MANY_VALUES = 25
"""Values of a set above which their shares are not followed."""
FEW_ROWS = 20
"""Rows of a day below which shares and means say nothing."""
VOLUME, DISTRIBUTION = "history:volume", "history:distribution"


@dataclass(frozen=True)
class Measure:
    """One number about the rows of a file: `aggregate` is a count of rows, or the sum of a column."""

    metric: str
    column: str
    value: str
    aggregate: Column

    @property
    def name(self) -> str:
        return f"{self.metric}|{self.column}|{self.value}"


def measures(name: str, dataset: SourceDataset, expectations: Iterable[Expectation]) -> list[Measure]:
    """What is measured of a dataset: filled rows of each mapped column, and of the good rows sums and known values.

    One absurd amount would hide what the others are; that row is in quarantine.
    """
    if dataset.history.volume == dataset.history.distribution == "off":
        return []
    columns = [c for c in CANONICAL[name].columns if c.name in dataset.columns]
    found = [Measure("filled", c.name, "", F.count(c.name)) for c in columns]
    found += [Measure("sum", c.name, "", F.sum(_of_good_rows(c.name))) for c in columns if c.type in NUMBERS]
    for expectation in expectations:
        column, values = getattr(expectation, "column", ""), getattr(expectation, "value_set", None) or ()
        if expectation.expectation_type == "expect_column_values_to_be_in_set" and len(values) <= MANY_VALUES:
            found += [_value(column, value) for value in values if column in dataset.columns]
    followed = dict.fromkeys(measure.column for measure in found if measure.metric != "filled")
    found += [Measure("held", name, "", F.count(_of_good_rows(name))) for name in followed]
    return list({measure.name: measure for measure in found}.values())


def _value(column: str, value: Any) -> Measure:
    return Measure("value", column, str(value), F.count(F.when(_of_good_rows(column) == F.lit(value), F.lit(1))))


def _of_good_rows(column: str) -> Column:
    return F.when(F.col(BROKEN).isNull(), F.col(column))


def metrics(source: str, dataset: str, files: Sequence[dict[str, Any]], found: Mapping[str, Any]) -> pa.Table:
    """Rows for ops/metrics: of each loaded file its rows, and shares and means from what was measured of it.

    `found` has the tally of each file that has records.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        tally = found.get(file["file_id"])
        key = {"arrived": file["arrived"], "source": source, "dataset": dataset, "file_id": file["file_id"]}
        numbers = [("rows", "", "", float(file["rows_in"]), file["rows_in"])]
        if tally is not None:
            numbers += _numbers(tally.rows, tally.measured)
        names = ("metric", "column", "value", "number", "rows")
        rows += [{**key, **dict(zip(names, values, strict=True))} for values in numbers]
    return pa.Table.from_pylist(rows, schema=catalogue.get("ops/metrics").arrow_schema())


def _numbers(rows: int, measured: Mapping[str, Any]) -> list[tuple[str, str, str, float, int]]:
    good = {name.split("|")[1]: count for name, count in measured.items() if name.startswith("held|")}
    found = []
    for name, number in measured.items():
        metric, column, value = name.split("|", 2)
        held = good.get(column, 0)
        if metric == "filled":
            found.append(("empty_share", column, "", (rows - number) / rows, rows))
        elif held and metric == "value":
            found.append(("value_share", column, value, number / held, held))
        elif held and metric == "sum" and number is not None and math.isfinite(number):
            mean = float(f"{float(number) / held:.9g}")  # the last digits of a sum of doubles depend on their order
            found.append(("mean", column, "", mean, held))
    return found


def earlier(
    lake: Lake, source: str, dataset: str, days: Sequence[date], without: Iterable[str], history: History
) -> pa.Table:
    """Metrics of the dataset up to the last of `days`, as far back as the first of them is compared with, or further.

    Not of the files in `without`. However long the history is, only the files of the log that may hold these are read.
    """
    names = catalogue.get("ops/metrics").column_names
    others = pa.array(list(without), pa.string())
    first, last, length = min(days), max(days), 2 * max(history.days, history.settle_days)
    for span in (length, 8 * length, first.toordinal()):  # deliveries may be far apart
        low = date.fromordinal(max(1, first.toordinal() - span))
        rows = lake.arrow_between("ops/metrics", names, "arrived", low, last)
        mine = pc.and_(pc.equal(rows["source"], source), pc.equal(rows["dataset"], dataset))
        rows = rows.filter(pc.and_(mine, pc.invert(pc.is_in(rows["file_id"], value_set=others))))
        before = pc.unique(rows["arrived"].filter(pc.less(rows["arrived"], pa.scalar(first)))).to_pylist()
        if len(before) >= history.days and settled(min(before), first, history):
            break
    return rows


class Series:
    """The metrics of a dataset by arrival day: `numbers` and the `rows` they are of, a row a day, a column a metric."""

    def __init__(self, table: pa.Table):
        with database_of(metrics=table) as database:
            found = database.sql(
                """select arrived, metric, "column", value, sum(rows) as weight,
                   if(metric = 'rows', sum(number), sum(number * rows) / sum(rows)) as number
                   from metrics group by arrived, metric, "column", value order by all"""
            ).to_arrow_table()
        keys = list(zip(*(found[name].to_pylist() for name in ("metric", "column", "value")), strict=True))
        self.days: list[date] = sorted(set(found["arrived"].to_pylist()))
        self.metrics: list[tuple[str, str, str]] = sorted(set(keys))
        at = {key: place for place, key in enumerate(self.metrics)}
        row = {day: place for place, day in enumerate(self.days)}
        place = ([row[day] for day in found["arrived"].to_pylist()], [at[key] for key in keys])
        self.numbers = np.full((len(self.days), len(self.metrics)), np.nan)
        self.rows = np.zeros_like(self.numbers)
        self.numbers[place] = found["number"].to_numpy()
        self.rows[place] = found["weight"].to_numpy()

    def window(self, day: date, length: int) -> slice:
        """The deliveries before that day, at most so many."""
        place = self.days.index(day)
        return slice(max(0, place - length), place)


def judge(table: pa.Table, days: Collection[date], history: History, country: str = "") -> dict[date, list[Verdict]]:
    """Verdicts about the volume and distribution of each of `days`; none while there is too little history.

    Nothing is said of the public holidays of `country` (ISO 3166-1 alpha-2): no other day is like them.
    """
    if not table.num_rows:
        return {}
    series = Series(table)
    found: dict[date, list[Verdict]] = {}
    for day in days:
        if day in public_holidays(country, day.year) or not settled(series.days[0], day, history):
            continue
        checks = ((history.volume, _volume), (history.distribution, _distribution))
        verdicts = [check(series, day, history, severity) for severity, check in checks if severity != "off"]
        found[day] = [verdict for verdict in verdicts if verdict is not None]
    return found


def _volume(series: Series, day: date, history: History, severity: str) -> Verdict | None:
    at, window = series.metrics.index(("rows", "", "")), series.window(day, history.days)
    days = series.days[window]
    if len(days) < ENOUGH:
        return None
    rows = series.numbers[window, at : at + 1]
    seen = float(series.numbers[series.days.index(day), at])
    range_ = usual(day, days, rows, history.tolerance, _volume_floor)
    none_at_all = seen == 0 and float(rows.min()) > 0 and float(range_.centre[0]) >= FEW_ROWS
    good = bool(range_.holds(np.array([seen]))[0]) and not none_at_all
    detail = f"{seen:,.0f} rows arrived on {day}, usual {range_.words(0, '{:,.0f}')}"
    return Verdict(VOLUME, severity, good, round(seen), 0 if good else 1, detail)


def _volume_floor(centre: np.ndarray) -> np.ndarray:
    """Counts vary by their root at least, and 5 % is no news."""
    return np.maximum(np.maximum(np.sqrt(np.abs(centre)), 0.05 * np.abs(centre)), 1.0)


def _distribution(series: Series, day: date, history: History, severity: str) -> Verdict | None:
    place, window = series.days.index(day), series.window(day, history.days)
    rows_at = series.metrics.index(("rows", "", ""))
    enough = series.rows[window, rows_at] >= FEW_ROWS
    if enough.sum() < ENOUGH or series.rows[place, rows_at] < FEW_ROWS:
        return None
    numbers = np.where(series.rows[window] >= FEW_ROWS, series.numbers[window], np.nan)[enough]
    days = [one for one, keep in zip(series.days[window], enough, strict=True) if keep]
    seen, rows = series.numbers[place], series.rows[place]
    known = np.isfinite(numbers).sum(axis=0) >= ENOUGH
    judged = known & (rows >= FEW_ROWS) & (np.array([metric for metric, *_ in series.metrics]) != "rows")
    if not judged.any():
        return None
    labels = [one for one, keep in zip(series.metrics, judged, strict=True) if keep]
    floor = _Floor(np.array([metric == "mean" for metric, *_ in labels]), rows[judged])
    typical = median(np.where(enough[:, None], series.rows[window], np.nan))[judged]
    thin = np.sqrt(np.maximum(typical / rows[judged], 1.0))  # a day with few rows varies more than the others
    range_ = usual(day, days, numbers[:, judged], history.tolerance, floor, thin)
    good = range_.holds(seen[judged])
    distance = range_.distance(seen[judged])
    odd = sorted(np.flatnonzero(~good).tolist(), key=lambda i: -distance[i])
    told = [_said(labels[i], seen[judged][i], range_, i) for i in odd[:3]]
    more = f", and {len(odd) - 3} more" if len(odd) > 3 else ""
    detail = f"{'; '.join(told)}{more}, on {day}" if odd else f"{len(labels)} numbers of {day} are as usual"
    return Verdict(DISTRIBUTION, severity, not odd, int(rows[judged].max()), len(odd), detail)


@dataclass(frozen=True)
class _Floor:
    """The least spread: of a share what chance gives so many rows and 1 %, of a mean 2 %."""

    is_mean: np.ndarray
    rows: np.ndarray

    def __call__(self, centre: np.ndarray) -> np.ndarray:
        share = np.clip((centre * self.rows + 1) / (self.rows + 2), 0, 1)
        by_chance = np.sqrt(share * (1 - share) / self.rows)
        return np.where(self.is_mean, 0.02 * np.abs(centre), np.maximum(by_chance, 0.01))


def _said(label: tuple[str, str, str], seen: float, range_: Range, place: int) -> str:
    metric, column, value = label
    what = {
        "empty_share": f"{column} is empty in",
        "value_share": f"{column} is {value} in",
        "mean": f"the mean of {column} is",
    }[metric]
    shape = "{:,.6g}" if metric == "mean" else "{:.1%}"
    return f"{what} {shape.format(seen)}, usual {range_.words(place, shape)}"
