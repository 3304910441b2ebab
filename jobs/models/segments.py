"""Segments of customers as plain numbers and words: fitting, assigning, naming, and keeping names over time.

A segment model is a small JSON document, readable by anyone: how features are scaled, the centre of each segment,
its name and what sets it apart. No code is stored in it, so loading one cannot run any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from jobs.config.models.segment import Words
from jobs.errors import NotTrainable
from jobs.models.classifier import signed_log, varying

SAMPLE = 4000
MINIMUM_PER_SEGMENT = 5
CLEAR = 0.4
"""Standard deviations from the average customer from which a trait is worth a word."""


@dataclass(frozen=True)
class Choice:
    """One number of segments that was tried."""

    k: int
    silhouette: float
    smallest_share: float


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

    def scaled(self, frame: pd.DataFrame) -> np.ndarray:
        """Features on one scale: empty filled with the median, logarithm, extremes cut off, standardised."""
        values = frame[self.features].to_numpy(dtype=float)
        values = signed_log(np.where(np.isnan(values), np.array(self.fill), values))
        return (np.clip(values, self.low, self.high) - np.array(self.mean)) / np.array(self.scale)

    def assign(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Per row the number of the nearest segment and the distance to its centre."""
        points = self.scaled(frame)
        distances = np.stack([np.sqrt(((points - centre) ** 2).sum(axis=1)) for centre in np.array(self.centres)])
        return distances.argmin(axis=0), distances.min(axis=0)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Segments:
        return cls(**json.loads(text))


def fit(
    frame: pd.DataFrame,
    features: Sequence[str],
    k_range: tuple[int, int],
    minimum_share: float,
    tolerance: float,
    seed: int,
) -> tuple[Segments, list[Choice]]:
    """K-means on scaled features; returns unnamed segments, largest first, and every number of segments tried.

    The number is the largest one whose silhouette is within `tolerance` (a share) of the best, among those whose
    smallest segment holds at least `minimum_share` of customers: as many segments as stay well apart.
    Features that are the same for everyone are left out. Raises NotTrainable if no number of segments will do.
    """
    usable = [name for name in features if name in varying(frame[list(features)])]
    if not usable:
        raise NotTrainable("every segmentation feature is constant or empty; there is nothing to tell customers apart")
    needed = MINIMUM_PER_SEGMENT * k_range[0]
    if len(frame) < needed:
        raise NotTrainable(f"{len(frame)} customers to learn from; {k_range[0]} segments need at least {needed}")
    space = _space(frame, usable)
    points = space.scaled(frame)
    kinds = len(np.unique(points, axis=0))
    fits = {k: _kmeans(points, k, seed) for k in range(k_range[0], min(k_range[1], kinds - 1) + 1)}
    choices = [_choice(points, model.labels_, k, seed) for k, model in fits.items()]
    chosen = choose(choices, minimum_share, tolerance)
    model = fits[chosen.k]
    sizes = np.bincount(model.labels_, minlength=chosen.k)
    order = sorted(range(chosen.k), key=lambda i: (-sizes[i], model.cluster_centers_[i].tolist()))
    centres = [[round(float(x), 6) for x in model.cluster_centers_[i]] for i in order]
    return Segments(**{**asdict(space), "centres": centres}), choices


def choose(choices: Sequence[Choice], minimum_share: float, tolerance: float) -> Choice:
    """The number of segments to use; see `fit`."""
    large_enough = [choice for choice in choices if choice.smallest_share >= minimum_share]
    if not large_enough:
        tried = ", ".join(f"{c.k}: {c.smallest_share:.1%}" for c in choices) or "none: all customers look alike"
        raise NotTrainable(
            f"with every number of segments the smallest holds less than {minimum_share:.1%} of customers ({tried}); "
            "lower minimum_share or k_min in its file in config/models"
        )
    best = max(choice.silhouette for choice in large_enough)
    return max((c for c in large_enough if c.silhouette >= best * (1 - tolerance)), key=lambda c: c.k)


def named(
    segments: Segments, words: Mapping[str, Words], meanings: Mapping[str, str], kept: Mapping[int, str]
) -> Segments:
    """The segments with a name and a description each, from the traits that set them apart.

    `kept` are names given before, by number of segment: they stay. New names never repeat one in use.
    """
    traits = [_traits(segments, centre, words, meanings) for centre in segments.centres]
    names = dict(kept)
    for number, found in enumerate(traits):
        if number not in names:
            names[number] = _new_name([adjective for adjective, _ in found], set(names.values()))
    descriptions = [
        "; ".join(phrase for _, phrase in found[:4]) or "close to the average customer in everything"
        for found in traits
    ]
    ordered = [names[number] for number in range(len(segments.centres))]
    return Segments(**{**asdict(segments), "names": ordered, "descriptions": descriptions})


