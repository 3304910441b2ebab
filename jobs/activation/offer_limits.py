"""What offers mean for a decision: who had one already, and what budgets and files of codes still pay for.

A customer who has a code takes nothing more of the offer. A code that was sent today is counted as that of a candidate
again, so that planning again after the push tells the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation import offers
from jobs.activation.codes import codes_left
from jobs.activation.offers import Code
from jobs.config.settings import Settings
from jobs.decisions.limits import Limit
from jobs.lake.lake import Lake, Txn

MICRO = 1_000_000
"""Amounts are counted in whole millionths, so that no sum depends on its order."""
SPENT = ("the budget is spent", "budget")


@dataclass(frozen=True)
class Offering:
    """The codes that were given up to a day, and how many are free."""

    day: date
    settings: Settings
    codes: Sequence[Code]
    free: Mapping[str, int]

    @classmethod
    def of(cls, lake: Lake, txn: Txn, day: date, settings: Settings) -> Offering | None:
        """What is known of offers; None if there are none."""
        if not settings.offers.offers:
            return None
        free = {name: len(codes_left(lake, name, one, settings)) for name, one in settings.offers.offers.items()}
        return cls(day, settings, offers.known(txn, day, settings), free)

    def without_used(self, table: pa.Table) -> pa.Table:
        """The plan of one delivery, in which nobody is sent a code that was redeemed, or cannot be any more."""
        offer = self.settings.audiences[table["audience"][0].as_py()].offer if table.num_rows else None
        before = [one for one in self.codes if one.offer == offer and one.day < self.day]
        for state, reason in (("redeemed", offers.USED), ("expired", offers.OVER)):
            who = pa.array([one.customer for one in before if one.state == state], pa.string())
            gone = pc.and_(pc.equal(table["action"], "send"), pc.is_in(table["customer_id"], who))
            for name, value in (("reason", reason), ("action", "skip")):
                changed = pc.if_else(gone, value, table[name])
                table = table.set_column(table.column_names.index(name), table.schema.field(name), changed)
        return table

    def limits(self, candidates: pa.Table, contacts: Mapping[str, int]) -> list[Limit]:
        """What candidates use up: codes, and of actions that give some what these cost. `contacts` are those of each
        action that count in its budget, other than today's candidates."""
        actions = {name: one for name, one in self.settings.audiences.items() if one.offer}
        if not actions:
            return []
        again_today = self._sent_today(candidates)
        counted = [one for one in self.codes if (one.day, one.audience, one.customer) not in again_today]
        without, once = self._without_code(candidates, counted)
        nothing = np.zeros(len(without), np.int64)
        names = list(self.settings.offers.offers)
        spare = [
            offers.left(name, self.settings.offers.offers[name], counted, self._free(name, counted), self.day)
            for name in names
        ]
        place = {name: names.index(str(one.offer)) for name, one in actions.items()}
        most, said = [one.most for one in spare], [one.said for one in spare]
        found = [Limit(_numbers(candidates, place, -1), without, most, said, once, nothing)]
        worth = {name: _micro(self.settings.offers.offers[str(one.offer)].most) for name, one in actions.items()}
        costs = {name: _micro(one.effect.cost) for name, one in actions.items()}
        gives = without * _numbers(candidates, worth, 0)
        writes = _numbers(candidates, costs, 0)
        for key, takes, again in (("amount", gives + writes, writes), ("margin", gives, nothing)):
            bound = {
                name: one.budget for name, one in actions.items() if one.budget and getattr(one.budget, key) is not None
            }
            left = []
            for name, budget in bound.items():
                since = self.day - timedelta(days=budget.days)
                given = sum(_micro(one.costs) for one in counted if one.audience == name and one.day > since)
                written = costs[name] * contacts.get(name, 0) if key == "amount" else 0
                left.append(_micro(getattr(budget, key)) - given - written)
            where = {name: number for number, name in enumerate(bound)}
            found.append(Limit(_numbers(candidates, where, -1), takes, left, [SPENT] * len(left), once, again))
        return found

    def _sent_today(self, candidates: pa.Table) -> set[tuple[date, str, str]]:
        """Day, action and customer of what was sent today and is a candidate again."""
        done = candidates.filter(candidates["done"])
        return {(self.day, *key) for key in zip(*(done[n].to_pylist() for n in ("action", "customer_id")), strict=True)}

    def _free(self, name: str, counted: Sequence[Code]) -> int:
        """Codes that nobody has, those included that do not count."""
        return self.free[name] + sum(one.offer == name for one in self.codes) - sum(o.offer == name for o in counted)

    def _without_code(self, candidates: pa.Table, codes: Sequence[Code]) -> tuple[np.ndarray, np.ndarray]:
        """1 for each candidate who has no code of the action's offer; and a number for each offer and customer."""
        pairs = [f"{one.offer}\x1f{one.customer}" for one in codes]
        offer = {name: str(one.offer) for name, one in self.settings.audiences.items() if one.offer}
        named = pa.array([offer.get(name, "") for name in candidates["action"].to_pylist()], pa.string())
        asked = pc.binary_join_element_wise(named, candidates["customer_id"].combine_chunks(), "\x1f")
        has = pc.or_(pc.is_in(asked, pa.array(pairs, pa.string())), pc.equal(named, ""))
        numbers = asked.dictionary_encode().indices.to_numpy(zero_copy_only=False)
        return (~np.asarray(has.to_numpy(zero_copy_only=False), bool)).astype(np.int64), numbers


def _numbers(candidates: pa.Table, by_action: Mapping[str, int], other: int) -> np.ndarray:
    """The number of each candidate's action."""
    encoded = candidates["action"].combine_chunks().dictionary_encode()
    values = [by_action.get(name, other) for name in encoded.dictionary.to_pylist()] or [other]
    return np.array(values, np.int64)[encoded.indices.to_numpy(zero_copy_only=False)]


def _micro(amount: float) -> int:
    return round(amount * MICRO)
