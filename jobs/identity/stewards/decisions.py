"""What data stewards decided about records, carried out on the links: it wins over every rule and probability.

`same` is a link. `different` keeps two records out of one customer: of the links between them the weakest give way,
and an identifier that both have is nobody's from then on, as with two contacts that contradict each other. A decision
counts from its day, or from the day both records are there; what was known before that day stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from jobs.config.decisions import Placed, contradictions
from jobs.identity.components import components
from jobs.identity.links import FOUND, KINDS, NEVER
from jobs.identity.over_time.spans import live

RULE = "steward"
STRENGTH = {rule: place for place, rule in enumerate((RULE, *KINDS))}
"""Rules by how much they tell, the strongest first; other rules, such as probabilities, come after all of these."""
MERGED, SPLIT, NONE, WAITING, OVERRULED = "merged", "split", "none", "waiting", "overruled"


NO_EFFECTS = pd.DataFrame(columns=["decision_id", "applied", "effect"], dtype=object)


def strength(rules: pd.Series) -> pd.Series:
    """How much links by these rules tell: 0 the most."""
    return rules.map(STRENGTH).fillna(len(STRENGTH)).astype(int)


@dataclass(frozen=True)
class Decided:
    """`links`: those that are used, with `ended_by` (the rule that ended them). `cut`: links that evidence would make
    today and a decision does not allow (the columns of links, since, reason). `effects`: decision_id to what it does
    today, and applied: the day it first counted."""

    links: pd.DataFrame
    cut: pd.DataFrame
    effects: pd.DataFrame


def in_force(configured: Iterable[Placed], answered: Iterable[Placed]) -> tuple[list[Placed], list[Placed]]:
    """The decisions to carry out, and those given in Airflow that contradict a configured or an earlier one."""
    every = [*configured, *answered]
    overruled = [one for one, _ in contradictions(every)]
    return [one for one in every if not any(one is other for other in overruled)], overruled


def decide(
    links: pd.DataFrame, decisions: pd.DataFrame, first_seen: pd.Series, kinds: pd.Series, as_of: int
) -> Decided:
    """Carry out decisions (decision_id, left, right, decision, on) on links as `jobs.identity.links` makes them.

    Days are day numbers. `first_seen` and `kinds` tell of each identifier since when it is known, and its kind.
    """
    links = links.assign(ended_by=links["rule"]) if "ended_by" not in links else links
    if decisions.empty:
        return Decided(links.reset_index(drop=True), links[:0].assign(since=0, reason=""), NO_EFFECTS)
    counts = _counting(decisions, first_seen, as_of)
    same, apart = counts[counts["decision"] == "same"], counts[counts["decision"] == "different"]
    made = pd.DataFrame({"left": same["left"], "right": same["right"], "rule": RULE, "ended_by": RULE})
    made = made.assign(first_seen=same["since"].astype(np.int32), until=np.int32(NEVER))
    evidence = pd.concat([links, made], ignore_index=True) if len(made) else links.reset_index(drop=True)
    used, cut = _parted(evidence, apart, kinds, as_of)
    return Decided(used, cut, _effects(decisions, counts, evidence, as_of))


def _counting(decisions: pd.DataFrame, first_seen: pd.Series, as_of: int) -> pd.DataFrame:
    """Decisions that count by `as_of`, and since when."""
    known = decisions[decisions["left"].isin(first_seen.index) & decisions["right"].isin(first_seen.index)]
    since = np.maximum.reduce([known["on"], known["left"].map(first_seen), known["right"].map(first_seen)])
    counts = known.assign(since=np.asarray(since, np.int64))
    return counts[counts["since"] <= as_of]


def settled(
    sightings: pd.DataFrame, powerless: pd.DataFrame, decisions: pd.DataFrame, first_seen: pd.Series, as_of: int
) -> pd.DataFrame:
    """Links to disputed identifiers of which all owners are one person by decision: nothing is disputed then.

    They last until a record gets the identifier that is not among these. `powerless` as of `find_links`.
    """
    same = _counting(decisions, first_seen, as_of)
    same = same[same["decision"] == "same"]
    rows: list[tuple[str, str, str, int, int]] = []
    shared = powerless[powerless["reason"] == "shared"].groupby("identifier")["since"].min()
    open_ones = powerless[powerless["reason"] == "disputed"] if len(same) else powerless[:0]
    for kind, disputed in open_ones.groupby("kind"):
        told = sightings[sightings["contact"].notna() & sightings[kind].isin(disputed["identifier"])]
        told = told[told["contact"].isin({*same["left"], *same["right"]}).groupby(told[kind]).transform("any")]
        since = disputed.groupby("identifier")["since"].min()
        for identifier, carriers in told.groupby(kind):
            joined = carriers.groupby("contact")["first_seen"].min()
            end = shared.get(identifier, NEVER)
            for begin, until in _agreed(joined, same, int(since[identifier]), int(end), as_of):
                there = joined[joined <= begin].index
                rows += [(contact, str(identifier), str(kind), begin, until) for contact in there]
    links = pd.DataFrame(rows, columns=[name for name in FOUND if name != "by"])
    return links.assign(by=links["right"]).astype({"first_seen": np.int32, "until": np.int32})


def _agreed(joined: pd.Series, same: pd.DataFrame, since: int, end: int, as_of: int) -> list[tuple[int, int]]:
    """Spans of days on which all that had joined by then, at least two, are the same by decision."""
    days = sorted({since, *joined, *same["since"]})
    steps = [int(day) for day in days if since <= day <= as_of and day < end]
    spans = []
    for day, later in zip(steps, [*steps[1:], end], strict=True):
        here = joined[joined <= day].index.to_series()
        reach = _reach(same[same["since"] <= day], pd.DataFrame({"left": here, "right": here}))
        if len(here) > 1 and reach[here].nunique() == 1:
            spans.append((day, int(later)))
    return spans


def _parted(
    links: pd.DataFrame, apart: pd.DataFrame, kinds: pd.Series, as_of: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Links without those that would join two records that are kept apart. Other customers are not looked at."""
    nothing = links[:0].assign(since=0, reason="")
    if apart.empty:
        return links, nothing
    reach = _reach(links, apart)
    pairs = apart.assign(reach=reach[apart["left"]].to_numpy())[
        reach[apart["left"]].to_numpy() == reach[apart["right"]].to_numpy()
    ]
    of_link = reach[links["left"]].to_numpy()
    restless = np.isin(of_link, pairs["reach"])
    used, cut = [links[~restless]], [nothing]
    for where, some in links[restless].groupby(of_link[restless]):
        kept, gone = _live(some.reset_index(drop=True), pairs[pairs["reach"] == where], kinds, as_of)
        used.append(kept)
        cut.append(gone)
    return pd.concat(used, ignore_index=True), pd.concat(cut, ignore_index=True)


