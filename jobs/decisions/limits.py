"""What candidates use up beside slots and caps, such as budgets and codes, and which of it a loser did not find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Limit:
    """Things of one kind that candidates use up, such as the budgets of actions, or the codes of offers."""

    of: np.ndarray
    """Which of these each candidate uses, by its place in `left`, in the order of the rows; -1: none."""
    takes: np.ndarray
    """How much of it, a whole number."""
    left: Sequence[int]
    """How much there is of each, from today on, what was done today included."""
    said: Sequence[tuple[str, str]]
    """Of each, what is said of a candidate for whom too little is left: in words, and as a reason."""
    once: np.ndarray | None = None
    """Numbers of what is given once, such as a code: candidates of one person that share a number share it."""
    again: np.ndarray | None = None
    """How much candidates take when another one with their number was chosen before."""


def first_used_up(
    limits: Sequence[Limit], took: Sequence[np.ndarray], order: np.ndarray, won: np.ndarray, losers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each loser the first limit, and which of that kind, that was used up when its turn came.

    `took` is, by limit, what candidates took or would have taken.
    """
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order))
    kind, which = np.zeros(len(losers), np.int64), np.zeros(len(losers), np.int64)
    open_ = np.ones(len(losers), bool)
    for number, limit in enumerate(limits):
        bound = order[(limit.of[order] >= 0) & won[order]]
        bound = bound[np.argsort(limit.of[bound], kind="stable")]
        spent = np.concatenate([[0], np.cumsum(took[number][bound])])
        place = limit.of * len(order) + turn
        begin = np.searchsorted(limit.of[bound], limit.of[losers])
        end = np.searchsorted(place[bound], place[losers])
        left = np.append(np.asarray(limit.left, np.int64), 0)[limit.of[losers]] - (spent[end] - spent[begin])
        full = open_ & (limit.of[losers] >= 0) & (took[number][losers] > left)
        kind[full], which[full] = number, limit.of[losers][full]
        open_ &= ~full
    return kind, which
