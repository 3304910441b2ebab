"""What another policy would have come to, from what was drawn: with an interval, before it goes live.

Each draw says what came of one variant, and with which probability that was drawn. What a policy would draw more often
counts more, by the quotient of both probabilities. Sources:

- IPS: Horvitz, Thompson, JASA 1952.
- SNIPS, the same by the sum of its weights, with the variance of a ratio: Swaminathan, Joachims, "The self-normalized
  estimator for counterfactual learning", NIPS 2015.
- doubly robust: Dudik, Langford, Li, "Doubly robust policy evaluation and learning", ICML 2011. What is predicted of a
  draw comes of the draws of other people (cross-fitting), so it narrows the interval and moves nothing.
- effective sample size: Kish, "Survey sampling", 1965.

Intervals are those of a single look, with people as clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from scipy import stats

from jobs.audiences.chances import scale
from jobs.audiences.draws import Draws
from jobs.effects.estimates import ALPHA

FOLDS = 5
FEWEST = 30
"""Effective sample size below which nothing is said: the intervals lean on large numbers."""
MISMATCH = 1e-5
"""p below which the weights are not those of a policy of which every choice could be drawn."""
_RIDGE = 1.0


class NotEvaluable(ValueError):
    """Why nothing can be said of a policy, and what to do."""


@dataclass(frozen=True)
class Estimate:
    """What a policy would have come to per draw, by one estimator."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """All that is told of a policy."""

    estimates: tuple[Estimate, ...]
    """IPS, SNIPS and doubly robust."""
    drawn: float
    """Mean outcome of what was drawn."""
    more: Estimate
    """The policy less what was drawn, doubly robust."""
    effective: float
    """So many draws of the policy itself would tell as much."""
    draws: int


def evaluate(draws: Draws, policy: np.ndarray, alpha: float = ALPHA) -> Evaluation:
    """Estimate a policy, given as the probability of each variant (columns) for each draw.

    Raises NotEvaluable where propensities or overlap are missing.
    """
    refuse_missing_propensities(draws)
    weights = np.take_along_axis(policy, draws.variant[:, None], axis=1)[:, 0] / draws.propensity
    _refuse_missing_overlap(draws, policy, weights)
    predicted = predictions(draws)
    rest = draws.outcome - predicted[np.arange(len(weights)), draws.variant]
    robust = (policy * predicted).sum(axis=1) + weights * rest
    share = weights.mean()
    own = float((weights * draws.outcome).mean() / share)
    people = np.unique(draws.person, return_inverse=True)[1]
    interval = _Interval(people, float(stats.norm.ppf(1 - alpha / 2)))
    return Evaluation(
        (
            interval.of("IPS", weights * draws.outcome),
            interval.around("SNIPS", own, weights * (draws.outcome - own) / share),
            interval.of("doubly robust", robust),
        ),
        float(draws.outcome.mean()),
        interval.of("more", robust - draws.outcome),
        float(weights.sum() ** 2 / (weights**2).sum()),
        len(weights),
    )


def folds(draws: Draws) -> np.ndarray:
    """One of FOLDS parts for each draw, the same for all draws of a person and on every day."""
    return np.array([int(sha256(one.encode()).hexdigest()[:8], 16) % FOLDS for one in draws.person], int)


def predictions(draws: Draws) -> np.ndarray:
    """What each variant (columns) would come to for each draw, by a ridge regression over the draws of others."""
    told = np.empty((len(draws.outcome), len(draws.names)))
    of_fold = folds(draws)
    for fold in range(FOLDS):
        mine, others = of_fold == fold, draws.of(of_fold != fold)
        for variant in range(len(draws.names)):
            same = others.of(others.variant == variant)
            told[mine, variant] = _fitted(same if len(same.outcome) else others)(draws.context[mine])
    return told


def cross_fitted(draws: Draws, learn: Callable[[Draws, np.ndarray], np.ndarray]) -> np.ndarray:
    """The probabilities of a policy that is learned: for each draw from the draws of others.

    `learn` gives probabilities for contexts, from draws.
    """
    policy = np.empty((len(draws.outcome), len(draws.names)))
    of_fold = folds(draws)
    for fold in range(FOLDS):
        policy[of_fold == fold] = learn(draws.of(of_fold != fold), draws.context[of_fold == fold])
    return policy


def _fitted(draws: Draws) -> Callable[[np.ndarray], np.ndarray]:
    """A ridge regression of the outcome on the context; unknown is as the mean."""
    if not len(draws.outcome):
        return lambda context: np.zeros(len(context))
    middle = draws.outcome.mean()
    scaled = scale(draws.context)
    x = scaled(draws.context)
    slope = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ (draws.outcome - middle))
    return lambda context: middle + scaled(context) @ slope


@dataclass(frozen=True)
class _Interval:
    person: np.ndarray
    width: float

    def of(self, name: str, values: np.ndarray) -> Estimate:
        return self.around(name, float(values.mean()), values - values.mean())

    def around(self, name: str, value: float, rest: np.ndarray) -> Estimate:
        """The interval of a mean, given what each draw moves it by; draws of a person move it together."""
        together = np.bincount(self.person, weights=rest)
        many = len(together)
        half = self.width * np.sqrt((together**2).sum() * many / (many - 1)) / len(rest)
        return Estimate(name, value, value - half, value + half)


def refuse_missing_propensities(draws: Draws) -> None:
    """Raise NotEvaluable if nothing can be said of any policy."""
    unknown = ~(draws.propensity > 0)  # NaN, too
    if unknown.any():
        raise NotEvaluable(
            f"{unknown.sum():,} of {len(unknown):,} draws have no propensity: they were made before it was kept, and "
            "nobody can say how likely they were. Look at later ones only, with --since DAY"
        )
    if len(unknown) < FEWEST:
        raise NotEvaluable(f"only {len(unknown)} draws whose days have passed; {FEWEST} are the fewest to say anything")


def _refuse_missing_overlap(draws: Draws, policy: np.ndarray, weights: np.ndarray) -> None:
    """A policy is only known where what it would draw could be drawn."""
    seen = np.bincount(draws.variant, minlength=len(draws.names)) > 0
    wanted = policy.mean(axis=0)
    never = [f"{name} ({share:.0%})" for name, share, was in zip(draws.names, wanted, seen, strict=True)
             if share > 0 and not was]  # fmt: skip
    if never:
        raise NotEvaluable(f"the policy draws what nobody got: {', '.join(never)}. Give it a share first")
    effective = weights.sum() ** 2 / (weights**2).sum() if weights.any() else 0.0
    if effective < FEWEST:
        raise NotEvaluable(
            f"too little overlap: {len(weights):,} draws tell as much as {effective:.0f} of the policy itself, fewer "
            f"than {FEWEST}. It draws what was hardly ever drawn for the same people: draw more evenly, or wait"
        )
    off = (weights.mean() - 1) / (weights.std(ddof=1) / np.sqrt(len(weights)) or 1)
    if 2 * stats.norm.sf(abs(off)) < MISMATCH:
        raise NotEvaluable(
            f"the weights are {weights.mean():.2f} on average, not 1: the policy draws what was never drawn for the "
            "same people, or the propensities are not those that were drawn with"
        )
