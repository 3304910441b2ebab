"""How good groups of records are, when it is known who each record is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Quality:
    """Over all pairs of records: of those joined how many are right, and of those that should be how many are joined.

    `found` and `true` count entities; `records` are those it is known of who they are.
    """

    precision: float
    recall: float
    found: int
    true: int
    records: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


def quality(group: pd.Series, truth: pd.Series) -> Quality:
    """Compare the group of each record with who it is. Records with no truth are left out."""
    told = pd.DataFrame({"group": group.to_numpy(), "truth": truth.to_numpy()}).dropna()
    right, joined, true = (_pairs(told, by) for by in (["group", "truth"], ["group"], ["truth"]))
    return Quality(
        precision=right / joined if joined else 1.0,
        recall=right / true if true else 1.0,
        found=told["group"].nunique(),
        true=told["truth"].nunique(),
        records=len(told),
    )


def _pairs(told: pd.DataFrame, by: Sequence[str]) -> int:
    size = told.groupby(list(by)).size()
    return int((size * (size - 1) // 2).sum())
