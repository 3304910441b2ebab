"""Finding segments: how many, where their centres are, whether they would be found again, and whether there are any.

How many is chosen by what holds: segments found in customers drawn again must be the same ones (bootstrap stability,
adjusted Rand index). Whether there are any is asked of customers made up to be alike: each feature with one hump, the
features as much related as the real ones are, and no groups. Cut in as many parts, those look as far apart as chance
and shape make them; segments are worth their name beyond that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks
from scipy.stats import norm, rankdata
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from jobs.errors import NotTrainable
from jobs.models.classify.classifier import varying
from jobs.models.intervals import Interval
from jobs.models.segment.placing import signed_log
from jobs.models.segment.segments import Segments, agreement, apartness, silhouette

TRIALS = 2000
"""Customers that each trial of a number of segments looks at."""
DRAWN, ALIKE = 10, 6
"""How often customers are drawn again, and how often made up."""
STARTED_ON = 20_000
"""Customers among whom centres are looked for; of more, all then move them to their place."""
MINIMUM_PER_SEGMENT = 5
BINS, HUMP = 256, 0.05
"""Bins in which a feature's humps are looked for, and the share of the highest one a hump must stand out."""


@dataclass(frozen=True)
class Choice:
    """One number of segments that was tried."""

    k: int
    silhouette: float
    smallest_share: float
    stability: float


def fit(
    frame: pd.DataFrame,
    features: Sequence[str],
    k_range: tuple[int, int],
    minimum_share: float,
    tolerance: float,
    seed: int,
    minimum_stability: float = 0.0,
) -> tuple[Segments, list[Choice]]:
    """K-means on scaled features; returns unnamed segments, largest first, and every number of segments tried.

    The number is the largest one whose silhouette is within `tolerance` (a share) of the best, among those that are
    stable (`minimum_stability`) and whose smallest segment holds at least `minimum_share` of customers: as many
    segments as stay well apart and would be found again. If none is stable, it is the most stable one.
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
    tried = range(k_range[0], min(k_range[1], kinds - 1) + 1)
    few = points[np.random.default_rng(seed).permutation(len(points))[:TRIALS]]
    choices = [_choice(few, k, seed) for k in tried]
    chosen = choose(choices, minimum_share, tolerance, minimum_stability)
    model = _kmeans(points, chosen.k, seed, 10)
    sizes = np.bincount(model.labels_, minlength=chosen.k)
    order = sorted(range(chosen.k), key=lambda i: (-sizes[i], model.cluster_centers_[i].tolist()))
    centres = [[round(float(x), 6) for x in model.cluster_centers_[i]] for i in order]
    return Segments(**{**asdict(space), "centres": centres}), choices


def choose(choices: Sequence[Choice], minimum_share: float, tolerance: float, minimum_stability: float = 0.0) -> Choice:
    """The number of segments to use; see `fit`."""
    large_enough = [choice for choice in choices if choice.smallest_share >= minimum_share]
    if not large_enough:
        tried = ", ".join(f"{c.k}: {c.smallest_share:.1%}" for c in choices) or "none: all customers look alike"
        raise NotTrainable(
            f"with every number of segments the smallest holds less than {minimum_share:.1%} of customers ({tried}); "
            "lower minimum_share or k_min in its file in config/models"
        )
    stable = [choice for choice in large_enough if choice.stability >= minimum_stability]
    if not stable:
        return max(large_enough, key=lambda choice: (choice.stability, -choice.k))
    best = max(choice.silhouette for choice in stable)
    return max((c for c in stable if c.silhouette >= best * (1 - tolerance)), key=lambda c: c.k)


def beyond_chance(segments: Segments, frame: pd.DataFrame, seed: int) -> Interval:
    """How much further apart these customers are than made-up customers without groups, cut in as many segments.

    A silhouette, with twice the noise of both: how it differs from one made-up company to another.
    """
    points, k = segments.scaled(frame), len(segments.centres)
    points = points[np.random.default_rng(seed).permutation(len(points))[:TRIALS]]
    random = np.random.default_rng(seed + 1)
    real = float(apartness(points, _kmeans(points, k, seed).labels_).mean())
    made = [_alike(points, random) for _ in range(ALIKE)]
    found = [float(apartness(one, _kmeans(one, k, seed).labels_).mean()) for one in made]
    value, noise = real - float(np.mean(found)), 2 * float(np.std(found, ddof=1))
    return Interval(value, value - noise, value + noise)


def found_in_halves(segments: Segments, frame: pd.DataFrame, seed: int) -> float:
    """Agreement (adjusted Rand index, over everybody) of segments found in one half of customers and in the other."""
    points, k = segments.scaled(frame), len(segments.centres)
    points = points[np.random.default_rng(seed).permutation(len(points))[:STARTED_ON]]
    order = np.random.default_rng(seed + 1).permutation(len(points))
    halves = [points[order[: len(order) // 2]], points[order[len(order) // 2 :]]]
    if min(len(np.unique(half, axis=0)) for half in halves) < k:
        return 0.0
    one, other = (_kmeans(half, k, seed).predict(points) for half in halves)
    return agreement(one, other)


def _alike(points: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As many made-up points without groups: related as these are, each feature spread as it is but with one hump."""
    count, width = points.shape
    scores = norm.ppf((np.apply_along_axis(rankdata, 0, points) - 0.5) / count)
    related = np.atleast_2d(np.corrcoef(scores, rowvar=False))
    normal = random.multivariate_normal(np.zeros(width), related, count, check_valid="ignore")
    made = np.empty_like(points)
    for i in range(width):
        values, smooth = points[random.integers(0, count, count), i], _one_hump(points[:, i])
        middle, spread = values.mean(), max(float(values.std()), 1e-9)
        blurred = (values - middle + smooth * random.normal(size=count)) / np.sqrt(1 + (smooth / spread) ** 2)
        made[np.argsort(normal[:, i], kind="stable"), i] = np.sort(_on_steps(middle + blurred, points[:, i]))
    return made


