"""Lists as rows of models/recommendations, each with the reason in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from jobs.models.recommend.bought import Bought
from jobs.models.recommend.ranking import AGAIN, SIMILAR, Lists

ANSWER = "models/recommendations"


def rows_of(
    bought: Bought, lists: Lists, items: np.ndarray, names: Mapping[str, str], popular_days: int
) -> pd.DataFrame:
    """customer_id, rank, item, name, score, because, reason: one row per place of a list that an item fills."""
    customer, place = np.nonzero(lists.item >= 0)
    item, because = lists.item[customer, place], lists.because[customer, place]
    of = lists.of[customer, place]
    called = np.array([names.get(one, one) for one in items], dtype=object)
    return pd.DataFrame(
        {
            "customer_id": bought.customers[customer],
            "rank": _ranks(customer),
            "item": items[item],
            "name": called[item],
            "score": np.round(lists.score[customer, place].astype(float), 6),
            "because": because,
            "reason": _reasons(bought, customer, item, because, of, called, popular_days),
        }
    )


def first_of(found: pd.DataFrame) -> pd.DataFrame:
    """Rows of models/scores: the item each customer is most likely to buy next, as the label."""
    first = found[found["rank"] == 1]
    return pd.DataFrame(
        {
            "customer_id": first["customer_id"].to_numpy(),
            "score": first["score"].to_numpy(),
            "label": first["item"].to_numpy(),
            "reasons": [[reason] for reason in first["reason"]],
        }
    )


def _ranks(customer: np.ndarray) -> np.ndarray:
    begins = np.r_[True, customer[1:] != customer[:-1]] if len(customer) else np.zeros(0, dtype=bool)
    start = np.maximum.accumulate(np.where(begins, np.arange(len(customer)), 0))
    return np.arange(len(customer)) - start + 1


def _reasons(
    bought: Bought,
    customer: np.ndarray,
    item: np.ndarray,
    because: np.ndarray,
    of: np.ndarray,
    called: np.ndarray,
    popular_days: int,
) -> np.ndarray:
    reasons = np.full(len(item), f"popular in the last {popular_days} days", dtype=object)
    similar = because == SIMILAR
    reasons[similar] = np.array([f"bought by customers who bought {name}" for name in called], dtype=object)[
        of[similar]
    ]
    own = because == AGAIN
    if own.any():
        width = len(bought.items)
        place = np.searchsorted(bought.row * width + bought.column, customer[own] * width + item[own])
        reasons[own] = _again(bought.times[place], bought.gap[place], bought.last_ago[place])
    return reasons


def _again(times: np.ndarray, gap: np.ndarray, ago: np.ndarray) -> np.ndarray:
    """The few thousand different sentences are written once each."""
    keys, which = np.unique(
        np.stack([times, np.where(times > 1, np.round(gap), 0), ago], axis=1).astype(np.int64),
        axis=0,
        return_inverse=True,
    )
    sentences = [
        f"bought {count} times, about every {days} days, last {last} days ago"
        if count > 1
        else f"bought {last} days ago"
        for count, days, last in keys.tolist()
    ]
    return np.array(sentences, dtype=object)[which.ravel()]
