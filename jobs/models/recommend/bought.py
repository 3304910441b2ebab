"""Who bought which item, how often and when, as matrices of customers x items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

COLUMNS = ("customer_id", "item", "times", "first_ago", "last_ago")
"""One row per customer and item: on how many days it was bought, and how many days ago first and last."""
SURE = 1.96


@dataclass(frozen=True)
class Bought:
    """Purchases of customers known on a day. `customers` and `items` are in the order of rows and columns."""

    customers: np.ndarray
    items: np.ndarray
    row: np.ndarray
    column: np.ndarray
    times: np.ndarray
    first_ago: np.ndarray
    last_ago: np.ndarray
    gap: np.ndarray
    """Days between purchases: of the customer who bought it again, else usual for the item, else for all."""

    @classmethod
    def of(cls, rows: pd.DataFrame, items: np.ndarray | None = None, customers: np.ndarray | None = None) -> Bought:
        """From rows with the columns COLUMNS. `items` not named are left out; default: all there are, sorted."""
        known = np.asarray(pd.unique(rows["item"]) if items is None else items, dtype=object)
        known = np.sort(known) if items is None else known
        who = np.sort(np.asarray(pd.unique(rows["customer_id"]), dtype=object)) if customers is None else customers
        row = pd.Index(who).get_indexer(rows["customer_id"])
        column = pd.Index(known).get_indexer(rows["item"])
        order = np.lexsort((column, row))
        order = order[(row[order] >= 0) & (column[order] >= 0)]
        times, first_ago, last_ago = (rows[name].to_numpy(dtype=float)[order] for name in COLUMNS[2:])
        gaps = _gaps(column[order], times, first_ago, last_ago)
        return cls(who, known, row[order], column[order], times, first_ago, last_ago, gaps)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.customers), len(self.items)

    def matrix(self, values: np.ndarray) -> sp.csr_matrix:
        """The values of the rows, by customer and item."""
        return sp.csr_matrix((values.astype(np.float32), (self.row, self.column)), shape=self.shape)

    def ones(self) -> sp.csr_matrix:
        return self.matrix(np.ones(len(self.row)))

    def decayed(self, half_life: float) -> sp.csr_matrix:
        """1 for what was bought today, half of it for what was last bought `half_life` days ago."""
        return self.matrix(0.5 ** (self.last_ago / half_life))

    def buyers(self, days: int) -> np.ndarray:
        """Per item how many customers bought it in the last so many days."""
        return np.bincount(self.column[self.last_ago < days], minlength=len(self.items)).astype(float)

    def hardly_repeated(self, share: float, after_days: int) -> np.ndarray:
        """Items that certainly less than `share` of their buyers bought again, of those who had `after_days` to do so.

        Certainly: the upper end of Wilson's interval is below. Few buyers prove nothing, so theirs are not among them.
        """
        had_time = self.first_ago >= after_days
        buyers = np.bincount(self.column[had_time], minlength=len(self.items)).astype(float)
        again = np.bincount(self.column[had_time & (self.times > 1)], minlength=len(self.items)).astype(float)
        return wilson(again, buyers)[1] < share

    def of_rows(self, rows: np.ndarray) -> Bought:
        """The purchases of some customers (places in `customers`, ascending); gaps stay those of all."""
        place = np.full(len(self.customers), -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.row] >= 0
        parts = (self.column, self.times, self.first_ago, self.last_ago, self.gap)
        return Bought(self.customers[rows], self.items, place[self.row][kept], *(part[kept] for part in parts))


def _gaps(column: np.ndarray, times: np.ndarray, first_ago: np.ndarray, last_ago: np.ndarray) -> np.ndarray:
    again = times > 1
    own = np.where(again, (first_ago - last_ago) / np.maximum(times - 1, 1), np.nan)
    usual = pd.Series(own[again]).groupby(column[again]).median()
    of_item = usual.reindex(column).to_numpy() if len(usual) else np.full(len(own), np.nan)
    of_all = float(np.median(own[again])) if again.any() else np.inf
    found = np.where(np.isnan(own), of_item, own)
    return np.maximum(np.where(np.isnan(found), of_all, found), 1.0)


def wilson(counted: np.ndarray, of: np.ndarray, sure: float = SURE) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share (Wilson, 1927): low and high; 0 and 1 where nobody was counted."""
    n = np.maximum(of, 1e-12)
    share = counted / n
    middle = (share + sure**2 / (2 * n)) / (1 + sure**2 / n)
    half = sure / (1 + sure**2 / n) * np.sqrt(share * (1 - share) / n + sure**2 / (4 * n**2))
    return np.where(of > 0, np.maximum(middle - half, 0), 0.0), np.where(of > 0, np.minimum(middle + half, 1), 1.0)