def _on_steps(made: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Counts come in steps, and customers who share one look close: what is made up takes the same steps."""
    steps = np.unique(real)
    if len(steps) > len(real) / 4:
        return made
    return steps[np.searchsorted((steps[1:] + steps[:-1]) / 2, made)]


def _one_hump(values: np.ndarray) -> float:
    """The least blur (standard deviation of a bell curve) with which a feature has one hump: Silverman's bandwidth."""
    counts, edges = np.histogram(values, BINS)
    padded = np.pad(counts.astype(float), BINS // 2)
    low, high = 0.0, BINS / 2
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _humps(gaussian_filter1d(padded, middle, mode="constant")) > 1 else (low, middle)
    return float(high * (edges[1] - edges[0]))


def _humps(density: np.ndarray) -> int:
    return len(find_peaks(np.pad(density, 1), prominence=HUMP * density.max())[0])


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
    rounded: dict[str, Any] = {name: [round(float(x), 6) for x in part] for name, part in parts.items()}
    return Segments(features=features, **rounded, centres=[], names=[], descriptions=[])


def _kmeans(points: np.ndarray, k: int, seed: int, starts: int = 3) -> KMeans:
    with threadpool_limits(1):  # sums of several threads come in any order: not repeatable to the last digit
        if len(points) <= STARTED_ON:
            return KMeans(n_clusters=k, n_init=starts, random_state=seed).fit(points)
        few = points[np.random.default_rng(seed).permutation(len(points))[:STARTED_ON]]
        centres = KMeans(n_clusters=k, n_init=starts, random_state=seed).fit(few).cluster_centers_
        return KMeans(n_clusters=k, init=centres, n_init=1).fit(points)


def _choice(points: np.ndarray, k: int, seed: int) -> Choice:
    """`k` segments of these points: how far apart, how small the smallest, and whether they are found again."""
    labels, random = _kmeans(points, k, seed, 10).labels_, np.random.default_rng(seed)
    found_again = []
    for draw in range(DRAWN):
        again = points[random.integers(0, len(points), len(points))]
        if len(np.unique(again, axis=0)) >= k:
            found_again.append(agreement(labels, _kmeans(again, k, seed + draw).predict(points)))
    smallest = np.bincount(labels, minlength=k).min() / len(labels)
    stability = float(np.mean(found_again)) if found_again else 0.0
    return Choice(k, silhouette(points, labels, seed), float(smallest), stability)
