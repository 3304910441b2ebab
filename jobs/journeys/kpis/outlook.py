"""journeys/kpi_outlook, kpi_trends and alerts: what is usual for a KPI, where it goes, and what a person has to see.

All three follow from journeys/kpis and the registry alone, so that a day and a rebuild give the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.journey.journey import Journey
from jobs.config.journey.kpis import Kpi
from jobs.journeys.kpis.forecast import Array, Band, ahead, band, is_unusual, trend
from jobs.lake.tables import catalogue

OUTLOOK, TRENDS, ALERTS = "journeys/kpi_outlook", "journeys/kpi_trends", "journeys/alerts"
DAYS_AHEAD = 28
COLUMNS = ["period", "day", "kpi", "dimension", "value", "small", "complete"]
Row = dict[str, Any]


def outlook(counted: pa.Table, journey: Journey) -> dict[str, pa.Table]:
    """The three tables, by name, from rows of journeys/kpis; a day that has not ended yet is not among them."""
    whole = counted.select(COLUMNS).filter(pc.equal(counted["dimension"], "all"))
    daily = whole.filter(pc.and_(pc.equal(whole["period"], "day"), whole["complete"]))
    found: dict[str, list[Row]] = {OUTLOOK: [], TRENDS: [], ALERTS: []}
    if daily.num_rows:
        names, days, values, small = _series(daily)
        usual, next_days = band(values), ahead(values, DAYS_AHEAD)
        unusual = is_unusual(values, usual) & ~small
        for n, name in enumerate(names):
            found[OUTLOOK] += _outlook(name, n, days, values, usual, unusual, next_days)
            found[TRENDS] += _trends(name, days, values[n])
        found[ALERTS] += _beyond(whole, journey)
        found[ALERTS] += _odd(names, days, values, usual, unusual, journey)
        found[ALERTS] += _shifted(names, days, values, journey)
    return {
        name: pa.Table.from_pylist(sorted(rows, key=_order), catalogue.get(name).arrow_schema())
        for name, rows in found.items()
    }


def _order(row: Row) -> tuple[str, date]:
    return row["kpi"], row.get("day", date.min)


def _series(daily: pa.Table) -> tuple[list[str], list[date], Array, np.ndarray]:
    """KPIs by days, and whether the sample of each value is small."""
    names = sorted(set(daily["kpi"].to_pylist()))
    first, last = pc.min_max(daily["day"]).as_py().values()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    values, small = np.full((len(names), len(days)), np.nan), np.zeros((len(names), len(days)), dtype=bool)
    row = {name: n for n, name in enumerate(names)}
    columns = (daily[column].to_pylist() for column in ("kpi", "day", "value", "small"))
    for name, day, value, is_small in zip(*columns, strict=True):
        at = row[name], (day - first).days
        values[at], small[at] = np.nan if value is None else value, bool(is_small)
    return names, days, values, small


def _outlook(
    name: str, n: int, days: list[date], values: Array, usual: Band, unusual: np.ndarray, later: Band
) -> Iterator[Row]:
    for at, day in enumerate(days):
        if not np.isnan(usual.expected[n, at]):
            seen = None if np.isnan(values[n, at]) else bool(unusual[n, at])
            yield _row(name, day, False, usual, n, at) | {"value": _number(values[n, at]), "unusual": seen}
    for at in range(DAYS_AHEAD):
        if not np.isnan(later.expected[n, at]):
            yield _row(name, days[-1] + timedelta(days=at + 1), True, later, n, at)


def _row(name: str, day: date, is_forecast: bool, found: Band, n: int, at: int) -> Row:
    ends = {key: _number(getattr(found, key)[n, at]) for key in ("expected", "low", "high")}
    return {"kpi": name, "day": day, "is_forecast": is_forecast, **ends}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _trends(name: str, days: list[date], values: Array) -> Iterator[Row]:
    found = trend(values)
    if found is None:
        return
    broke = {} if found.broke_at is None else {"broke_on": days[found.broke_at]}
    levels = {
        key: None if level is None else _number(level)
        for key, level in (("before", found.before), ("after", found.after))
    }
    slope = {"per_week": _number(found.per_week), "low": _number(found.low), "high": _number(found.high)}
    yield {"kpi": name, "as_of": days[-1], "direction": found.direction, **slope, **broke, **levels}


def _beyond(whole: pa.Table, journey: Journey) -> Iterator[Row]:
    """Values of whole periods that are as bad as `alert.at` of the KPI, or worse."""
    for row in whole.filter(pc.and_(whole["complete"], pc.is_valid(whole["value"]))).to_pylist():
        kpi = journey.kpis[row["kpi"]]
        if kpi.alert.at is None or row["period"] != kpi.per or row["small"]:
            continue
        limit, value = kpi.alert.at, row["value"]
        if value <= limit if kpi.direction == "up" else value >= limit:
            side = "at or below" if kpi.direction == "up" else "at or above"
            why = f"{value:g} is {side} {limit:g}; the target is {kpi.target:g}"
            yield _alert(row["kpi"], kpi, row["day"], kpi.per, "target", value) | {"why": why}


def _odd(
    names: list[str], days: list[date], values: Array, usual: Band, unusual: np.ndarray, journey: Journey
) -> Iterator[Row]:
    """Days that are not as they should have been, of KPIs that ask for it."""
    for n, name in enumerate(names):
        kpi = journey.kpis[name]
        for at in np.flatnonzero(unusual[n]) if kpi.alert.unusual else ():
            low, high, expected = (getattr(usual, key)[n, at] for key in ("low", "high", "expected"))
            why = f"{values[n, at]:g} is unusual; {expected:g} was expected, {low:g} to {high:g}"
            yield _alert(name, kpi, days[at], "day", "unusual", float(values[n, at])) | {"why": why}


def _shifted(names: list[str], days: list[date], values: Array, journey: Journey) -> Iterator[Row]:
    """Levels that broke for the worse, of KPIs that ask for it, in the week of the break: its day may move a little."""
    for name, series in zip(names, values, strict=True):
        kpi = journey.kpis[name]
        found = trend(series) if kpi.alert.shift else None
        if found is None or found.broke_at is None or found.before is None or found.after is None:
            continue
        if found.after == found.before or (found.after > found.before) == (kpi.direction == "up"):
            continue
        broke = days[found.broke_at]
        why = f"{found.after:g} since {broke}; it was {found.before:g} before, and chance does not explain that"
        yield _alert(name, kpi, broke - timedelta(days=broke.weekday()), "week", "shift", found.after) | {"why": why}


def _alert(name: str, kpi: Kpi, day: date, period: str, kind: str, value: float) -> Row:
    told = {"stage": kpi.stage, "title": kpi.title, "unit": kpi.unit, "target": kpi.target, "owner": kpi.owner}
    return {"kpi": name, "day": day, "period": period, "kind": kind, "value": round(value, 6), **told}
