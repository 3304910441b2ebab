"""Whether customers still look like those a model learned from: population stability of each feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from jobs.config.traits import Trait

BINS = 10
CHANCE = 0.99
MOST, LEAST = 20, 5
"""So many values of a category are told apart, each of so many rows or more."""


def reference(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Per feature the edges of ten equally filled bins and the share of rows in each, empty values last.

    Of a category its most frequent values, then all others. Shares of thousands of rows: small enough to store with a
    model, and nobody's data.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in frame.columns:
        if frame[name].dtype == object:
            counts = frame[name].value_counts()
            often = sorted(counts[counts >= LEAST].index[:MOST].tolist())
            found[name] = {"values": often, "shares": _shares_of(frame[name], often).tolist(), "rows": len(frame)}
            continue
        values = frame[name].to_numpy(dtype=float)
        present = values[~np.isnan(values)]
        inner = np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]) if len(present) else np.array([])
        edges = np.unique(np.round(inner, 6))
        found[name] = {"edges": edges.tolist(), "shares": _shares(values, edges).tolist(), "rows": len(values)}
    return found


def psi(expected: Mapping[str, Mapping[str, Any]], frame: pd.DataFrame) -> dict[str, float]:
    """Population stability index per feature: 0 the same, over 0.25 by convention a different population.

    What chance alone stays below in 99 of 100 pairs of samples of these sizes is taken off, so that few customers do
    not look like drift (the index times the harmonic size follows a chi-squared distribution). An empty bin counts as
    half a customer, since its logarithm does not exist.
    """
    found = {}
    for name, part in expected.items():
        if "values" in part:
            shares = _shares_of(frame[name], part["values"])
        else:
            shares = _shares(frame[name].to_numpy(dtype=float), np.array(part["edges"]))
        rows = (part["rows"], max(len(frame), 1))
        then, now = (np.maximum(x, 0.5 / n) for x, n in zip((part["shares"], shares), rows, strict=True))
        used = np.count_nonzero((np.array(part["shares"]) > 0) | (shares > 0))
        by_chance = chi2.ppf(CHANCE, max(used - 1, 1)) * (1 / rows[0] + 1 / rows[1])
        found[name] = round(max(0.0, float(((now - then) * np.log(now / then)).sum()) - by_chance), 4)
    return found


def without_clockwork(frame: pd.DataFrame, traits: Mapping[str, Trait], days: int) -> pd.DataFrame:
    """The rows with what grows by itself set back by so many days: how long a customer has been known says nothing new.

    These are traits that count the days since the first of all rows.
    """
    grown = [name for name in frame.columns if name in traits and _by_clockwork(traits[name])]
    return frame.assign(**{name: frame[name].astype(float) - days for name in grown})


def _by_clockwork(trait: Trait) -> bool:
    return bool(trait.over) and not trait.days and trait.value.replace(" ", "").lower() == "max(days_ago)"


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


def _shares_of(values: pd.Series, often: list[str]) -> np.ndarray:
    """Share of rows with each of these values, with any other, and with none."""
    codes = pd.Categorical(values, categories=often).codes
    counts = np.bincount(np.where(codes >= 0, codes, len(often) + values.isna().to_numpy()), minlength=len(often) + 2)
    return np.asarray(counts / max(len(values), 1))


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of rows per bin; bin i holds values above edge i-1 up to and including edge i, the last one the empty."""
    empty = np.isnan(values)
    bins = np.searchsorted(edges, values[~empty], side="left")
    counts = np.append(np.bincount(bins, minlength=len(edges) + 1), empty.sum())
    return counts / max(len(values), 1)
