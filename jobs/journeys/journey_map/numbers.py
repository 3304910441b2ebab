"""Numbers of the journey map with 95 % intervals: shares, means, and how a KPI changed when something went live."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)
FEWEST_DAYS = 7
"""Days after something went live with which a change is told; fewer are not even a week."""


@dataclass(frozen=True)
class Estimate:
    """A number, the ends of its 95 % interval, and how many observations it rests on."""

    value: float
    low: float
    high: float
    observations: int


def share(part: int, whole: int) -> Estimate | None:
    """Of counts, with the interval of Wilson (1927); None of nothing."""
    if whole <= 0:
        return None
    value, spread = part / whole, Z * Z / whole
    middle = (value + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(value * (1 - value) / whole + spread / (4 * whole))
    return Estimate(round(value, 6), round(max(0.0, middle - half), 6), round(min(1.0, middle + half), 6), whole)


def mean(value: float, deviation: float, number: int) -> Estimate | None:
    """Of a mean and the standard deviation of what it is of; None of fewer than two."""
    if number < 2:
        return None
    half = Z * deviation / math.sqrt(number)
    return Estimate(round(value, 6), round(value - half, 6), round(value + half, 6), number)


@dataclass(frozen=True)
class Change:
    """A KPI before and after, and the difference with its 95 % interval."""

    before: float
    after: float
    change: float
    low: float
    high: float


Day = tuple[float, float | None]
"""Numerator and denominator of a KPI on a day."""


def change(before: Sequence[Day], after: Sequence[Day]) -> Change | None:
    """How a KPI changed; None where either side has no value or too few days.

    Each day counts as one observation, as what happens within a day goes together: the variance of a ratio of sums is
    that of the days' residuals (delta method), that of a count per day is that of the days.
    """
    sides = [_of_days(days) for days in (before, after)]
    if sides[0] is None or sides[1] is None:
        return None
    (old, old_variance), (new, new_variance) = sides[0], sides[1]
    half = Z * math.sqrt(old_variance + new_variance)
    ends = (new - old - half, new - old + half)
    return Change(round(old, 6), round(new, 6), round(new - old, 6), round(ends[0], 6), round(ends[1], 6))


def _of_days(days: Sequence[Day]) -> tuple[float, float] | None:
    """The value of all days together, and its variance."""
    if len(days) < FEWEST_DAYS:
        return None
    whole = math.fsum(1 if out_of is None else out_of for _, out_of in days)
    if whole <= 0:
        return None
    value = math.fsum(part for part, _ in days) / whole
    residuals = math.fsum((part - value * (1 if out_of is None else out_of)) ** 2 for part, out_of in days)
    return value, len(days) / (len(days) - 1) * residuals / whole**2
