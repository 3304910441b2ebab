"""With which chance each variant of an adaptive experiment is drawn, by what came of those drawn before.

- thompson: the probability that a variant is the best, each mean being normal about what was seen (Thompson, Biometrika
  1933; Chapelle, Li, "An empirical evaluation of Thompson sampling", NIPS 2011). It is integrated, not drawn, so it is
  exact and the same every time.
- linucb: the variant with the highest upper confidence bound, by a ridge regression of its own (algorithm 1 of Li, Chu,
  Langford, Schapire, "A contextual-bandit approach to personalized news article recommendation", WWW 2010).

Both weigh what was seen by one over the chance it was drawn with (Dimakopoulou, Zhou, Athey, Imbens, "Balanced linear
contextual bandits", AAAI 2019): otherwise a variant that is drawn more often in a good week looks better than it is.
Then every variant gets its floor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
from scipy import stats

from jobs.audiences.draws import Draws
from jobs.config.actions.allocation import Allocation

_PLACES = 4_000
"""Points at which the probability of being the best is summed up: it is off by less than 0.001."""
_BUCKETS = 16**8


def chances(
    allocation: Allocation, shares: Sequence[float], seen: Draws, context: np.ndarray, down: bool
) -> np.ndarray:
    """The chance of each variant (columns) for each context (rows); `down`: less is better.

    The shares, as long as there is a variant of which too little is known.
    """
    drawn = np.bincount(seen.variant, minlength=len(shares))
    if drawn.min() < allocation.after:
        return np.tile(shares, (len(context), 1))
    reward = -seen.outcome if down else seen.outcome
    if allocation.method == "thompson":
        told = np.tile(best(*_means(seen, reward)), (len(context), 1))
    else:
        told = highest(upper_bounds(seen, reward, context, allocation.width))
    free = 1 - allocation.floor * len(shares)
    chance = np.round(allocation.floor + free * told, 6)
    chance[:, -1] = np.round(1 - chance[:, :-1].sum(axis=1), 6)
    return chance


def drawn(units: Sequence[str], salt: str, chance: np.ndarray) -> np.ndarray:
    """The place of the variant drawn for each unit: the same for the same unit, salt and chances."""
    place = np.array([int(sha256(f"{salt}|{unit}".encode()).hexdigest()[:8], 16) for unit in units]) / _BUCKETS
    return (place[:, None] >= chance.cumsum(axis=1)[:, :-1]).sum(axis=1)


def best(means: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """The probability that each of several independent normal variables is the largest."""
    if not errors.any():
        return np.asarray(means == means.max(), float) / (means == means.max()).sum()
    places = stats.norm.ppf((np.arange(_PLACES) + 0.5) / _PLACES)
    told = np.empty(len(means))
    for n, (mean, error) in enumerate(zip(means, errors, strict=True)):
        others = np.arange(len(means)) != n
        below = (mean + error * places[:, None] - means[others]) / errors[others]
        told[n] = stats.norm.cdf(below).prod(axis=1).mean()
    return told / told.sum()


def highest(bounds: np.ndarray) -> np.ndarray:
    """All of each row to the highest of its bounds; variants that share it get equal parts."""
    top = bounds == bounds.max(axis=1, keepdims=True)
    return np.asarray(top / top.sum(axis=1, keepdims=True), float)


def _means(seen: Draws, reward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each variant, weighted, and its standard error, by the spread of all within their variant."""
    weights = 1 / seen.propensity
    many = len(seen.names)
    total, squares = (np.bincount(seen.variant, weights=one, minlength=many) for one in (weights, weights**2))
    means = np.bincount(seen.variant, weights=weights * reward, minlength=many) / total
    spread = np.sqrt((weights * (reward - means[seen.variant]) ** 2).sum() / weights.sum())
    return means, spread * np.sqrt(squares) / total


def upper_bounds(seen: Draws, reward: np.ndarray, context: np.ndarray, width: float) -> np.ndarray:
    """How good each variant (columns) may be for each context (rows)."""
    scaled = scale(seen.context)
    x, wanted = (np.column_stack([np.ones(len(one)), scaled(one)]) for one in (seen.context, context))
    weights = 1 / seen.propensity
    middle = float(np.average(reward, weights=weights))
    fits, rest = [], np.empty(len(reward))
    for variant in range(len(seen.names)):
        mine = seen.variant == variant
        weight = weights[mine] * weights[mine].sum() / (weights[mine] ** 2).sum()  # as many as they tell as much as
        known = (x[mine] * weight[:, None]).T @ x[mine] + np.eye(x.shape[1])
        slope = np.linalg.solve(known, x[mine].T @ (weight * (reward[mine] - middle)))
        rest[mine] = reward[mine] - middle - x[mine] @ slope
        fits.append((slope, np.linalg.inv(known)))
    spread = np.sqrt(np.average(rest**2, weights=weights))
    bounds = [wanted @ slope + width * spread * np.sqrt(np.einsum("ij,jk,ik->i", wanted, inverse, wanted))
              for slope, inverse in fits]  # fmt: skip
    return np.round(np.stack(bounds, axis=1), 9)


def scale(context: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Contexts on one scale, that of these: mean 0 and deviation 1; what is unknown, or never differs, is 0."""
    known = ~np.isnan(context)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, context, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, context - middle, 0) ** 2).sum(axis=0) / count)
    inverse = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
    return lambda other: np.nan_to_num((other - middle) * inverse, nan=0.0)
