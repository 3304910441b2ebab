"""How far a company is, by what its runs did: levels 0 to 4 with their evidence, and what to do next.

An area is as far as the measure in which it is least far: what is missing there is missing from everything that rests
on it. Nobody is asked how far he thinks he is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from jobs.config.maturity import LEVELS, Maturity
from jobs.config.settings import Settings
from jobs.lake.queries import connect, views_of
from jobs.report.maturity_measures import AREAS, FILLED_BY, MEASURES, Measure

NEARLY = 1e-9
"""What a share may miss by counting with fractions."""
Counted = tuple[float | None, float | None]
"""What a query of a measure gives: `have` and `of`."""


@dataclass(frozen=True)
class Reading:
    """One measure: its number, its level, and what the next level takes."""

    measure: Measure
    level: int | None
    """0 to 4; None if it cannot be told yet."""
    evidence: str
    """The number in words, or why there is none."""
    value: float | None = None
    asks: float | None = None
    """The number from which the next level begins; None at the highest."""
    short: int | None = None
    """How many more that takes, of what is counted."""

    @property
    def todo(self) -> str:
        """What the next level takes, and how to get there; empty at the highest one, or if it cannot be told yet."""
        if self.level is None or self.level == LEVELS:
            return ""
        if self.value is None:
            return FILLED_BY[self.measure.needs[0]]
        return f"level {self.level + 1} is {self.short:,} away ({self.measure.have}): {self.measure.todo}"


@dataclass(frozen=True)
class Area:
    """One part of the work, such as consent. `weakest` is the reading that holds it back."""

    name: str
    level: int | None
    readings: tuple[Reading, ...]
    weakest: Reading


@dataclass(frozen=True)
class Report:
    """All areas as of the newest day on which anything landed; None of an empty lake."""

    as_of: date | None
    first: date | None
    areas: tuple[Area, ...]

    @property
    def begin_with(self) -> Area | None:
        """Where the next step brings most: the area of the lowest level; of several the one that others rest on."""
        told = [area for area in self.areas if area.level is not None and area.level < LEVELS]
        return min(told, key=lambda area: area.level or 0, default=None)


def read(settings: Settings) -> Report:
    """The report of a company, from its lake."""
    asked = {name for one in MEASURES for name in one.needs}
    database = connect(settings, unwritten=True, only=asked)
    existing, rules = views_of(database), settings.maturity
    spans = database.sql("select min(arrived), max(arrived) from ops.files").fetchall() if existing else []
    oldest, as_of = spans[0] if spans else (None, None)
    if as_of is None:
        return Report(None, None, areas({}, {}, rules, 0))
    first, history = as_of - timedelta(days=rules.days - 1), (as_of - oldest).days + 1
    tables = sorted({one.needs[0] for one in MEASURES})
    filled = {name: bool(database.sql(f"select 1 from {name} limit 1").fetchall()) for name in tables}
    counted = {one.name: database.sql(one.query(first, as_of)).fetchall()[0] for one in MEASURES}
    return Report(as_of, first, areas(counted, filled, rules, history))


def areas(
    counted: Mapping[str, Counted], filled: Mapping[str, bool], rules: Maturity, history: int
) -> tuple[Area, ...]:
    """Every area, from what was counted of each measure, which tables have rows, and days that files are of."""
    told = [reading(one, counted.get(one.name), bool(filled.get(one.needs[0])), rules, history) for one in MEASURES]
    return tuple(_area(name, [one for one in told if one.measure.area == name]) for name in AREAS)


def _area(name: str, readings: Iterable[Reading]) -> Area:
    every = tuple(readings)
    weakest = min(every, key=lambda one: -1 if one.level is None else one.level)
    return Area(name, weakest.level, every, weakest)


def reading(measure: Measure, counted: Counted | None, filled: bool, rules: Maturity, history: int) -> Reading:
    """One measure, from what was counted of it. `filled`: there are rows in its table; `history`: days of files."""
    levels = rules.of(measure.name)
    if not filled or counted is None:
        return Reading(measure, 0, f"no data: there are no rows in {measure.needs[0]}", asks=levels[0])
    if measure.window and history < rules.fewest_days:
        young = f"too early to tell: files of {history:,} days arrived, and it takes {rules.fewest_days:,}"
        return Reading(measure, None, young)
    have, of = float(counted[0] or 0), float(counted[1] or 0)
    if measure.of and not of:
        return Reading(measure, 0, f"no data: no {measure.of} in {_where(measure, rules)}", asks=levels[0])
    value = have / of if measure.of else have
    level = sum(value >= number - NEARLY for number in levels)
    asks = levels[level] if level < LEVELS else None
    short = None if asks is None else max(1, ceil(asks * (of if measure.of else 1) - have - NEARLY))
    return Reading(measure, level, _evidence(measure, have, of, value, rules), value, asks, short)


def _evidence(measure: Measure, have: float, of: float, value: float, rules: Maturity) -> str:
    count = f"{have:,.0f} {measure.have}"
    share = f", of {of:,.0f} {measure.of} ({100 * value:.1f} %)" if measure.of else ""
    return f"{count}{share}; {_where(measure, rules)}"


def _where(measure: Measure, rules: Maturity) -> str:
    return measure.needs[0] + (f", last {rules.days} days" if measure.window else "")
