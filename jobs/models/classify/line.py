"""Logistic regression on numbers and categories, as a document of plain numbers.

It is the plain model that trees are compared with, and the straight part of a blend, see `blend`. `chances.line_parts`
reads the document, also where Klantreis is not installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from jobs.models.classify import chances
from jobs.models.classify.chances import OTHER, known_as, line_parts, line_scaled, texts

MAX_VALUES = 50
"""Values that a category has of its own, the most frequent; all others are one."""
MANY = 50_000
"""Rows at most that it learns from: a few hundred numbers are no truer from more."""


def learn(frame: pd.DataFrame, label: np.ndarray, seed: int) -> dict[str, Any]:
    """The document of a logistic regression: numbers filled, log-scaled and standardised, categories by value.

    Contributions of each feature have mean 0 over the rows learned from, so that they say what moves a row.
    """
    if len(frame) > MANY:
        some = np.random.default_rng(seed).permutation(len(frame))[:MANY]
        frame, label = frame.iloc[some], label[some]
    categories = texts(frame)
    numbers = {name: _number(frame[name]) for name in frame.columns if name not in categories}
    values = {name: _values(frame[name]) for name in categories}
    columns = [line_scaled(one, frame[name]) for name, one in numbers.items()]
    for name, own in values.items():
        said = known_as(frame[name], own)
        columns += [(said == one).to_numpy(dtype=float) for one in own]
    found = LogisticRegression(solver="newton-cholesky", max_iter=100, random_state=seed).fit(
        np.column_stack(columns), label
    )
    slopes = iter(np.round(found.coef_[0], 9).tolist())
    line: dict[str, Any] = {
        "intercept": 0.0,
        "numbers": {name: {**one, "slope": next(slopes), "middle": 0.0} for name, one in numbers.items()},
        "categories": {
            name: {"adds": {one: next(slopes) for one in own}, "middle": 0.0} for name, own in values.items()
        },
    }
    parts = line_parts(line, frame, list(frame.columns))
    middle = dict(zip(frame.columns, parts.mean(axis=0).round(9).tolist(), strict=True))
    for name, one in (line["numbers"] | line["categories"]).items():
        one["middle"] = middle[name]
    line["intercept"] = round(float(found.intercept_[0]) + sum(middle.values()), 9)
    return line


def probability(line: dict[str, Any], frame: pd.DataFrame) -> np.ndarray:
    """What logistic regression alone promises per row."""
    odds = chances.line_odds(line, frame)
    return np.asarray(1 / (1 + np.exp(-odds)))


def weights(line: dict[str, Any], frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """How much it looks at each of `names`: the mean size of its contribution, in log odds."""
    return np.asarray(np.abs(line_parts(line, frame, names)).mean(axis=0))


def _number(values: pd.Series) -> dict[str, float]:
    """How a number is put on a scale: what fills empty ones, mean and deviation of its logarithm."""
    told = values.to_numpy(dtype=float)
    known = told[~np.isnan(told)]
    fill = float(np.median(known)) if len(known) else 0.0
    spread = chances.signed_log(np.where(np.isnan(told), fill, told))
    deviation = float(spread.std())
    return {"fill": fill, "mean": float(spread.mean()), "scale": deviation if deviation > 0 else 1.0}


def _values(values: pd.Series) -> list[str]:
    """The values of a category that count by themselves; OTHER, what is empty or rare, is one if there is any."""
    often = values.value_counts()
    own = sorted(often.index[np.lexsort((often.index.astype(str), -often.to_numpy()))][: MAX_VALUES - 1].astype(str))
    return [*own, OTHER] if len(often) >= MAX_VALUES or values.isna().any() else own
