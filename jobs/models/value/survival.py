"""How long customers stay: the share still there after so many days, with its interval.

Kaplan and Meier (1958), J. of the American Statistical Association 53; variance by Greenwood (1926); the interval is
that of log(-log(share)) (Kalbfleisch and Prentice, 1980), which stays between 0 and 1.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

COLUMNS = ("days", "share", "low", "high", "at_risk", "ended")


def curve(days: np.ndarray, ended: np.ndarray, confidence: float = 0.95) -> pd.DataFrame:
    """The columns COLUMNS, one row per duration at which somebody ended.

    `days` is how long each customer was seen as one, `ended` whether it ended then; otherwise it is still there, or
    was no longer watched. Durations below 0 count as 0.
    """
    rows = pd.DataFrame({"days": np.maximum(days, 0), "ended": np.asarray(ended, dtype=float)})
    grouped = rows.groupby("days", sort=True)["ended"].agg(["sum", "size"])
    at_risk = len(rows) - grouped["size"].cumsum().shift(fill_value=0)
    some = grouped["sum"] > 0
    d, n = grouped.loc[some, "sum"].to_numpy(dtype=float), at_risk[some].to_numpy(dtype=float)
    share = np.cumprod(1 - d / n)
    low, high = _interval(share, d, n, confidence)
    return pd.DataFrame(
        {
            "days": grouped.index[some].to_numpy(),
            "share": share,
            "low": low,
            "high": high,
            "at_risk": n.astype(int),
            "ended": d.astype(int),
        }
    )


def at(found: pd.DataFrame, days: float) -> tuple[float, float, float]:
    """Share, low and high that hold after so many days; all 1 before anybody ended."""
    before = found[found["days"] <= days]
    if before.empty:
        return 1.0, 1.0, 1.0
    share, low, high = before[["share", "low", "high"]].iloc[-1].astype(float)
    return share, low, high


def median(found: pd.DataFrame) -> float | None:
    """Days after which half have ended; None if fewer did."""
    half = found[found["share"] <= 0.5]
    return float(half["days"].iloc[0]) if len(half) else None


def _interval(share: np.ndarray, d: np.ndarray, n: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(d / (n * (n - d)))
        spread = norm.ppf(0.5 + confidence / 2) * np.sqrt(greenwood) / np.abs(np.log(share))
        low, high = share ** np.exp(spread), share ** np.exp(-spread)
    none_left = share <= 0  # the variance is not defined where nobody is left
    return np.where(none_left, 0.0, low), np.where(none_left, 0.0, high)
