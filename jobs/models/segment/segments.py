"""Segments of customers as plain numbers and words: what a model is, whom it places where, and why.

A segment model is a small JSON document, readable by anyone: how features are scaled, the centre of each segment, its
name and what sets it apart. `segment_fit` finds the centres, `segment_names` the words, `placing` is what MLflow loads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from jobs.models.segment import placing

SAMPLE = 4000


@dataclass(frozen=True)
class Segments:
    """A fitted segment model. Centres are in scaled units: standard deviations from the average customer."""

    features: list[str]
    fill: list[float]
    low: list[float]
    high: list[float]
    mean: list[float]
    scale: list[float]
    centres: list[list[float]]
    names: list[str]
    descriptions: list[str]
    claims: list[list[list[str]]] = field(default_factory=list)
    """Per segment what its name says: feature and side, such as ["orders_90d", "high"]."""

    def scaled(self, frame: pd.DataFrame) -> np.ndarray:
        """Features on one scale: empty filled with the median, logarithm, extremes cut off, standardised."""
        return placing.scaled(vars(self), frame)

    def assign(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Per row the number of the nearest segment and the distance to its centre."""
        return placing.nearest(vars(self), self.scaled(frame))

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Segments:
        return cls(**json.loads(text))


def pairs(before: np.ndarray, after: np.ndarray, old: int, new: int) -> list[tuple[int, int, float]]:
    """Old and new segments paired so that most customers stay (Hungarian method): old, new, and the share they have in
    common of the customers in either. `before` and `after` number the segments of the same customers."""
    both = np.zeros((old, new))
    np.add.at(both, (before, after), 1)
    rows, columns = linear_sum_assignment(-both)
    either = both.sum(axis=1)[rows] + both.sum(axis=0)[columns] - both[rows, columns]
    shared = both[rows, columns] / np.maximum(either, 1)
    return [(int(row), int(column), float(share)) for row, column, share in zip(rows, columns, shared, strict=True)]


def moved(before: np.ndarray, after: np.ndarray, old: int, new: int) -> float:
    """Share of customers who are not in the segment that goes on from their old one."""
    goes_on = {row: column for row, column, _ in pairs(before, after, old, new)}
    return float(np.mean([goes_on.get(int(one)) != int(other) for one, other in zip(before, after, strict=True)]))


def migration(old: Segments, new: Segments, frame: pd.DataFrame) -> pd.DataFrame:
    """Who goes where: customers of `frame` per segment of `old` and of `new`; columns segment_from, segment_to,
    customers."""
    before, after = (np.array(model.names, dtype=object)[model.assign(frame)[0]] for model in (old, new))
    both = pd.DataFrame({"segment_from": before, "segment_to": after})
    return both.groupby(["segment_from", "segment_to"]).size().rename("customers").reset_index()


def apartness(points: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Per point how much nearer it is to its own segment than to the next, from -1 to 1: its silhouette.

    All are -1 if there is one segment, or one for each.
    """
    if not 1 < len(np.unique(numbers)) < len(numbers):
        return np.full(len(numbers), -1.0)
    return np.asarray(silhouette_samples(points, numbers))


def sampled(count: int, seed: int) -> np.ndarray:
    """Rows of a fixed sample of many: silhouettes compare everyone with everyone."""
    return np.random.default_rng(seed).permutation(count)[:SAMPLE]


def silhouette(points: np.ndarray, numbers: np.ndarray, seed: int) -> float:
    """How well apart segments are, from -1 to 1; -1 if all are in one. Measured on a fixed sample of many."""
    chosen = sampled(len(points), seed)
    return float(apartness(points[chosen], numbers[chosen]).mean())


def agreement(old: np.ndarray, new: np.ndarray) -> float:
    """Adjusted Rand index of two divisions of the same customers: 1 the same, 0 as by chance."""
    return float(adjusted_rand_score(old, new))


def standout(
    segments: Segments, frame: pd.DataFrame, numbers: np.ndarray, meanings: Mapping[str, str], top: int = 3
) -> list[list[str]]:
    """Per row the features in which it is most unlike the average and like its segment: why it is in it, in words."""
    points, values = segments.scaled(frame), frame[segments.features].to_numpy(dtype=float)
    weight = points * np.array(segments.centres)[numbers]
    strongest = np.argsort(-weight, axis=1, kind="stable")[:, :top]

    def words(row: int, column: int) -> str:
        name, value = segments.features[column], values[row, column]
        shown = "none" if np.isnan(value) else f"{round(float(value), 2):g}"
        return f"{meanings.get(name, name)}: {shown} ({'high' if points[row, column] > 0 else 'low'})"

    found = [[words(row, c) for c in strongest[row] if weight[row, c] > 0] for row in range(len(points))]
    return [reasons or ["nearest to this segment in all together, in nothing alone"] for reasons in found]
