"""Whether customers still look like those a model learned from: population stability of each feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

BINS = 10
SMALLEST_SHARE = 1e-4
"""Stands in for an empty bin, whose logarithm does not exist."""


def reference(frame: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """Per feature the edges of ten equally filled bins and the share of rows in each, empty values last.

    Shares of thousands of rows: small enough to store with a model, and nobody's data.
    """
    found = {}
    for name in frame.columns:
        values = frame[name].to_numpy(dtype=float)
        present = values[~np.isnan(values)]
        inner = np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]) if len(present) else np.array([])
        edges = np.unique(np.round(inner, 6))
        found[name] = {"edges": edges.tolist(), "shares": _shares(values, edges).tolist()}
    return found


def psi(expected: Mapping[str, Mapping[str, list[float]]], frame: pd.DataFrame) -> dict[str, float]:
    """Population stability index per feature: 0 the same, over 0.25 by convention a different population."""
    found = {}
    for name, part in expected.items():
        then = np.maximum(part["shares"], SMALLEST_SHARE)
        now = np.maximum(_shares(frame[name].to_numpy(dtype=float), np.array(part["edges"])), SMALLEST_SHARE)
        found[name] = round(float(((now - then) * np.log(now / then)).sum()), 4)
    return found


def verdict(index: Mapping[str, float], weight: Mapping[str, float], limit: float, share: float) -> dict[str, Any]:
    """Drift is true when features with PSI over `limit` carry at least `share` of the model's weight.

    Weighted, because a feature the model hardly uses may move without harm.
    """
    moved = {name: value for name, value in index.items() if value > limit}
    carried = sum(weight.get(name, 0.0) for name in moved) / (sum(weight.get(name, 0.0) for name in index) or 1.0)
    worst = sorted(moved.items(), key=lambda item: (-item[1], item[0]))[:3]
    return {
        "drift": bool(moved) and carried >= share,
        "moved_weight": round(carried, 4),
        "worst": dict(worst),
    }


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of rows per bin; bin i holds values above edge i-1 up to and including edge i, the last one the empty."""
    empty = np.isnan(values)
    bins = np.searchsorted(edges, values[~empty], side="left")
    counts = np.append(np.bincount(bins, minlength=len(edges) + 1), empty.sum())
    return counts / max(len(values), 1)
