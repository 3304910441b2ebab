"""What is usual for a number on a day, what it will be, and whether it moves: arrays of KPIs by days, no tables.

Every row of an array is one KPI, every column one day without gaps; a day without a value is NaN. What is said of a day
uses earlier days only, so it does not change when later ones come.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jobs.validate.usual_range import quantile

Array = NDArray[np.float64]
WEEKS = 8
"""What is usual is the median of the same weekday of so many weeks."""
LEAST_WEEKS = 4
ERRORS = 8 * 7
"""How wrong that is, is seen from so many days."""
LEAST_ERRORS = 4 * 7
TAIL = 0.025
NORMAL_TAIL = NormalDist().inv_cdf(1 - TAIL)
"""How many standard deviations away that tail of a normal distribution begins."""
FAR = 4.0
"""Robust standard deviations beyond which a value is unusual: of normal noise, one day in 16,000 if they were known."""
SURE = 0.99
"""Confidence that a trend is no chance."""
SHORTEST = 7
"""Days that a level lasts at least."""


@dataclass(frozen=True)
class Band:
    """What a value should be, by days: the middle, the ends of the 95 % interval, and how far is unusual."""

    expected: Array
    low: Array
    high: Array
    far: Array


@dataclass(frozen=True)
class Trend:
    """Change per week with its interval, and the last day on which the level broke, with the levels around it."""

    per_week: float
    low: float
    high: float
    broke_at: int | None = None
    before: float | None = None
    after: float | None = None

    @property
    def direction(self) -> str:
        return "up" if self.low > 0 else "down" if self.high < 0 else "flat"


def band(values: Array, weeks_ahead: int = 1) -> Band:
    """What each day should have been, as known `weeks_ahead` weeks earlier; NaN where too little was known.

    The interval has the quantiles of the errors that the same forecast made on earlier days, so it holds for counts,
    shares and levels that drift alike.
    """
    usual = _usual(values, weeks_ahead)
    seen = _windows(_shifted(values - usual, 7 * (weeks_ahead - 1) + 1))
    middle, low, high = (quantile(seen, q, LEAST_ERRORS) for q in (0.5, TAIL, 1 - TAIL))
    deviations = np.sort(np.abs(seen - middle[..., None]), axis=-1)
    robust = np.maximum(1.4826 * quantile(deviations, 0.5, LEAST_ERRORS), (high - low) / (2 * NORMAL_TAIL))
    expected = usual + middle
    far = FAR * np.maximum(robust, 0.02 * np.abs(expected))
    return Band(expected, usual + low, usual + high, far)


def ahead(values: Array, days: int) -> Band:
    """The same for the days that come after the last."""
    longer = np.concatenate([values, np.full((len(values), days), np.nan)], axis=1)
    parts = {n: band(longer, n) for n in range(1, -(-days // 7) + 1)}
    names, begin = ("expected", "low", "high", "far"), values.shape[1]
    picked = [[getattr(parts[day // 7 + 1], name)[:, begin + day] for day in range(days)] for name in names]
    return Band(*[np.stack(columns, axis=1) for columns in picked])


def is_unusual(values: Array, usual: Band) -> NDArray[np.bool_]:
    """Whether a value is farther from what it should be than noise goes."""
    with np.errstate(invalid="ignore"):
        return np.abs(values - usual.expected) > usual.far


def trend(values: Array) -> Trend | None:
    """Whether one number moves, by its last eight weeks, and where it broke; None with too few values.

    The slope is that of Theil and Sen, so single odd days do not count. Weekdays are made alike before.
    """
    recent = _without_weekdays(values[-WEEKS * 7 :])
    known = np.flatnonzero(~np.isnan(recent))
    if len(known) < LEAST_ERRORS:
        return None
    from scipy.stats import theilslopes  # half a second to load, and for companies with some history only

    slope = theilslopes(recent[known], known, alpha=SURE)
    whole = _without_weekdays(values)
    days = np.flatnonzero(~np.isnan(whole))[-26 * 7 :]
    breaks = level_breaks(whole[days])
    per_week = (7 * float(slope.slope), 7 * float(slope.low_slope), 7 * float(slope.high_slope))
    if not breaks:
        return Trend(*per_week)
    last, start = breaks[-1], breaks[-2] if len(breaks) > 1 else 0
    levels = np.median(whole[days[start:last]]), np.median(whole[days[last:]])
    return Trend(*per_week, int(days[last]), float(levels[0]), float(levels[1]))


def level_breaks(values: Array) -> list[int]:
    """Where the level of a series breaks: first places of new levels, by PELT (Killick, Fearnhead, Eckley 2012).

    Squared distance from the mean of a level, in units of the noise between neighbours; a level more has to save
    three times log(n) for its place and its height.
    """
    n = len(values)
    steps = np.diff(values)
    noise = np.mean(np.abs(steps)) * np.sqrt(np.pi) / 2 if n > 2 * SHORTEST else 0.0  # a break is one step of many
    if not noise:
        return []
    scaled = (values - np.median(values)) / noise
    sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (scaled, scaled**2))
    price = 3 * np.log(n)
    best, came_from, candidates = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=int), [0]
    best[0] = -price
    for end in range(SHORTEST, n + 1):
        starts = np.array(candidates)
        spread = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / (end - starts)
        total = best[starts] + spread
        chosen = int(np.argmin(total))
        best[end], came_from[end] = total[chosen] + price, starts[chosen]
        candidates = [*starts[total <= best[end]], *([end - SHORTEST + 1] if end - SHORTEST + 1 >= SHORTEST else [])]
    breaks, place = [], n
    while came_from[place]:
        place = int(came_from[place])
        breaks.append(place)
    return breaks[::-1]


def _usual(values: Array, weeks_ahead: int) -> Array:
    """The median of the same weekday of the weeks before."""
    weeks = np.stack([_shifted(values, 7 * (weeks_ahead + n)) for n in range(WEEKS)], axis=-1)
    return quantile(np.sort(weeks, axis=-1), 0.5, LEAST_WEEKS)


def _shifted(values: Array, days: int) -> Array:
    empty = np.full((len(values), min(days, values.shape[1])), np.nan)
    return np.concatenate([empty, values[:, : max(values.shape[1] - days, 0)]], axis=1)


def _windows(values: Array) -> Array:
    """The last days up to each day, sorted, those without a value at the end."""
    begun = np.concatenate([np.full((len(values), ERRORS - 1), np.nan), values], axis=1)
    return np.sort(np.lib.stride_tricks.sliding_window_view(begun, ERRORS, axis=1), axis=-1)


def _without_weekdays(values: Array) -> Array:
    """One series whose weekdays have the same median."""
    made = values.astype(float).copy()
    if np.all(np.isnan(made)):
        return made
    level = np.nanmedian(made)
    for weekday in range(7):
        own = made[weekday::7]
        if np.any(~np.isnan(own)):
            made[weekday::7] = own - np.nanmedian(own) + level
    return made
