"""How sure a measured number is: intervals for areas under the curve, for differences of two models, and for any mean.

Rows of one customer are no independent witnesses: everything is counted per customer (`groups`). Nothing is drawn by
chance that a fixed seed does not repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

CONFIDENCE = 0.95
DRAWS = 400


@dataclass(frozen=True)
class Interval:
    """A measured value and the range it would stay in, in 95 of 100 samples of other customers like these."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"

    @property
    def above_zero(self) -> bool:
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        return self.high < 0


def auc(label: np.ndarray, score: np.ndarray, groups: np.ndarray | None = None) -> Interval:
    """Chance that a row with the outcome scores higher than one without, after DeLong, rows of a customer together."""
    return _of_placements(*_placements(label, score), label, groups)


def auc_gain(label: np.ndarray, ours: np.ndarray, theirs: np.ndarray, groups: np.ndarray | None = None) -> Interval:
    """How much higher the AUC of `ours` is than that of `theirs` on the same rows."""
    (ours_with, ours_without), (with_, without) = _placements(label, ours), _placements(label, theirs)
    return _of_placements(ours_with - with_, ours_without - without, label, groups)


def mean(values: np.ndarray, groups: np.ndarray | None = None) -> Interval:
    """The mean of `values`, such as how much smaller each error is, or how much better each customer is placed."""
    number, totals, counts = _per_group(values, groups)
    value = float(values.mean())
    error = np.sqrt(number / max(number - 1, 1) * ((totals - value * counts) ** 2).sum()) / len(values)
    return _around(value, float(error))


def draws(rows: int, groups: np.ndarray | None = None, count: int = DRAWS, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each row counts when customers are drawn with replacement, again and again (bootstrap)."""
    random = np.random.default_rng(seed)
    keys = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    number = int(keys.max()) + 1
    for _ in range(count):
        yield np.bincount(random.integers(0, number, number), minlength=number)[keys]


def of_draws(value: float, drawn: Sequence[float] | np.ndarray) -> Interval:
    """The interval that holds 95 of 100 of the values measured on draws."""
    low, high = np.nanquantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(value), float(low), float(high))


def _placements(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per row with the outcome the share of rows without it that it beats, and the other way round; ties are half."""
    yes = np.asarray(label) == 1
    ranks, count_yes, count_no = rankdata(score), int(yes.sum()), int((~yes).sum())
    of_yes, of_no = rankdata(np.asarray(score)[yes]), rankdata(np.asarray(score)[~yes])
    return (ranks[yes] - of_yes) / count_no, 1 - (ranks[~yes] - of_no) / count_yes


def _of_placements(with_: np.ndarray, without: np.ndarray, label: np.ndarray, groups: np.ndarray | None) -> Interval:
    """Mean placement with the variance of Obuchowski (1997), which is DeLong's when every row is its own group."""
    yes = np.asarray(label) == 1
    value = float(with_.mean())
    keys = np.arange(len(yes)) if groups is None else np.unique(groups, return_inverse=True)[1]
    number = int(keys.max()) + 1
    of_yes = np.bincount(keys[yes], with_ - value, number)
    of_no = np.bincount(keys[~yes], without - value, number)
    here_yes, here_no = len(np.unique(keys[yes])), len(np.unique(keys[~yes]))
    variance = (
        here_yes / max(here_yes - 1, 1) * (of_yes**2).sum() / len(with_) ** 2
        + here_no / max(here_no - 1, 1) * (of_no**2).sum() / len(without) ** 2
        + 2 * number / max(number - 1, 1) * (of_yes * of_no).sum() / (len(with_) * len(without))
    )
    return _around(value, float(np.sqrt(max(variance, 0.0))))


def _per_group(values: np.ndarray, groups: np.ndarray | None) -> tuple[int, np.ndarray, np.ndarray]:
    if groups is None:
        return len(values), values, np.ones(len(values))
    keys = np.unique(groups, return_inverse=True)[1]
    return int(keys.max()) + 1, np.bincount(keys, values), np.bincount(keys)


def _around(value: float, error: float) -> Interval:
    reach = float(norm.ppf((1 + CONFIDENCE) / 2)) * error
    return Interval(value, value - reach, value + reach)
