"""What two arms that were drawn at random tell: differences with intervals that may be looked at every day.

A fixed interval is right for one look; who looks every day and stops when he likes what he sees is wrong in a third of
tests without effect. The intervals here hold at every look at once (confidence sequences). Sources:

- variance of a difference of means: Welch.
- CUPED: Deng, Xu, Kohavi, Walker, "Improving the sensitivity of online controlled experiments by utilizing
  pre-experiment data", WSDM 2013.
- ratios by the delta method: Deng, Knoblich, Lu, "Applying the delta method in metric analytics", KDD 2018.
- asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and
  asymptotic confidence sequences", Annals of Statistics 2024.
- sample ratio mismatch: Fabijan et al., KDD 2019; alarm at p < 0.001.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

ALPHA = 0.05
MISMATCH = 0.001
"""p below which the arms have not the sizes they were drawn with: nothing that follows can be trusted."""
PLANNED = 1_000
"""Units at which an interval is tightest unless said otherwise, the same at every look: one that is tuned to the units
of each look does not hold at all of them. From 100 units to a million it is at most 3.9 standard errors each way."""


@dataclass(frozen=True)
class Difference:
    """`treated` minus `held_out`, per unit. `low` and `high` hold at every look; `p_value` is that of a single look."""

    treated: float
    held_out: float
    difference: float
    low: float
    high: float
    p_value: float
    error: float
    """Standard error of the difference."""


@dataclass(frozen=True)
class Arm:
    """What came of the draws of a variant; whoever was drawn more than once is one unit."""

    unit: np.ndarray
    numerators: np.ndarray
    denominators: np.ndarray
    propensity: np.ndarray


def means(
    treated: np.ndarray,
    held_out: np.ndarray,
    before: tuple[np.ndarray, np.ndarray] | None = None,
    planned: int = PLANNED,
    alpha: float = ALPHA,
) -> Difference:
    """Difference of the means of a number per unit, narrowed by what the same units did before (CUPED) if given.

    `planned` is the number of units at which the interval is to be tightest; it must be the same at every look.
    Raises ValueError for an arm of fewer than two units.
    """
    if min(len(treated), len(held_out)) < 2:
        raise ValueError("an arm of fewer than two units has no spread")
    first, second = treated.astype(float), held_out.astype(float)
    if before is not None:
        first, second = _narrowed(first, second, *(one.astype(float) for one in before))
    error = float(np.sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second)))
    found = float(first.mean() - second.mean())
    return _told(float(treated.mean()), float(held_out.mean()), found, error, len(first) + len(second), planned, alpha)


def ratios(
    treated: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    planned: int = PLANNED,
    alpha: float = ALPHA,
) -> Difference:
    """Difference of two ratios of sums, such as amount per order, each as (numerators, denominators) per unit.

    Of clusters, such as households with their number of customers as denominators, it is the difference per customer.
    """
    (p, first), (q, second) = _ratio(*treated), _ratio(*held_out)
    error = float(np.sqrt(first + second))
    return _told(p, q, p - q, error, len(treated[0]) + len(held_out[0]), planned, alpha)


def weighted(treated: Arm, held_out: Arm, planned: int = PLANNED, alpha: float = ALPHA) -> Difference:
    """Difference of two ratios of sums (of means, if all denominators are 1) of what was drawn with chances that
    changed: each draw weighs one over its own (Hajek)."""
    (p, first), (q, second) = _weighted(treated), _weighted(held_out)
    error = float(np.sqrt(first + second))
    return _told(p, q, p - q, error, len(treated.numerators) + len(held_out.numerators), planned, alpha)


def chance_ratio(propensities: Sequence[np.ndarray]) -> float:
    """p of a test that arms were drawn with the chances that were kept of each draw: the weights of every arm then add
    up to all draws. The smallest of the arms, times their number (Bonferroni)."""
    every = sum(len(one) for one in propensities)
    lowest = 1.0
    for one in propensities:
        error = float(np.sqrt((1 / one**2 - 1 / one).sum()))
        off = float((1 / one).sum() - every)
        lowest = min(lowest, float(2 * stats.norm.sf(abs(off) / error))) if error else lowest
    return min(1.0, lowest * len(propensities))


def together(parts: Sequence[tuple[Difference, int]], planned: int = PLANNED, alpha: float = ALPHA) -> Difference:
    """The difference over parts that were drawn with shares of their own, given with their units: those of a part are
    compared with each other only, since a part is of a time of its own (post-stratification)."""
    units = sum(many for _, many in parts)
    weights = [(part, many / units) for part, many in parts]
    treated, held_out = (sum(getattr(one, arm) * w for one, w in weights) for arm in ("treated", "held_out"))
    found = sum(one.difference * w for one, w in weights)
    error = float(np.sqrt(sum((one.error * w) ** 2 for one, w in weights)))
    return _told(treated, held_out, found, error, units, planned, alpha)


def sample_ratio(treated: int, held_out: int, share_held_out: float) -> float:
    """p of a chi-squared test that the arms have the sizes they were drawn with."""
    every = treated + held_out
    expected = [every * (1 - share_held_out), every * share_held_out]
    return float(stats.chisquare([treated, held_out], expected).pvalue) if min(expected) > 0 else 1.0


def always_valid(error: float, units: int, planned: int = PLANNED, alpha: float = ALPHA) -> float:
    """Half the width of an interval that holds at every look, given the standard error at `units` units.

    Equation 14 of Waudby-Smith et al., with the rho that makes it tightest at `planned` units; it holds at every look
    together if these are the same at every look.
    """
    tightest = np.sqrt((-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / max(planned, PLANNED))
    spread = units * tightest**2 + 1
    return float(error * np.sqrt(2 * spread / (units * tightest**2) * np.log(np.sqrt(spread) / alpha)))


def _told(
    treated: float, held_out: float, found: float, error: float, units: int, planned: int, alpha: float
) -> Difference:
    half = always_valid(error, units, planned, alpha)
    p_value = float(2 * stats.norm.sf(abs(found) / error)) if error else 1.0
    return Difference(treated, held_out, found, found - half, found + half, p_value, error)


def _narrowed(
    first: np.ndarray, second: np.ndarray, first_before: np.ndarray, second_before: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both arms less what their past explains; the mean of the past of all is taken off, so no arm is moved."""
    every, past = np.concatenate([first, second]), np.concatenate([first_before, second_before])
    spread = past.var()
    if spread == 0:
        return first, second
    weight = np.cov(every, past, ddof=0)[0, 1] / spread
    return first - weight * (first_before - past.mean()), second - weight * (second_before - past.mean())


def _weighted(arm: Arm) -> tuple[float, float]:
    """The weighted ratio and its variance by the delta method, with units as clusters."""
    weights = 1 / arm.propensity
    total = (weights * arm.denominators).sum()
    places = np.unique(arm.unit, return_inverse=True)[1]
    many = int(places.max(initial=-1)) + 1
    if many < 2 or total == 0:
        raise ValueError("an arm without a denominator has no ratio")
    ratio = (weights * arm.numerators).sum() / total
    rest = np.bincount(places, weights=weights * (arm.numerators - ratio * arm.denominators))
    return float(ratio), float((rest**2).sum() * many / (many - 1) / total**2)


def _ratio(numerators: np.ndarray, denominators: np.ndarray) -> tuple[float, float]:
    """The ratio of the sums and its variance by the delta method."""
    total = denominators.sum()
    if len(numerators) < 2 or total == 0:
        raise ValueError("an arm without a denominator has no ratio")
    ratio = numerators.sum() / total
    rest = numerators - ratio * denominators
    return float(ratio), float(rest.var(ddof=1) * len(rest) / total**2)
