"""Customers a model does not look at: a line of their own tells their outcome, where that is better than a rule.

Who has been away for long differs too, by how often it came and how much it bought, and who never was there by what
else is known. A logistic regression learned from such customers alone (see `line`) says so; it is used only where it is
better, beyond noise, for customers it did not learn from. Else the rule of `lapsed` holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from jobs.models.classify import classifier, line
from jobs.models.classify.chances import line_parts
from jobs.models.classify.lapsed import Rule
from jobs.models.classify.outcomes import LABEL

LAPSED, NEVER = "others away", "others never there"
"""What a score rests on: a line learned from customers who had been away, or never were there."""
LEAST, LEAST_OF_EACH = 200, 30
"""Rows, and rows of each outcome, from which a line is learned."""
GROUPS = {"away": LAPSED, "never": NEVER}


@dataclass(frozen=True)
class Beside:
    """The rule, and the lines that tell more than it does."""

    rule: Rule
    away: dict[str, Any] | None = None
    never: dict[str, Any] | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame, names: Sequence[str], recency: str, everybody: float, seed: int) -> Beside:
        """From rows with LABEL beside the model; `everybody` is the share of the outcome among all rows known."""
        rule = Rule.of(frame, recency, everybody)
        if frame.empty:
            return cls(rule)
        never = frame[recency].isna().to_numpy()
        parts = {"away": frame[~never], "never": frame[never]}
        return cls(rule, **{name: _better(rows, list(names), recency, everybody, seed) for name, rows in parts.items()})

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Beside:
        """From what `to_dict` gave; of a model that knew no lines, the rule."""
        rule = {key: value for key, value in told.items() if key != "lines"}
        return cls(Rule(**rule), **told.get("lines", {}))

    def to_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {**self.rule.to_dict(), "lines": {"away": self.away, "never": self.never}}

    def score(self, frame: pd.DataFrame, recency: str, words: Mapping[str, str], outcome: str) -> pd.DataFrame:
        """customer_id, score, reasons and basis of customers beside the model."""
        rows = self.rule.score(frame, recency, words.get(recency, recency))
        never = frame[recency].isna().to_numpy()
        for name, own, mine in (("away", self.away, ~never), ("never", self.never, never)):
            if own is None or not mine.any():
                continue
            told, names = frame[mine].reset_index(drop=True), [*own["numbers"], *own["categories"]]
            reasons = classifier.in_words(names, told, line_parts(own, told, names), words, outcome)
            rows.loc[mine, "score"] = line.probability(own, told)
            rows.loc[mine, "basis"] = GROUPS[name]
            rows.loc[mine, "reasons"] = pd.Series(reasons, index=rows.index[mine])
        return rows


def _better(rows: pd.DataFrame, names: list[str], recency: str, everybody: float, seed: int) -> dict[str, Any] | None:
    """A line that tells these customers better than the rule, by more than the standard error; else none."""
    rows = rows.reset_index(drop=True)
    label = rows[LABEL].to_numpy(dtype=int)
    if len(rows) < LEAST or min(label.sum(), len(label) - label.sum()) < LEAST_OF_EACH:
        return None
    features = classifier.shared(rows[names])
    gained = np.zeros(len(rows))
    groups = pd.factorize(rows["customer_id"])[0]
    if len(np.unique(groups)) < classifier.FOLDS or not classifier.varying(features):
        return None
    for learn, held in GroupKFold(n_splits=classifier.FOLDS).split(features, label, groups=groups):
        if len(np.unique(label[learn])) < 2:
            return None
        own = line.probability(line.learn(features.iloc[learn], label[learn], seed), features.iloc[held])
        rule = Rule.of(rows.iloc[learn], recency, everybody).score(rows.iloc[held], recency, "")["score"]
        gained[held] = _lost(label[held], rule.to_numpy(dtype=float)) - _lost(label[held], own)
    error = gained.std() / np.sqrt(len(np.unique(groups)))
    return line.learn(features, label, seed) if gained.mean() > error else None


def _lost(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Log loss per row."""
    told = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(-np.where(label == 1, np.log(told), np.log(1 - told)))
