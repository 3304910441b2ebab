"""The items each customer is most likely to buy next, in order, with the reason, and how good such lists are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from jobs.models.recommend.bought import Bought

CELLS = 8_000_000
"""Scores held at a time and thread, 32 MB."""
NOTHING = np.float32(-np.inf)
AGAIN, SIMILAR, POPULAR = "again", "similar", "popular"


@dataclass(frozen=True)
class Weights:
    """What is learned: how items speak for each other, and how much popularity and own repeats add to that."""

    items: np.ndarray
    similar: sp.csr_matrix
    popularity: float
    repeats: float
    only_due: bool
    """Own items count again only once half of their usual gap has passed."""

    def on(self, items: np.ndarray) -> Weights:
        """The same for other items: those it does not know are spoken for by popularity alone."""
        if len(items) == len(self.items) and (items == self.items).all():
            return self
        place = pd.Index(self.items).get_indexer(items)
        known = np.flatnonzero(place >= 0)
        shape = (len(items), len(self.items))
        chosen = sp.csr_matrix((np.ones(len(known), dtype=np.float32), (known, place[known])), shape=shape)
        return replace(self, items=items, similar=(chosen @ self.similar @ chosen.T).tocsr())


@dataclass(frozen=True)
class Allowed:
    """What may be shown. Per item of the weights."""

    shown: np.ndarray
    """Whether it may be recommended: in stock, not on the list of what is never recommended."""

    again: np.ndarray
    """Whether it makes sense to buy it again."""

    @classmethod
    def everything(cls, items: int, again: bool) -> Allowed:
        return cls(np.ones(items, dtype=bool), np.full(items, again))


@dataclass(frozen=True)
class Lists:
    """The best items of customers: row i of each is customer i, -1 for places that nothing fills."""

    item: np.ndarray
    score: np.ndarray
    because: np.ndarray
    """AGAIN, SIMILAR or POPULAR."""

    of: np.ndarray
    """SIMILAR: the bought item that speaks most for it; otherwise -1."""


def popular(bought: Bought, days: int) -> np.ndarray:
    """Popularity of each item from 0 to 1: the logarithm of its buyers in the last `days`."""
    found = np.log1p(bought.buyers(days))
    return np.asarray(found / max(float(found.max(initial=0.0)), 1.0), dtype=np.float32)


def ranked(bought: Bought, weights: Weights, allowed: Allowed, recent: np.ndarray, half_life: float, top: int) -> Lists:
    """The best `top` items of every customer of `bought`, whose items are those of the weights.

    The same input gives the same lists: of equal scores the item that comes first in the weights.
    """
    history, owned = bought.decayed(half_life), bought.ones()
    due = bought.last_ago >= 0.5 * bought.gap
    again = allowed.again[bought.column] & (due | (not weights.only_due))
    added = np.where(again, weights.repeats * np.log1p(bought.times), NOTHING).astype(np.float32)
    top = min(top, len(weights.items))
    size = max(1, CELLS // max(len(weights.items), 1))

    def part(start: int) -> Lists:
        mine = history[start : start + size]
        scores = np.asarray((mine @ weights.similar).todense(), dtype=np.float32)
        scores += weights.popularity * recent
        whose = np.repeat(np.arange(mine.shape[0]), np.diff(mine.indptr))
        scores[whose, mine.indices] += added[history.indptr[start] : history.indptr[start] + len(whose)]
        scores[:, ~allowed.shown] = NOTHING
        best = _best(scores, top)
        found = np.take_along_axis(scores, best, axis=1)
        item = np.where(np.isfinite(found), best, -1)
        has = _at(owned[start : start + size], best) > 0
        speaks, of = _speaks_most(mine, weights.similar, best)
        because = np.where(has, AGAIN, np.where(speaks > 0, SIMILAR, POPULAR))
        return Lists(item, found, because, np.where(because == SIMILAR, of, -1))

    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return _together(threads.map(part, range(0, bought.shape[0], size)), top)


def average_precision(lists: Lists, wanted: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Per customer with something in `wanted`: average precision and precision of its list (MAP@k is the mean)."""
    who = np.flatnonzero(np.diff(wanted.indptr) > 0)
    k = lists.item.shape[1]
    items = lists.item[who]
    table = wanted[who]
    hit = (_at(table, np.maximum(items, 0)) > 0) & (items >= 0)
    precision_at = np.cumsum(hit, axis=1) / np.arange(1, k + 1)
    possible = np.minimum(np.diff(table.indptr), k)
    return (hit * precision_at).sum(axis=1) / possible, hit.mean(axis=1)


def _best(scores: np.ndarray, top: int) -> np.ndarray:
    if top < scores.shape[1]:
        edge = -np.partition(-scores, top - 1, axis=1)[:, top - 1 : top]
        # ties at the edge are settled by place, so that the lists do not depend on how numbers were partitioned
        above, equal = scores > edge, scores == edge
        room = top - above.sum(axis=1, keepdims=True)
        kept = above | (equal & (np.cumsum(equal, axis=1) <= room))
        candidates = np.nonzero(kept)[1].reshape(len(scores), top)
    else:
        candidates = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, candidates, axis=1), axis=1, kind="stable")
    return np.take_along_axis(candidates, order, axis=1)


def _at(table: sp.csr_matrix, columns: np.ndarray) -> np.ndarray:
    """The values of a row's own columns."""
    rows = np.broadcast_to(np.arange(len(columns))[:, None], columns.shape)
    return np.asarray(table[rows.ravel(), columns.ravel()]).reshape(columns.shape)


def _speaks_most(history: sp.csr_matrix, similar: sp.csr_matrix, best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each item of the lists the bought item with the largest part in its score: that part, and the item."""
    parts, items = np.zeros(best.shape, dtype=np.float32), np.full(best.shape, -1)
    counts = np.diff(history.indptr)
    some = np.flatnonzero(counts > 0)
    if not len(some):
        return parts, items
    whose = np.repeat(np.arange(len(counts)), counts)
    rows = np.broadcast_to(history.indices[:, None], (len(whose), best.shape[1]))
    pairs = np.asarray(similar[rows.ravel(), best[whose].ravel()]).reshape(rows.shape) * history.data[:, None]
    begins = history.indptr[some]
    most = np.maximum.reduceat(pairs, begins, axis=0)
    parts[some] = most
    place = np.where(pairs >= np.repeat(most, counts[some], axis=0), np.arange(len(pairs))[:, None], len(pairs))
    items[some] = history.indices[np.minimum.reduceat(place, begins, axis=0)]
    return parts, items


def _together(parts: Iterator[Lists], top: int) -> Lists:
    found = list(parts)
    if not found:
        none = np.zeros((0, top))
        return Lists(none.astype(int), none, none.astype(str), none.astype(int))
    return Lists(
        *(np.concatenate([getattr(part, name) for part in found]) for name in ("item", "score", "because", "of"))
    )