def kept_names(old: Segments, new: Segments, frame: pd.DataFrame, minimum_overlap: float) -> dict[int, str]:
    """Names of `old` that go on in `new`, by number of the new segment.

    Both models place the same customers; old and new segments are paired so that most customers stay (Hungarian
    method). A pair keeps its name if it shares at least `minimum_overlap` of the customers in either of them.
    """
    before, after = old.assign(frame)[0], new.assign(frame)[0]
    both = np.zeros((len(old.centres), len(new.centres)))
    np.add.at(both, (before, after), 1)
    rows, columns = linear_sum_assignment(-both)
    either = both.sum(axis=1)[rows] + both.sum(axis=0)[columns] - both[rows, columns]
    shared = both[rows, columns] / np.maximum(either, 1)
    return {
        int(column): old.names[row]
        for row, column, share in zip(rows, columns, shared, strict=True)
        if share >= minimum_overlap
    }


def silhouette(points: np.ndarray, numbers: np.ndarray, seed: int) -> float:
    """How well apart segments are, from -1 to 1; -1 if all are in one. Measured on a fixed sample of many."""
    chosen = np.random.default_rng(seed).permutation(len(points))[:SAMPLE]
    if len(np.unique(numbers[chosen])) < 2 or len(np.unique(numbers[chosen])) >= len(chosen):
        return -1.0
    return float(silhouette_score(points[chosen], numbers[chosen]))


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


def _space(frame: pd.DataFrame, features: list[str]) -> Segments:
    raw = frame[features].to_numpy(dtype=float)
    if np.isinf(raw).any():
        raise NotTrainable("a segmentation feature is infinite in some rows; a ratio divides by zero")
    fill = np.nanmedian(raw, axis=0)
    values = signed_log(np.where(np.isnan(raw), fill, raw))
    low, high = np.quantile(values, [0.01, 0.99], axis=0)
    narrow = high <= low  # nearly everyone alike: cutting off 1 % would leave nothing
    low, high = np.where(narrow, values.min(axis=0), low), np.where(narrow, values.max(axis=0), high)
    clipped = np.clip(values, low, high)
    spread = np.maximum(clipped.std(axis=0), 1e-6)
    parts = {"fill": fill, "low": low, "high": high, "mean": clipped.mean(axis=0), "scale": spread}
    rounded = {name: [round(float(x), 6) for x in part] for name, part in parts.items()}
    return Segments(features=features, **rounded, centres=[], names=[], descriptions=[])


def _kmeans(points: np.ndarray, k: int, seed: int) -> KMeans:
    with threadpool_limits(1):  # sums of several threads come in any order: not repeatable to the last digit
        return KMeans(n_clusters=k, n_init=10, random_state=seed).fit(points)


def _choice(points: np.ndarray, numbers: np.ndarray, k: int, seed: int) -> Choice:
    smallest = np.bincount(numbers, minlength=k).min() / len(numbers)
    return Choice(k, silhouette(points, numbers, seed), float(smallest))


def _traits(
    segments: Segments, centre: Sequence[float], words: Mapping[str, Words], meanings: Mapping[str, str]
) -> list[tuple[str, str]]:
    """(adjective, phrase) of the features in which a segment is not average, the clearest first."""
    found: dict[str, str] = {}
    for i in sorted(range(len(centre)), key=lambda i: (-abs(centre[i]), segments.features[i])):
        name = segments.features[i]
        if abs(centre[i]) < CLEAR:
            continue
        meaning = meanings.get(name, name)
        side = "high" if centre[i] > 0 else "low"
        word = words.get(name, Words(high=f"high {name}", low=f"low {name}"))
        typical = centre[i] * segments.scale[i] + segments.mean[i]
        value = np.sign(typical) * np.expm1(abs(typical))
        usual = np.sign(segments.mean[i]) * np.expm1(abs(segments.mean[i]))
        found.setdefault(getattr(word, side), f"{meaning} {side}: about {plain(value)}, others {plain(usual)}")
    return list(found.items())


def plain(value: float) -> str:
    """A number for a sentence: three digits, no exponent; what is next to nothing is 0."""
    return "0" if abs(value) < 0.005 else f"{float(f'{value:.3g}'):,.10g}"


def _new_name(adjectives: list[str], taken: set[str]) -> str:
    """The fewest adjectives, at least two, that make a name nobody has, in any order of its words."""
    in_use = {frozenset(name.split()) for name in taken}
    for count in range(min(2, len(adjectives)), len(adjectives) + 1):
        name = " ".join([*(adjectives[:count] or ["average"]), "customers"])
        if frozenset(name.split()) not in in_use:
            return name
    number = 2
    while f"{name} {number}" in taken:
        number += 1
    return f"{name} {number}"


class _Servable:
    """Lets `mlflow models serve` and other MLflow users ask for segment names."""

    def __init__(self, segments: Segments):
        self.segments = segments

    def predict(self, frame: pd.DataFrame, params: dict[str, object] | None = None) -> np.ndarray:
        return np.array(self.segments.names)[self.segments.assign(frame)[0]]


def _load_pyfunc(path: str) -> _Servable:
    """Called by MLflow with the path of the JSON document."""
    return _Servable(Segments.from_json(Path(path).read_text(encoding="utf-8")))
