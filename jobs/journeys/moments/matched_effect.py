"""The effect of something that was not tried at random: against what was alike before, with an interval.

Coarsened exact matching (S. M. Iacus, G. King, G. Porro, "Causal Inference without Balance Checking: Coarsened Exact
Matching", Political Analysis 20 (2012)): in each cell of what is alike, rates with and without are compared, and cells
weigh as what they hold of those with. The variance is that of the weighted difference of rates, by customer, since
visits of one customer are not independent (K.-Y. Liang, S. L. Zeger, Biometrika 73 (1986)); a cell of few customers
shows less than there is of it, which is made up for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

WIDTH = 1.959963984540054
"""Standard errors on each side of a 95 % interval."""
ENOUGH = 5
"""With fewer conversions, or fewer without, observed rates of 0 or 1 would claim to be certain."""
KEY = ["customer", "cell"]


@dataclass(frozen=True)
class Effect:
    """Visits with it, those of them that others are like, the visits like them, and the difference of their rates."""

    visits: int
    matched: int = 0
    controls: int = 0
    rate: float | None = None
    rate_without: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def importance(self) -> float:
        """How far the interval is from 0, whichever side; negative if it holds 0."""
        return -math.inf if self.low is None or self.high is None else max(self.low, -self.high)


def matched_effect(with_it: pd.DataFrame, without: pd.DataFrame) -> Effect:
    """The difference of the conversion rate of visits with something from that of visits without it that are alike.

    Each frame has one or more rows per `customer` and `cell`: so many `visits`, of which so many `converted`, and how
    many customers `times` are just like this one. A cell counts if two customers of each side are in it.
    """
    visits = int((with_it["visits"] * with_it["times"]).sum())
    one, other = _per_customer(with_it), _per_customer(without)
    cells = _cells(one).join(_cells(other), how="inner", lsuffix="_with", rsuffix="_without").sort_index()
    cells = cells[(cells["customers_with"] >= 2) & (cells["customers_without"] >= 2)]
    if cells.empty:
        return Effect(visits)
    matched, controls = int(cells["visits_with"].sum()), int(cells["visits_without"].sum())
    rates = {side: cells[f"converted_{side}"] / cells[f"visits_{side}"] for side in ("with", "without")}
    share = cells["visits_with"] / matched
    rate, rate_without = (float((share * rates[side]).sum()) for side in ("with", "without"))
    parts = [
        _parts(one, cells, rates["with"], share / cells["visits_with"], cells["customers_with"]),
        -_parts(other, cells, rates["without"], share / cells["visits_without"], cells["customers_without"]),
    ]
    by_customer = pd.concat(parts).groupby(level="customer", sort=True).sum()
    times = pd.concat([one, other]).groupby(level="customer")["times"].first()
    variance = float((times.loc[by_customer.index] * by_customer**2).sum())
    alike = matched**2 / float((cells["visits_with"] ** 2 / cells["visits_without"]).sum())
    variance = max(variance, _least_variance([(rate, matched), (rate_without, alike)]))
    effect, reach = rate - rate_without, WIDTH * math.sqrt(variance)
    low, high = max(-1.0, effect - reach), min(1.0, effect + reach)
    return Effect(visits, matched, controls, *(round(n, 6) for n in (rate, rate_without, effect, low, high)))


def _per_customer(rows: pd.DataFrame) -> pd.DataFrame:
    found = rows.groupby(KEY, sort=True).agg({"visits": "sum", "converted": "sum", "times": "first"})
    return found.astype(float)


def _cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Visits, conversions and customers of each cell."""
    whole = rows[["visits", "converted"]].mul(rows["times"], axis=0).assign(customers=rows["times"])
    return whole.groupby(level="cell", sort=True).sum()


def _parts(rows: pd.DataFrame, cells: pd.DataFrame, rate: pd.Series, weight: pd.Series, of: pd.Series) -> pd.Series:
    """What each customer adds to the deviation of the weighted rate from its expectation, cell by cell."""
    inside = rows[rows.index.get_level_values("cell").isin(cells.index)]
    cell = inside.index.get_level_values("cell")
    few = (of / (of - 1)) ** 0.5
    left = inside["converted"] - inside["visits"] * rate.loc[cell].to_numpy()
    return left * (weight * few).loc[cell].to_numpy()


def _least_variance(sides: list[tuple[float, float]]) -> float:
    """Where one of the sides has hardly any conversions or nothing but: that of rates with one more of each kind."""
    if all(min(rate, 1 - rate) * number >= ENOUGH for rate, number in sides):
        return 0.0
    shrunk = [((rate * number + 1) / (number + 2), number) for rate, number in sides]
    return sum(rate * (1 - rate) / number for rate, number in shrunk)
