"""How much more likely an outcome is if a customer is approached, and whether to believe it.

Two classifiers, one of those who were approached and one of those who were not; their difference is the effect
(T-learner: Künzel et al., Metalearners for estimating heterogeneous treatment effects, PNAS 2019). What a policy would
have brought is estimated from the draw alone: each person counts by one over the chance of its arm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from jobs.errors import NotTrainable
from jobs.models import gate, intervals
from jobs.models.classify import classifier
from jobs.models.gate import Check
from jobs.models.intervals import Interval

LEAST = 200
"""Rows in a leaf: an effect is a small difference of two shares."""


@dataclass(frozen=True)
class Effect:
    """The two classifiers."""

    approached: lgb.Booster
    left_alone: lgb.Booster

    def of(self, frame: pd.DataFrame) -> np.ndarray:
        """By how much approaching raises the probability of the outcome, per row; below 0 where it lowers it."""
        return classifier.predict(self.approached, frame) - classifier.predict(self.left_alone, frame)

    def parts(self, frame: pd.DataFrame) -> np.ndarray:
        """What each feature adds to the difference of log odds, per row."""
        return classifier.contributions(self.approached, frame) - classifier.contributions(self.left_alone, frame)


@dataclass(frozen=True)
class Draw:
    """What chance drew and what came: `treated` and `outcome` are 1 or 0, `customers` tells rows of one person."""

    treated: np.ndarray
    outcome: np.ndarray
    customers: np.ndarray

    @property
    def share(self) -> float:
        """How many of all were approached."""
        return float(self.treated.mean())

    def effects(self) -> np.ndarray:
        """A number per row whose mean over any group that the draw did not look at is the effect on that group."""
        return self.outcome * (self.treated / self.share - (1 - self.treated) / (1 - self.share))


def fit(frame: pd.DataFrame, draw: Draw, seed: int, parameters: Mapping[str, Any]) -> Effect:
    """Learn from both arms. Raises NotTrainable, saying which arm lacks what."""
    found = []
    for arm, called in ((1, "approached"), (0, "left alone")):
        mine = draw.treated == arm
        rows = frame[mine].reset_index(drop=True)
        classifier.check_trainable(rows, draw.outcome[mine], f"of those {called} to learn from")
        asked = {"min_data_in_leaf": min(LEAST, max(1, len(rows) // 20)), **parameters}
        found.append(classifier.fit(rows, draw.outcome[mine], draw.customers[mine], seed, asked))
    return Effect(*found)


def qini(effect: np.ndarray, draw: Draw, weight: np.ndarray | None = None) -> float:
    """Qini coefficient: area between the curve of further outcomes, approaching those with the largest effects first,
    and the straight line of approaching anybody, per person (Radcliffe 2007). 0 for an order by chance."""
    counts = np.ones(len(effect)) if weight is None else weight
    order = np.argsort(-effect, kind="stable")
    n = counts[order]
    gained = np.cumsum(draw.effects()[order] * n)
    people = np.cumsum(n)
    line = gained[-1] * people / people[-1]
    return float(((gained - line) * n).sum() / people[-1] ** 2)


def qini_interval(effect: np.ndarray, draw: Draw, theirs: np.ndarray | None = None) -> Interval:
    """The coefficient, or how much higher it is than that of `theirs`, by drawing customers again and again."""

    def value(weight: np.ndarray | None) -> float:
        found = qini(effect, draw, weight)
        return found if theirs is None else found - qini(theirs, draw, weight)

    drawn = [value(weight) for weight in intervals.draws(len(effect), draw.customers)]
    return intervals.of_draws(value(None), drawn)


def brought(chosen: np.ndarray, draw: Draw, worth: float, cost: float) -> np.ndarray:
    """Per person what approaching the chosen brings over approaching nobody; its mean is the value of the policy."""
    return chosen * (worth * draw.effects() - cost)


def figures(chosen: np.ndarray, draw: Draw, worth: float, cost: float) -> dict[str, float]:
    """Of those the policy chooses: the share, how many more have the outcome if approached (`incremental_rate`), and,
    as this draw has it, what those approached brought less what those left alone did (`net_value`)."""
    both = [chosen & (draw.treated == arm) for arm in (1, 0)]
    approached, alone = both
    sums = [float(draw.outcome[one].sum()) for one in both]
    rates = [total / max(int(one.sum()), 1) for total, one in zip(sums, both, strict=True)]
    return {
        "chosen_share": float(chosen.mean()),
        "incremental_rate": rates[0] - rates[1],
        "net_value": worth * (sums[0] - sums[1]) - cost * float(approached.sum()),
        "rate_if_approached": rates[0],
        "rate_if_left_alone": rates[1] if alone.any() else 0.0,
    }


def checks(
    effect: np.ndarray,
    chosen: np.ndarray,
    draw: Draw,
    worth: float,
    cost: float,
    champion: np.ndarray | None,
    least: float,
) -> list[Check]:
    """Every check, in the order in which its reasons are told. An order that chance explains is no model; a policy that
    brings less than approaching everybody, or nobody, is none either."""
    ours = qini_interval(effect, draw)
    policy = brought(chosen, draw, worth, cost)
    everybody = brought(np.ones(len(chosen), dtype=bool), draw, worth, cost)
    told = "orders customers better than chance does" if ours.above_zero else "does not order customers beyond chance"
    found = [Check("qini", ours.above_zero, ours.value, 0.0, f"Qini coefficient {ours}: it {told}", ours)]
    for name, other in (("everybody", everybody), ("nobody", np.zeros(len(chosen)))):
        gain = intervals.mean(policy - other, draw.customers)
        passed = not gain.below_zero
        reason = f"approaching whom it names brings {gain} more per customer than approaching {name}"
        found.append(Check(f"gain_over_{name}", passed, gain.value, 0.0, reason, gain))
    gained = qini_interval(effect, draw, champion) if champion is not None else None
    theirs = qini(champion, draw) if champion is not None else None
    return [*found, gate.beats_champion("Qini coefficient", ours.value, theirs, gained, least)]


def refuse_one_arm(draw: Draw, called: str) -> None:
    """Raises NotTrainable if everybody, or nobody, was approached."""
    if not len(draw.treated) or draw.share in (0.0, 1.0):
        arm = "approached" if len(draw.treated) and draw.share else "left alone"
        raise NotTrainable(
            f"of {called} all {len(draw.treated)} customers were {arm}: without both there is no effect to learn; give "
            "the action a `holdout`, or name an experiment drawn by chance"
        )
