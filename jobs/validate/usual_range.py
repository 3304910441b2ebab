"""What is usual: a robust centre and spread of earlier numbers, by weekday where the week has a rhythm."""

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
RHYTHM = 0.5
"""A week has a rhythm if numbers differ from their own weekday's at most this share of what they differ in all.

Without one, a split by weekday only forgets: a mailing would be news once for each weekday it falls on.
"""
SEEN_BEFORE = 2
"""Days with such a number that make it usual: a mailing every other week, a full export every month."""
MANY = 91
"""What a median over all days counts for."""


@dataclass(frozen=True)
class Range:
    """Per metric the centre of what was seen, its spread in standard deviations, and how many of those are usual.

    What was seen SEEN_BEFORE times is usual too, however far from the centre: `low` and `high` are such numbers.
    """

    centre: np.ndarray
    spread: np.ndarray
    tolerance: float
    low: np.ndarray
    high: np.ndarray

    def distance(self, seen: np.ndarray) -> np.ndarray:
        return np.abs(seen - self.centre) / self.spread

    def holds(self, seen: np.ndarray) -> np.ndarray:
        before = (self.low - self._margin(self.low) <= seen) & (seen <= self.high + self._margin(self.high))
        return np.asarray((self.distance(seen) <= self.tolerance) | before)

    def _margin(self, bound: np.ndarray) -> np.ndarray:
        """Around what was seen before: a standard deviation, or half its way from the centre: bursts differ in size."""
        return np.maximum(self.spread, np.abs(bound - self.centre) / 2)

    def words(self, place: int, shape: str) -> str:
        """`5 (1 to 9)`: the centre, and the range; shares and counts have no other side of 0."""
        centre, reach = float(self.centre[place]), self.tolerance * float(self.spread[place])
        low, high = float(np.fmin(centre - reach, self.low[place])), float(np.fmax(centre + reach, self.high[place]))
        low = max(0.0, low) if centre >= 0 else low
        high = min(1.0, high) if shape.endswith("%}") else high
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

    The centre is the median of the same weekday if the week has a rhythm and there are at least WEEKS of it, else of
    all days. The spread is the larger of `floor` and the deviations of all days from their own centres, times `thin`.
    """
    weekdays = np.array([one.weekday() for one in days])
    overall = median(numbers)
    by_weekday = np.empty_like(numbers)
    for weekday in np.unique(weekdays):
        same = weekdays == weekday
        own, count = _centre(numbers[same], overall)
        # The median of so few numbers lies closer to them than to the next one.
        by_weekday[same] = (numbers[same] - own) * np.sqrt(count / (count - 1))
    rhythm = _mean(np.abs(by_weekday)) <= RHYTHM * _mean(np.abs(numbers - overall))
    residuals = np.where(rhythm, by_weekday, numbers - overall)
    today = numbers[weekdays == day.weekday()]
    own, count = _centre(today, overall)
    split = rhythm & (count < MANY)
    low, high = (np.where(split, _seen_before(today, side), _seen_before(numbers, side)) for side in (1, -1))
    centre = np.where(split, own, overall)
    spread = np.maximum(MAD * median(np.abs(residuals)) * thin, floor(centre))
    return Range(centre, spread, tolerance, low, high)


def _centre(numbers: np.ndarray, overall: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per metric the median of these numbers and how many they are, or `overall` where they are too few."""
    count = np.isfinite(numbers).sum(axis=0)
    own = count >= WEEKS
    return np.where(own, median(numbers), overall), np.where(own, count, MANY)


def _seen_before(numbers: np.ndarray, side: int) -> np.ndarray:
    """The number that SEEN_BEFORE days reached: the lowest such (1) or the highest (-1); NaN if there are fewer."""
    padded = np.vstack([numbers, np.full((SEEN_BEFORE, numbers.shape[1]), np.nan)])
    return np.asarray(side * np.sort(side * padded, axis=0)[SEEN_BEFORE - 1])


def _mean(numbers: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a metric that no day has
        return np.asarray(np.nanmean(numbers, axis=0))


def median(numbers: np.ndarray) -> np.ndarray:
    """Per metric the median of what is known, or NaN. NumPy's own takes a masked array for each, many times slower."""
    if not len(numbers):
        return np.full(numbers.shape[1], np.nan)
    return quantile(np.sort(numbers, axis=0).T, 0.5)


def quantile(ordered: np.ndarray, share: float, least: int = 1) -> np.ndarray:
    """A quantile of sorted values along the last axis, NaN ones left out; NaN of fewer than `least`."""
    number = np.sum(~np.isnan(ordered), axis=-1)
    place = np.clip(share * (number + 1) - 1, 0, np.maximum(number - 1, 0))  # an end is as likely passed as it says
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, np.maximum(number - 1, 0))
    ends = [np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (below, above)]
    return np.where(number >= least, ends[0] + (ends[1] - ends[0]) * (place - below), np.nan)