def _reach(links: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    """Identifier to a number that all it was ever linked to share."""
    codes, names = pd.factorize(pd.concat([links["left"], links["right"], others["left"], others["right"]]))
    left, right = codes[: len(links)], codes[len(links) : 2 * len(links)]
    return pd.Series(components(len(names), left, right), index=names)


def _live(links: pd.DataFrame, pairs: pd.DataFrame, kinds: pd.Series, as_of: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Live through the days on which links or decisions of one group begin or end."""
    since = pairs["since"].to_numpy(np.int64)
    days = np.unique(np.concatenate([since, links["first_seen"], links["until"]]))

    def cuts(day: int, standing: np.ndarray) -> np.ndarray:
        told = np.full(len(links), "", object)
        for place, reason in _cuts(links[standing], pairs[since <= day], kinds).items():
            told[place] = reason
        return told

    return live(links, days[(days >= since.min()) & (days <= as_of)], cuts, RULE)


class _Parts:
    """What links tie together so far, and which parts hold records that are decided to be different people."""

    def __init__(self, pairs: pd.DataFrame) -> None:
        self._parent: dict[str, str] = {}
        self._enemies: dict[str, set[str]] = defaultdict(set)
        for left, right in zip(pairs["left"], pairs["right"], strict=True):
            self._enemies[left].add(right)
            self._enemies[right].add(left)

    def of(self, node: str) -> str:
        while self._parent.setdefault(node, node) != node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def join(self, one: str, other: str) -> None:
        one, other = self.of(one), self.of(other)
        if one != other:
            self._parent[other] = one
            if other in self._enemies:
                self._enemies[one] |= self._enemies.pop(other)

    def enemies(self, part: str) -> set[str]:
        """Parts that this one may not be joined with."""
        return {self.of(node) for node in self._enemies.get(part, ())}


def _cuts(links: pd.DataFrame, pairs: pd.DataFrame, kinds: pd.Series) -> dict[int, str]:
    """Links (by index) that have to go so that no pair is joined, with the reason.

    Links are taken by strength, equally strong ones together: of these all that are on a shortest way between a pair
    go, for nothing tells which of them is wrong. Then identifiers that lost one owner and kept another by equally
    strong links lose both.
    """
    parts = _Parts(pairs)
    weight = links["weight"] if "weight" in links else pd.Series(0.0, links.index)
    told = links.assign(rank=strength(links["rule"]), weak=-weight.fillna(0.0))
    order = told.sort_values(["rank", "weak", "first_seen"], kind="stable")
    columns = (order["rank"], order["weak"], order["first_seen"], order.index, order["left"], order["right"])
    cuts: dict[int, str] = {}
    kept_by: set[tuple[str, int]] = set()
    lost_by: set[tuple[str, int]] = set()
    for (rank, *_), tier in groupby(zip(*columns, strict=True), key=lambda link: link[:3]):
        equals = [(place, left, right) for *_, place, left, right in tier]
        between = _between({place: (parts.of(left), parts.of(right)) for place, left, right in equals}, parts)
        for place, left, right in equals:
            if place in between:
                cuts[place] = "a steward decided that two records are different people"
                lost_by |= {(left, rank), (right, rank)}
            else:
                kept_by |= {(left, rank), (right, rank)}
                parts.join(left, right)
    shared = {name for name, _ in kept_by & lost_by if kinds[name] != "contact"}
    for place, left, right in zip(links.index, links["left"], links["right"], strict=True):
        if left in shared or right in shared:
            cuts[place] = "both of two different people have it, so it tells nothing"
    return cuts


def _between(links: Mapping[int, tuple[str, str]], parts: _Parts) -> set[int]:
    """Links between parts that have to go so that no two enemies are joined: the shortest ways first."""
    gone: set[int] = set()
    while True:
        rest = {place: ends for place, ends in links.items() if place not in gone}
        near: dict[str, set[str]] = defaultdict(set)
        for one, other in rest.values():
            if one != other:
                near[one].add(other)
                near[other].add(one)
        steps = {part: _steps(near, part) for part in near if parts.enemies(part)}
        ways = [
            (far[enemy], part, enemy) for part, far in steps.items() for enemy in parts.enemies(part) if enemy in far
        ]
        if not ways:
            return gone
        shortest = min(length for length, _, _ in ways)
        for _, part, enemy in (way for way in ways if way[0] == shortest):
            here, there = steps[part], steps[enemy]
            gone |= {
                place
                for place, (one, other) in rest.items()
                if one in here and here[one] + 1 + there[other] == shortest
            }


def _steps(near: Mapping[str, set[str]], start: str) -> dict[str, int]:
    """How many links away from a part every other one is that it is tied to."""
    found, reached = {start: 0}, [start]
    for part in reached:
        for other in near[part] - found.keys():
            found[other] = found[part] + 1
            reached.append(other)
    return found


def _effects(decisions: pd.DataFrame, counts: pd.DataFrame, evidence: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """What each decision does today: whether the evidence alone (for `different`: with all that is the same) says
    otherwise."""
    standing = evidence[(evidence["first_seen"] <= as_of) & (evidence["until"] > as_of)]
    alone = _joined(counts, standing[standing["rule"] != RULE])
    with_same = _joined(counts, standing)
    same = (counts["decision"] == "same").to_numpy()
    effect = np.where(same, np.where(alone, NONE, MERGED), np.where(with_same, SPLIT, NONE))
    found = pd.DataFrame({"decision_id": counts["decision_id"], "applied": counts["since"], "effect": effect})
    every = decisions[["decision_id"]].merge(found, on="decision_id", how="left")
    return every.assign(effect=every["effect"].fillna(WAITING))


def _joined(pairs: pd.DataFrame, links: pd.DataFrame) -> np.ndarray:
    if pairs.empty:
        return np.empty(0, bool)
    reach = _reach(links, pairs)
    return reach[pairs["left"]].to_numpy() == reach[pairs["right"]].to_numpy()


def as_frame(placed: Sequence[Placed], hashed: pd.Series) -> pd.DataFrame:
    """Decisions as `decide` takes them. `hashed` tells of each source:record its identifier."""
    told = [
        {
            "decision_id": one.decision.id,
            "left": hashed[str(one.decision.left)],
            "right": hashed[str(one.decision.right)],
            "decision": one.decision.decision,
            "on": (one.decision.on - pd.Timestamp(0).date()).days,
        }
        for one in placed
    ]
    frame = pd.DataFrame(told, columns=["decision_id", "left", "right", "decision", "on"])
    return frame.astype({"on": np.int64}).drop_duplicates("decision_id", ignore_index=True)
