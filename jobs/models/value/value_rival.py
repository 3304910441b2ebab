"""The rival of the value model: gradient-boosted trees that learn from what customers were worth after an earlier day.

Both are judged on what customers spent in a later period. The measure is the share of Tweedie deviance explained (D2,
power 1.5): it is best for whoever tells the true mean, of amounts of which many are 0 and some are large.
"""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from jobs.errors import NotTrainable
from jobs.models.classify import classifier

POWER = 1.5
PARAMETERS: dict[str, Any] = {
    **classifier.DEFAULTS,
    "objective": "tweedie",
    "metric": "tweedie",
    "tweedie_variance_power": POWER,
}
ROUNDS, PATIENCE = 1_000, 30
HELD = 0.2
"""Share of the customers that say when to stop."""
MINIMUM = 200
"""Customers with and without a later purchase that trees need at least."""
SURE = 1.645
"""A difference is beyond noise where the lower end of its one-sided interval of 95 % is above 0."""


def fit(frame: pd.DataFrame, worth: np.ndarray, seed: int) -> lgb.Booster:
    """Trees that tell from the columns of `frame` what a customer will be worth. Raises NotTrainable if they cannot."""
    some = int((worth > 0).sum())
    if some < MINIMUM or len(worth) - some < MINIMUM:
        raise NotTrainable(
            f"{some} of {len(worth)} customers bought in the period to learn from; trees need {MINIMUM} who did and "
            f"{MINIMUM} who did not"
        )
    held = np.random.default_rng(seed).permutation(len(frame)) < HELD * len(frame)
    data = lgb.Dataset(frame[~held], worth[~held])
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    judged = lgb.Dataset(frame[held], worth[held], reference=data)
    return lgb.train({**PARAMETERS, "seed": seed}, data, ROUNDS, valid_sets=[judged], callbacks=[stop])


def deviance(seen: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Tweedie deviance of each customer; a thousandth of the mean is the least told, for 0 forbids any purchase."""
    least = max(float(seen.mean()), 1e-9) / 1_000
    mu, y = np.maximum(told, least), seen
    one, two = 1 - POWER, 2 - POWER
    parts = y**two / (one * two) - y * mu**one / one + mu**two / two
    return np.asarray(2 * parts)


def explained(seen: np.ndarray, told: np.ndarray) -> float:
    """Share of the deviance explained: 1 is perfect, 0 as good as the mean of all, below 0 worse."""
    of_mean = float(deviance(seen, np.full(len(seen), seen.mean())).mean())
    return 1 - float(deviance(seen, told).mean()) / of_mean if of_mean > 0 else 0.0


def better(seen: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """By how much more `one` explains than `other` (D2), and the lower end of that: above 0 is beyond noise.

    Of differences per customer, so that what makes a customer hard for both counts for nothing.
    """
    of_mean = float(deviance(seen, np.full(len(seen), seen.mean())).mean()) or 1.0
    gains = (deviance(seen, other) - deviance(seen, one)) / of_mean
    spread = float(gains.std(ddof=1)) / np.sqrt(len(gains)) if len(gains) > 1 else float("inf")
    return float(gains.mean()), float(gains.mean()) - SURE * spread


def metrics(seen: np.ndarray, told: np.ndarray) -> dict[str, float]:
    """How near what was told is to what was seen, per customer and in all."""
    order = spearmanr(seen, told).statistic if np.ptp(told) > 0 and np.ptp(seen) > 0 else 0.0
    return {
        "d2": explained(seen, told),
        "mae": float(mean_absolute_error(seen, told)),
        "rmse": float(root_mean_squared_error(seen, told)),
        "rank_correlation": float(order),
        "told_of_seen": float(told.sum() / seen.sum()) if seen.sum() > 0 else 0.0,
    }
