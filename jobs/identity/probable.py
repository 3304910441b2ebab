"""Contact records that are one person by all that is told of them: links with a probability, dated like any others.

The pairs known on a day are grouped as they stood that day, so a link can end when a later record speaks against it.
A model is trained on the day there are enough records, and anew on the day they have doubled; each decides from its day
on. All of this only looks at what had arrived by a day, so it does not matter when a run happens or how many days it
takes at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from jobs.config.identity import Matching
from jobs.identity.components import components
from jobs.identity.evidence import LIKELY
from jobs.identity.links import LINK_COLUMNS, NEVER
from jobs.identity.matching import link_records
from jobs.identity.matching.compared import Compared, extend, learn
from jobs.identity.matching.model import Model

LEAST_RECORDS = 200
"""Records from which it makes sense to train; fewer are not linked by probability."""
REVIEW = ["left", "right", "probability", "weight", "agrees", "status", "first_seen"]
LINKS = [*LINK_COLUMNS, "weight", "probability"]
NO_LINKS = pd.DataFrame(columns=LINKS).astype(
    {"first_seen": np.int32, "until": np.int32, "weight": float, "probability": float}
)
NO_REVIEW = pd.DataFrame(columns=REVIEW)
GROWTH = 2.0
"""A model is trained anew when there are this many times the records it learned from."""
ONE_RECORD = 100.0
"""Weight between two versions of one record."""


@dataclass(frozen=True)
class Learned:
    """What is kept from run to run: what was compared since the day the model was trained (a day number), and the
    links by the models before it."""

    trained_on: int
    compared: Compared
    earlier: pd.DataFrame


@dataclass(frozen=True)
class Probable:
    """`links`: rows as `jobs.identity.links` makes them, with weight and probability. `review`: pairs a person should
    look at, and pairs kept apart (left, right, probability, weight, agrees, status, first_seen)."""

    links: pd.DataFrame
    review: pd.DataFrame


def training_days(first_seen: pd.Series) -> list[int]:
    """The days on which a model is trained, given the day each record arrived."""
    found, needed = [], float(LEAST_RECORDS)
    days, counts = np.unique(first_seen, return_counts=True)
    for day, total in zip(days.tolist(), np.cumsum(counts).tolist(), strict=True):
        if total >= needed:
            found.append(int(day))
            needed = GROWTH * total
    return found


def probable(rows: pd.DataFrame, records: pd.DataFrame, matching: Matching) -> tuple[Probable, Learned | None]:
    """Links and pairs to review from all rows of contacts (as `contact_rows.compared` makes them), and what to keep."""
    days = training_days(rows.loc[~rows["again"], "first_seen"]) if matching.enabled else []
    if not days:
        return Probable(NO_LINKS, NO_REVIEW), None
    earlier = _joined([_Epoch(rows, records, matching, *span).links() for span in pairwise(days)])
    epoch = _Epoch(rows, records, matching, days[-1], NEVER)
    links = _joined([earlier, epoch.links()])
    return Probable(links, epoch.review()), Learned(days[-1], epoch.compared, earlier)


def found_before(rows: pd.DataFrame, records: pd.DataFrame, matching: Matching, learned: Learned) -> Probable:
    """The links and pairs to review of some rows, of which all that `learned` holds pairs of are among them."""
    epoch = _Epoch(rows, records, matching, learned.trained_on, NEVER, learned.compared)
    return Probable(_joined([learned.earlier, epoch.links()]), epoch.review())


class _Epoch:
    """The days on which one model decides: from the day it was trained to the day before the next one was."""

    def __init__(
        self,
        rows: pd.DataFrame,
        records: pd.DataFrame,
        matching: Matching,
        start: int,
        end: int,
        compared: Compared | None = None,
    ) -> None:
        here = ((rows["first_seen"] < end) & (rows["until"] > start)).to_numpy()
        self.rows, self.records = rows[here].reset_index(drop=True), records[here].reset_index(drop=True)
        self.matching, self.start, self.end = matching, start, end
        self.compared = compared or extend(self._trained(), self.records, matching)
        self.pairs = self._dated()

    def _trained(self) -> Compared:
        return learn(self.records[(self.rows["first_seen"] <= self.start).to_numpy()], self.matching)

    def _dated(self) -> pd.DataFrame:
        """Pairs of rows (l, r: places) with the days on which both are what is known, rows of one contact tied."""
        place = pd.Series(self.rows.index, index=self.rows["row"])
        found = self.compared.pairs
        pairs = found.assign(l=place[found["left"]].to_numpy(), r=place[found["right"]].to_numpy())
        contact = self.rows["contact"].to_numpy()
        apart = pairs[contact[pairs["l"]] != contact[pairs["r"]]]
        own = self.rows[["contact"]].assign(place=self.rows.index)
        own = own[own.duplicated("contact", keep=False)]
        tied = own.merge(own, on="contact", suffixes=("_l", "_r"))
        tied = tied[tied["place_l"] < tied["place_r"]].rename(columns={"place_l": "l", "place_r": "r"})
        tied = tied[["l", "r"]].assign(weight=ONE_RECORD, probability=1.0, differ=False, conflict=False, unnamed=False)
        every = pd.concat([apart, tied], ignore_index=True) if len(tied) else apart
        first_seen, until = self.rows["first_seen"].to_numpy(), self.rows["until"].to_numpy()
        left, right = every["l"].to_numpy(np.int64), every["r"].to_numpy(np.int64)
        every = every.assign(
            l=left,
            r=right,
            first_seen=np.maximum(np.maximum(first_seen[left], first_seen[right]), self.start),
            until=np.minimum(until[left], until[right]),
        )
        ordered = every[every["first_seen"] < every["until"]].sort_values(["l", "r"], ignore_index=True)
        return ordered.astype({"differ": bool, "conflict": bool, "unnamed": bool})

    def links(self) -> pd.DataFrame:
        """Links with the days they began and ended.

        Only groups in which something was ever kept apart are looked at day by day; in all others a pair is a link from
        the day it is known.
        """
        pairs = self.pairs
        strong = (pairs["weight"] >= self.matching.weight) & ~pairs["conflict"]
        size = len(self.rows)
        reach = components(size, pairs.loc[strong, "l"].to_numpy(), pairs.loc[strong, "r"].to_numpy())
        own = reach[pairs["l"].to_numpy()]
        inside = own == reach[pairs["r"].to_numpy()]
        count, members = np.bincount(own[strong], minlength=size), np.bincount(reach, minlength=size)
        passing = np.bincount(own[pairs["until"] < self.end], minlength=size)
        settled = (count >= members * (members - 1) // 2) & (passing == 0) & (members <= self.matching.largest_group)
        calm = settled[own] & (len(self.matching.deduplicated) == 0)
        restless = inside & ~calm
        found = pd.concat([pairs[strong & calm], self._lived(pairs[restless], own[restless])], ignore_index=True)
        contact = self.rows["contact"].to_numpy()
        named = found.assign(left=contact[found["l"].astype(int)], right=contact[found["r"].astype(int)], rule=LIKELY)
        ends = np.where(named["until"] >= self.end, self.end, named["until"])
        named = named.assign(until=ends)[named["left"] != named["right"]]
        return named.loc[named["first_seen"] < named["until"], LINKS]

    def _lived(self, pairs: pd.DataFrame, component: np.ndarray) -> pd.DataFrame:
        """Links among the rows of these components, as their groups changed from day to day."""
        pairs = pairs.reset_index(drop=True)
        likely = ((pairs["weight"] >= self.matching.weight) & ~pairs["conflict"]).to_numpy()
        begins, ends, both = pairs["first_seen"].to_numpy(), pairs["until"].to_numpy(), pairs[["l", "r"]].to_numpy()
        changes = pd.DataFrame({"day": np.concatenate([begins, ends]), "component": np.tile(component, 2)})
        open_since = np.full(len(pairs), NEVER, dtype=np.int64)
        found = []
        for day, touched in changes[changes["day"] < self.end].drop_duplicates().groupby("day")["component"]:
            places = np.flatnonzero(np.isin(component, touched))
            known = places[(begins[places] <= day) & (ends[places] > day)]
            nodes, sides = np.unique(both[known], return_inverse=True)
            left, right = sides.reshape(-1, 2).T
            local = pairs.iloc[known].assign(l=left, r=right)
            labels = link_records.group_records(self.records.iloc[nodes], local, self.matching).labels
            joined = labels[left] == labels[right]
            together = known[joined & likely[known]]
            ended = np.setdiff1d(places[open_since[places] != NEVER], together)
            found.append(pairs.iloc[ended].assign(first_seen=open_since[ended], until=day))
            open_since[ended] = NEVER
            open_since[together] = np.minimum(open_since[together], day)
        still = open_since != NEVER
        found.append(pairs[still].assign(first_seen=open_since[still], until=NEVER))
        return pd.concat(found, ignore_index=True)

    def review(self) -> pd.DataFrame:
        """Pairs in doubt at the end, and pairs that are likely but apart, with the reason."""
        pairs = self.pairs[self.pairs["until"] >= self.end]
        unsure = pairs[(pairs["probability"] >= self.matching.review) & (pairs["probability"] < self.matching.match)]
        cut = link_records.group_records(self.records, pairs, self.matching).cut.merge(
            pairs.drop(columns="weight"), on=["l", "r"]
        )
        cut = cut.assign(status="cut: " + cut["reason"].astype(str)).drop(columns="reason")
        every = pd.concat([unsure.assign(status="review"), cut], ignore_index=True)
        return _review(_explained(every, self.compared.model), self.rows)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Links of several models, or of several versions of two contacts, as spans that do not touch each other.

    Weight and probability are those of the newest, of equals the greatest.
    """
    every = pd.concat([NO_LINKS, *parts], ignore_index=True).astype(NO_LINKS.dtypes.to_dict())
    every[["left", "right"]] = np.sort(every[["left", "right"]].to_numpy(str), axis=1)
    ordered = every.sort_values(["left", "right", "first_seen", "until", "weight"], ignore_index=True)
    reached = ordered.groupby(["left", "right"])["until"].cummax()
    before = reached.groupby([ordered["left"], ordered["right"]]).shift()
    span = (before.isna() | (ordered["first_seen"] > before)).cumsum()
    newest = (
        ordered.assign(span=span).sort_values(["until", "weight"], kind="stable").drop_duplicates("span", keep="last")
    )
    joined = newest.sort_values("span").assign(first_seen=ordered.groupby(span)["first_seen"].min().to_numpy())
    return joined[LINKS].reset_index(drop=True)


def _explained(pairs: pd.DataFrame, model: Model) -> pd.DataFrame:
    """With `agrees`: how the two agree, such as `given: equal, family: near`."""
    told = pd.Series("", index=pairs.index)
    for comparison in model.comparisons:
        labels = {place: f"{comparison.slot}: {level.label}, " for place, level in enumerate(comparison.levels)}
        told += pairs[comparison.slot].map(labels).fillna("")
    return pairs.assign(agrees=told.str.removesuffix(", "))


def _review(pairs: pd.DataFrame, versions: pd.DataFrame) -> pd.DataFrame:
    """Each pair of contacts once, as its likeliest pair of versions tells."""
    name = versions["name"].to_numpy()
    sides = np.sort(np.column_stack([name[pairs[side].astype(int)] for side in ("l", "r")]).astype(str), axis=1)
    named = pairs.assign(left=sides[:, 0], right=sides[:, 1])
    likeliest = named[named["left"] != named["right"]].sort_values(["weight", "agrees"], ascending=[False, True])
    once = likeliest.drop_duplicates(["left", "right"]).sort_values(["left", "right"])
    return once[REVIEW].reset_index(drop=True)
