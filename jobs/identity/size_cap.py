"""The breaker: no customer of more contact records than a cap, however long the chain of links that ties them.

On the day standing links would tie together more records than that, the kind of link that tells least gives way, then
the next, until every part is within the cap; what a steward decided never does. Of a kind that gives way, links stay
that only hang identifiers on one part. An identifier that tied parts together is nobody's from then on, as one that is
disputed, and a link that was cut stays cut: a customer without news keeps what it has, whatever becomes of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.identity.components import components
from jobs.identity.links import NEVER
from jobs.identity.over_time.spans import live
from jobs.identity.stewards.decisions import RULE as STEWARD
from jobs.identity.stewards.decisions import STRENGTH, strength

RULE = "too_many_records"
"""What ends a link that gives way, and why an identifier is set aside."""
REASON = "it would tie together more contact records than a customer may have"


@dataclass(frozen=True)
class Capped:
    """`links`: those that are used. `cut`: those that gave way (the columns of links, since, reason). `nobodys`:
    identifiers that tied too many records together (identifier, kind, reason, since)."""

    links: pd.DataFrame
    cut: pd.DataFrame
    nobodys: pd.DataFrame


def cap(links: pd.DataFrame, kinds: pd.Series, largest: int, as_of: int) -> Capped:
    """Cut what ties more than `largest` contact records together, day by day up to `as_of`.

    Links are as `decisions.decide` returns them; `kinds` tells of each identifier its kind. Only what was ever tied
    into too large a customer, by links of any day, is looked at.
    """
    left, right = (kinds.index.get_indexer(links[end]) for end in ("left", "right"))
    reach = components(len(kinds), left, right)
    records = np.bincount(reach, weights=(kinds == "contact").to_numpy(), minlength=len(kinds))
    of_link = reach[left]
    crowded = records[of_link] > largest
    used, cut = [links[~crowded]], [links[:0].assign(since=0, reason="")]
    nobodys = [pd.DataFrame(columns=["identifier", "kind", "reason", "since"]).astype({"since": np.int64})]
    for _, some in links[crowded].groupby(of_link[crowded]):
        group = _Group(some, kinds, largest)
        days = np.unique(some[["first_seen", "until"]].to_numpy(np.int64))
        kept, gone = live(some.reset_index(drop=True), days[days <= as_of], group.cuts, RULE)
        used.append(kept)
        cut.append(gone)
        nobodys.append(group.nobodys(kinds))
    return Capped(*(pd.concat(parts, ignore_index=True) for parts in (used, cut, nobodys)))


class _Group:
    """Links that were ever tied together, and which of them and of their identifiers have given way so far."""

    def __init__(self, links: pd.DataFrame, kinds: pd.Series, largest: int) -> None:
        codes, self.names = pd.factorize(pd.concat([links["left"], links["right"], links["by"]]))
        self.left, self.right, self.by = np.split(codes, 3)
        self.rank = strength(links["rule"]).to_numpy()
        self.record = (kinds[self.names] == "contact").to_numpy()
        self.largest = largest
        self.cut = np.zeros(len(links), bool)
        self.lost_on = np.full(len(self.names), NEVER, np.int64)

    def cuts(self, day: int, standing: np.ndarray) -> np.ndarray:
        """The reason of each link that does not count on a day. Days are asked in order."""
        self.cut |= standing & self._by_lost()
        self._break(day, standing & ~self.cut)
        return np.where(self.cut, REASON, "").astype(object)

    def nobodys(self, kinds: pd.Series) -> pd.DataFrame:
        lost = np.flatnonzero(self.lost_on < NEVER)
        named = self.names[lost]
        told = {"identifier": named, "kind": kinds[named].to_numpy(), "reason": RULE, "since": self.lost_on[lost]}
        return pd.DataFrame(told)

    def _by_lost(self) -> np.ndarray:
        """Links by or to an identifier that is nobody's."""
        lost = self.lost_on < NEVER
        return lost[self.left] | lost[self.right] | ((self.by >= 0) & lost[self.by])

    def _break(self, day: int, standing: np.ndarray) -> None:
        """Cut until every part is within the cap.

        A link stays if all that links of its strength and stronger ones tie together is within it.
        """
        over = standing & self._crowded(standing)
        for rank in np.unique(self.rank[over]):
            if rank == STRENGTH[STEWARD]:
                continue
            here = over & (self.rank == rank)
            gives_way = here & self._crowded(over & (self.rank <= rank))
            self.cut |= gives_way & self._by_lost()
            self.cut |= self._tying(over & (self.rank < rank) & ~self.cut, gives_way & ~self.cut)
            tied = self.by[gives_way & self.cut & ~self._by_lost()]
            self.lost_on[tied[tied >= 0]] = day
            self.cut |= gives_way & self._by_lost()

    def _crowded(self, links: np.ndarray) -> np.ndarray:
        """Links in what `links` tie into more records than the cap."""
        part = self._parts(links)
        return np.bincount(part, weights=self.record)[part[self.left]] > self.largest

    def _tying(self, kept: np.ndarray, loose: np.ndarray) -> np.ndarray:
        """Of links that give way those that tie parts with records to each other, directly or by what hangs between
        them."""
        part = self._parts(kept)
        held = np.bincount(part, weights=self.record, minlength=len(part)) > 0
        left, right = part[self.left], part[self.right]
        hanging = loose & ~held[left] & ~held[right]
        cluster = components(len(part), left[hanging], right[hanging])
        at = loose & (held[left] != held[right])
        inner, outer = np.where(held[left], right, left)[at], np.where(held[left], left, right)[at]
        hung = pd.DataFrame({"cluster": cluster[inner], "part": outer}).drop_duplicates()
        between = hung.loc[hung.duplicated("cluster"), "cluster"]
        direct = held[left] & held[right] & (left != right)
        return loose & (direct | np.isin(cluster[left], between) | np.isin(cluster[right], between))

    def _parts(self, links: np.ndarray) -> np.ndarray:
        return components(len(self.names), self.left[links], self.right[links])
