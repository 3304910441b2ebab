"""Learning to recommend: which weights give the best lists on a split in time, and whether that beats what is popular.

`judge_days` h and training on day T: weights are chosen on what customers bought from T - 2h to T - h, and judged on
what they bought from T - h to T; nothing of either period is known to what is tried on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
import scipy.sparse as sp

from jobs.config.models.recommend import Recommend
from jobs.errors import NotTrainable
from jobs.models import intervals
from jobs.models.intervals import Interval
from jobs.models.recommend import similar_items
from jobs.models.recommend.bought import Bought
from jobs.models.recommend.ranking import Allowed, Lists, Weights, average_precision, popular, ranked

CHOICE_ITEMS, CHOICE_CUSTOMERS = 2_000, 10_000
"""What is tried many times is tried on the items most bought, by so many customers."""


@dataclass(frozen=True)
class Period:
    """What customers had bought by a day, and what they bought in the days after it."""

    history: pd.DataFrame
    later: pd.DataFrame
    """Rows of the history of the later day whose last purchase lies in between."""

    @classmethod
    def between(cls, history: pd.DataFrame, later: pd.DataFrame, days: int) -> Period:
        return cls(history, later[later["last_ago"] < days])


@dataclass(frozen=True)
class Judged:
    """Average precision and precision per customer who bought something in the period, by who made the lists."""

    shown: Mapping[str, tuple[np.ndarray, np.ndarray]]
    """Of lists as they are shown: own items among them, if these may be recommended."""

    new: Mapping[str, tuple[np.ndarray, np.ndarray]]
    """Of lists of items that a customer had not bought before."""

    def metrics(self, chosen: str = "model") -> dict[str, float]:
        found: dict[str, float] = {}
        for kind, values in (("", self.shown), ("new_", self.new)):
            for name, (average, precision) in values.items():
                prefix = "" if name == chosen else f"{name}_"
                found |= {f"{prefix}{kind}map": _mean(average), f"{prefix}{kind}precision": _mean(precision)}
        return found | {"judged_customers": float(len(self.shown[chosen][0]))}

    def gain(self, one: str, other: str) -> Interval:
        """How much better the lists of `one` are in MAP, per customer, so that hard customers count for nothing."""
        return intervals.mean(self.shown[one][0] - self.shown[other][0])


def fit(bought: Bought, ridge: float, chosen: Weights | None = None) -> Weights:
    """Weights of all items of `bought`; how much popularity and repeats count is that of `chosen`."""
    similar = similar_items.learn(bought.ones(), ridge)
    like = chosen or Weights(bought.items, similar, 0.0, 0.0, False)
    return replace(like, items=bought.items, similar=similar)


def choose(period: Period, declared: Recommend) -> tuple[float, Weights]:
    """The ridge and the weights of popularity and repeats whose lists were best on what was bought in the period.

    Ridge and popularity on items that customers had not bought before, for of these nothing else speaks; what repeats
    add, on all. Raises NotTrainable if too few customers bought before the period, or in it.
    """
    check(period, declared)
    most = period.history.groupby("item").size().sort_values(ascending=False, kind="stable").index[:CHOICE_ITEMS]
    bought = Bought.of(period.history, np.sort(most.to_numpy(dtype=object)))
    wanted = _wanted(period, bought)
    some = np.flatnonzero(np.diff(wanted.indptr) > 0)[:CHOICE_CUSTOMERS]
    if not len(some):
        raise NotTrainable("customers bought nothing in the period to choose weights on that anybody had bought before")
    trial = _Trial(bought.of_rows(some), wanted[some], popular(bought, declared.popular_days), declared)
    similar = {ridge: similar_items.learn(bought.ones(), ridge) for ridge in declared.ridge}
    pairs = list(product(declared.ridge, declared.popularity))
    by_pair = [Weights(bought.items, similar[ridge], popularity, 0.0, False) for ridge, popularity in pairs]
    place = trial.best(by_pair, again=False)
    ridge, chosen = pairs[place][0], by_pair[place]
    if not declared.again:
        return ridge, chosen
    own = list(product(declared.repeats, (False, True)))
    by_own = [replace(chosen, repeats=repeats, only_due=only_due) for repeats, only_due in own]
    return ridge, by_own[trial.best(by_own, again=True)]


@dataclass(frozen=True)
class _Trial:
    """Customers on whom weights are tried, and what they bought afterwards."""

    customers: Bought
    wanted: sp.csr_matrix
    recent: np.ndarray
    declared: Recommend

    def best(self, tried: Sequence[Weights], again: bool) -> int:
        """The place of the weights whose lists are best; of equal ones the first."""
        allowed = Allowed.everything(len(self.customers.items), again=again)
        wanted = self.wanted if again else _without(self.wanted, self.customers.ones())
        half_life, top = self.declared.half_life_days, self.declared.top
        lists = (ranked(self.customers, one, allowed, self.recent, half_life, top) for one in tried)
        return int(np.argmax([_mean(average_precision(made, wanted)[0]) for made in lists]))


def judged(period: Period, makers: Mapping[str, Weights], declared: Recommend) -> Judged:
    """How good the lists of each of `makers`, and of what is popular, are on what was bought in the period."""
    check(period, declared)
    items = np.sort(pd.unique(pd.concat([period.history["item"], period.later["item"]])).astype(object))
    bought = Bought.of(period.history, items)
    wanted = _wanted(period, bought)
    some = np.flatnonzero(np.diff(wanted.indptr) > 0)
    customers, wanted = bought.of_rows(some), wanted[some]
    recent = popular(bought, declared.popular_days)
    makers = {
        **makers,
        "popular": Weights(items, sp.csr_matrix((len(items), len(items)), dtype=np.float32), 1.0, 0.0, False),
    }
    new = _without(wanted, customers.ones())
    shown, of_new = {}, {}
    for name, weights in makers.items():
        aligned = weights.on(items)
        again = Allowed.everything(len(items), again=declared.again)
        lists = ranked(customers, aligned, again, recent, declared.half_life_days, declared.top)
        shown[name] = average_precision(lists, wanted)
        only = Allowed.everything(len(items), again=False)
        of_new[name] = average_precision(
            ranked(customers, aligned, only, recent, declared.half_life_days, declared.top), new
        )
    return Judged(shown, of_new)


def check(period: Period, declared: Recommend) -> None:
    """Raises NotTrainable, saying what is missing, if too few customers bought before the period, or in it."""
    for what, rows in (("before", period.history), ("in", period.later)):
        found = rows["customer_id"].nunique()
        if found < declared.minimum_customers:
            raise NotTrainable(
                f"{found} customers bought {what} the {declared.judge_days} days to judge on; at least "
                f"{declared.minimum_customers} are needed: load more history, or lower judge_days or minimum_customers"
            )


def lists_for(
    rows: pd.DataFrame, customers: np.ndarray, weights: Weights, allowed: Allowed, declared: Recommend
) -> tuple[Bought, Lists]:
    """The lists of `customers` (sorted ids), with what they had bought; whoever bought nothing gets what is popular."""
    everybody = Bought.of(rows, weights.items)
    recent = popular(everybody, declared.popular_days)
    bought = Bought.of(rows, weights.items, customers)
    return bought, ranked(bought, weights, allowed, recent, declared.half_life_days, declared.top)


def _wanted(period: Period, bought: Bought) -> sp.csr_matrix:
    """What customers of `bought` bought in the period, as ones."""
    return Bought.of(period.later, bought.items, bought.customers).ones()


def _without(wanted: sp.csr_matrix, owned: sp.csr_matrix) -> sp.csr_matrix:
    found = (wanted - wanted.multiply(owned)).tocsr()
    found.eliminate_zeros()
    return found


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
