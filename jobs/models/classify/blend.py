"""Trees and a straight line together: what a classifier is.

Trees find steps and combinations, logistic regression what rises evenly; the mean of both log odds often tells more
than either, above all of few customers. How much the line counts is found in rows that neither learned from; where it
helps nothing it counts nothing, and the model is trees alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from jobs.models.classify import classifier
from jobs.models.classify.chances import blended, line_odds, line_parts, log_odds
from jobs.models.classify.classifier import Grown
from jobs.models.classify.line import learn, weights

SHARES = tuple(np.round(np.arange(0, 1.01, 0.1), 1).tolist())
"""How much the line may count."""
LOOKED_AT = 5000
"""Rows that tell how much each feature moves the line."""


@dataclass(frozen=True)
class Blend:
    """A classifier: trees, and the line beside them if it counts (see `line`)."""

    booster: lgb.Booster
    line: dict[str, Any] | None = None
    """With `weight`, how much it counts from 0 to 1, and `shares` of the features in what moves it, adding up to 1."""

    @property
    def names(self) -> list[str]:
        """The features it learned from."""
        return list(self.booster.feature_name())

    @property
    def weight(self) -> float:
        """How much the line counts, from 0 to 1."""
        return float(self.line["weight"]) if self.line else 0.0

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Probability of the outcome per row, before promises are made true."""
        odds = blended(log_odds(classifier.predict(self.booster, frame)), self.line, frame)
        return np.asarray(1 / (1 + np.exp(-odds)))

    def contributions(self, frame: pd.DataFrame) -> np.ndarray:
        """What each feature adds to the log odds of each row: exact for both parts, by row and feature."""
        trees = classifier.contributions(self.booster, frame)
        if not self.line:
            return trees
        return np.asarray((1 - self.weight) * trees + self.weight * line_parts(self.line, frame, self.names))

    def importance(self) -> dict[str, float]:
        """Share of each feature in what moves the model, largest first; adds up to 1."""
        trees = classifier.importance(self.booster)
        line = self.line["shares"] if self.line else trees
        both = {name: (1 - self.weight) * trees[name] + self.weight * line[name] for name in trees}
        return dict(sorted(both.items(), key=lambda item: (-item[1], item[0])))


def fit(
    frame: pd.DataFrame,
    label: np.ndarray,
    groups: np.ndarray,
    seed: int,
    parameters: Mapping[str, Any] | None = None,
) -> Blend:
    """Learn both, and how much the line counts from rows of other `groups`. Raises NotTrainable as `classifier.fit`."""
    grown = classifier.grown(frame, label, groups, seed, parameters)
    shared = classifier.shared(frame)
    weight = counts_for(grown, shared, label, seed)
    return _of(grown.booster, shared, label, seed, weight)


def counts_for(grown: Grown, frame: pd.DataFrame, label: np.ndarray, seed: int) -> float:
    """How much the line counts where rows kept aside are told best (log loss): nothing, unless that is better than the
    trees alone by more than the standard error of the difference."""
    trees, straight, sides = [], [], []
    for part in grown.aside:
        trees.append(part.odds)
        line = learn(frame.iloc[part.learned], label[part.learned], seed)
        straight.append(line_odds(line, frame.iloc[part.held]))
        sides.append(np.where(label[part.held] == 1, 1.0, -1.0))
    told, beside, truth = np.concatenate(trees), np.concatenate(straight), np.concatenate(sides)

    def lost(share: float) -> np.ndarray:
        return np.asarray(np.logaddexp(0, -truth * ((1 - share) * told + share * beside)))

    alone = lost(0.0)
    best = min(SHARES, key=lambda share: (round(float(lost(share).mean()), 6), share))
    gained = alone - lost(best)
    return best if gained.mean() > gained.std() / np.sqrt(len(gained)) else 0.0


def fit_halves(
    frame: pd.DataFrame,
    label: np.ndarray,
    groups: np.ndarray,
    seed: int,
    like: Blend,
    parameters: Mapping[str, Any] | None = None,
) -> tuple[Blend, Blend] | None:
    """Two models of as many trees and the same weight, each learned from other customers; None if a half has but one
    outcome."""
    frame = classifier.shared(frame)
    found = []
    for half in classifier.halves(len(frame), groups, seed):
        rows, told = frame[half].reset_index(drop=True), label[half]
        if len(np.unique(told)) < 2:
            return None
        booster = classifier.of_rounds(rows, told, seed, like.booster.num_trees(), parameters)
        found.append(_of(booster, rows, told, seed, like.weight))
    return found[0], found[1]


def _of(booster: lgb.Booster, frame: pd.DataFrame, label: np.ndarray, seed: int, weight: float) -> Blend:
    if not weight:
        return Blend(booster)
    line = learn(frame, label, seed)
    some = frame.iloc[np.random.default_rng(seed).permutation(len(frame))[:LOOKED_AT]]
    names = list(booster.feature_name())
    looked = weights(line, some, names)
    shares = (looked / (looked.sum() or 1.0)).round(9).tolist()
    return Blend(booster, {**line, "weight": weight, "shares": dict(zip(names, shares, strict=True))})
