"""What is usual: a robust centre and spread of earlier numbers, by weekday where there are enough."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

MAD = 1.4826
"""Median absolute deviation to standard deviation, for normal numbers."""
WEEKS = 4
"""Numbers of one weekday from which that weekday is compared with itself."""


@dataclass(frozen=True)
class Range:
    """Per metric the centre of what was seen, its spread in standard deviations, and how many of those are usual."""

    centre: np.ndarray
    spread: np.ndarray
    tolerance: float

    def distance(self, seen: np.ndarray) -> np.ndarray:
        return np.abs(seen - self.centre) / self.spread

    def holds(self, seen: np.ndarray) -> np.ndarray:
        return self.distance(seen) <= self.tolerance

    def words(self, place: int, shape: str) -> str:
        """`5 (1 to 9)`: the centre, and the range; shares and counts have no other side of 0."""
        centre, reach = float(self.centre[place]), self.tolerance * float(self.spread[place])
        low = max(0.0, centre - reach) if centre >= 0 else centre - reach
        high = min(1.0, centre + reach) if shape.endswith("%}") else centre + reach
        return f"{shape.format(centre)} ({shape.format(low)} to {shape.format(high)})"


def usual(
    day: date,
    days: Sequence[date],
    numbers: np.ndarray,
    tolerance: float,
    floor: Callable[[np.ndarray], np.ndarray],
    thin: np.ndarray | float = 1.0,
) -> Range:
    """What is usual on `day`, by `numbers` of earlier `days` (a row a day, a column a metric; NaN: not known).

    The centre is the median of the same weekday if there are at least WEEKS of it, else of all days. The spread is
    the larger of `floor` and the deviations of all days from their own centres, times `thin`.
    """
    weekdays = np.array([one.weekday() for one in days])
    residuals = np.empty_like(numbers)
    for weekday in np.unique(weekdays):
        same = weekdays == weekday
        if same.sum() >= WEEKS:
            # The median of so few numbers lies closer to them than to the next one.
            residuals[same] = (numbers[same] - _median(numbers[same])) * np.sqrt(same.sum() / (same.sum() - 1))
        else:
            residuals[same] = numbers[same] - _median(numbers)
    same = weekdays == day.weekday()
    mine = numbers[same] if same.sum() >= WEEKS else numbers
    centre = np.where(np.isnan(_median(mine)), _median(numbers), _median(mine))
    spread = np.maximum(MAD * _median(np.abs(residuals)) * thin, floor(centre))
    return Range(centre, spread * np.sqrt(1 + 1.57 / len(mine)), tolerance)


def _median(numbers: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a metric that no day has
        return np.asarray(np.nanmedian(numbers, axis=0))
