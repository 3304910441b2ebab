"""Customers a model does not look at, because they have been away for too long or never were active: a score by a rule.

The rule is what came of customers who had been away as long, in the days the model learned from and was judged on. Of
few customers little is concluded: their share is drawn to that of all.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from jobs.models.classify.outcomes import LABEL

MODEL, RECENCY, BASE_RATE = "model", "recency", "base rate"
"""What a score rests on: the model itself; how long a customer has been away; that nothing was ever done."""
GROUPS = 8
WEIGHT = 20
"""Customers of which the share of all counts for as many."""


@dataclass(frozen=True)
class Rule:
    """Shares of the outcome by days since the last time: `shares[i]` up to `edges[i]` days, the last one beyond."""

    edges: list[float]
    shares: list[float]
    rows: list[int]
    never: float
    never_rows: int

    @classmethod
    def of(cls, frame: pd.DataFrame, recency: str, everybody: float) -> Rule:
        """From rows with LABEL beside the model; `everybody` is the share of the outcome among all rows known."""
        if frame.empty:
            return cls([], [round(everybody, 6)], [0], round(everybody, 6), 0)
        away = frame[frame[recency].notna()]
        days = away[recency].to_numpy(dtype=float)
        inner = np.quantile(days, np.linspace(0, 1, GROUPS + 1)[1:-1]) if len(days) else np.array([])
        edges = np.unique(np.round(inner, 6))
        edges = edges[edges < days.max()] if len(days) else edges  # who is away for longest is in the last group
        group = np.searchsorted(edges, days, side="left")
        rows = np.bincount(group, minlength=len(edges) + 1)
        happened = np.bincount(group, weights=away[LABEL].to_numpy(dtype=float), minlength=len(edges) + 1)
        shares = (happened + WEIGHT * everybody) / (rows + WEIGHT)
        never = frame[frame[recency].isna()]
        of_never = (never[LABEL].sum() + WEIGHT * everybody) / (len(never) + WEIGHT)
        return cls(edges.tolist(), shares.round(6).tolist(), rows.tolist(), round(float(of_never), 6), len(never))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def score(self, frame: pd.DataFrame, recency: str, words: str) -> pd.DataFrame:
        """customer_id, score, reasons and basis of customers beside the model; `words` say what `recency` means."""
        days = frame[recency].to_numpy(dtype=float)
        never = np.isnan(days)
        group = np.searchsorted(np.array(self.edges), np.where(never, 0.0, days), side="left")
        scores = np.where(never, self.never, np.array(self.shares)[group])
        reasons = [
            [_told(words, None if none else day, share, self.never_rows if none else self.rows[one])]
            for none, day, share, one in zip(never, days, scores, group, strict=True)
        ]
        return pd.DataFrame(
            {
                "customer_id": frame["customer_id"],
                "score": scores,
                "reasons": reasons,
                "basis": np.where(never, BASE_RATE, RECENCY),
            }
        )


def _told(words: str, day: float | None, share: float, rows: int) -> str:
    like = f"of {rows:,} customers like this before, {share:.0%}" if rows else f"of all customers before, {share:.0%}"
    return f"{words}: {'none' if day is None else f'{day:g}'} ({like})"
