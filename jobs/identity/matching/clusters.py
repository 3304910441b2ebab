"""From scored pairs to groups of records: what belongs together on the whole, not whatever a chain of pairs reaches.

Groups grow by the greatest gain first (greedy additive edge contraction, a method of correlation clustering): the
weights of all pairs between two groups are added up, so one lucky pair cannot join two groups whose other records speak
against it. Every pair that was likely enough by itself but ended in two groups is reported with the reason.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.identity.components import components

LEAST, MOST = -6.0, 12.0
"""Weight beyond which one pair counts no more: it takes several doubts to outweigh it, but not hundreds. Doubt
counts for less than agreement: people move, marry and mistype, but seldom agree by accident."""
UNKNOWN = 0.5
"""What a pair that no blocking rule found counts against joining two groups."""
NOTHING = [0.0, 0, 0, 0.0]
TIE, APART = 1.0, 2.0
"""Gains so near each other are a tie; groups that differ and whose joining costs so much a pair are apart."""
WEAK, CONFLICT, DUPLICATE, AMBIGUOUS, TOO_LARGE = (
    "outweighed",
    "conflict",
    "one to one",
    "ambiguous",
    "group too large",
)


@dataclass(frozen=True)
class Groups:
    """`labels`: per record the smallest row number of its group. `cut`: l, r, weight, reason."""

    labels: np.ndarray
    cut: pd.DataFrame


def group(
    size: int, pairs: pd.DataFrame, threshold: float, exclusive: np.ndarray | None = None, largest: int = 1_000_000
) -> Groups:
    """Group records 0..size-1. `pairs`: l, r, weight (log2 odds) and, where known, `differ` (a fact speaks against
    them), `conflict` (they cannot be one) and `unnamed` (first names are not told by both).

    `threshold` is the weight from which a pair is likely enough. `exclusive` holds a number per record, negative for
    none: two records with the same number are never put together (a source without duplicates).
    """
    left, right = pairs["l"].to_numpy(np.int64), pairs["r"].to_numpy(np.int64)
    gain = pairs["weight"].to_numpy(float) - threshold
    differ, conflict, unnamed = (
        pairs[name].to_numpy(bool) if name in pairs else np.zeros(len(pairs), bool)
        for name in ("differ", "conflict", "unnamed")
    )
    strong = (gain >= 0) & ~conflict
    reach = components(size, left[strong], right[strong])
    inside = reach[left] == reach[right]
    labels = reach.copy()
    for nodes, edges in _unsettled(reach, left, right, strong, inside, exclusive, largest):
        found = _contract(
            nodes,
            left[edges],
            right[edges],
            np.clip(gain[edges], LEAST, MOST),
            conflict[edges],
            differ[edges],
            unnamed[edges],
            exclusive,
            largest,
        )
        for members in found:
            labels[members] = min(members)
    apart = (gain >= 0) & (labels[left] != labels[right])
    cut = pairs.loc[apart, ["l", "r", "weight"]].assign(
        reason=_reasons(labels, left[apart], right[apart], conflict[apart], exclusive, largest)
    )
    return Groups(labels, cut.reset_index(drop=True))


def _unsettled(
    reach: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    strong: np.ndarray,
    inside: np.ndarray,
    exclusive: np.ndarray | None,
    largest: int,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Components in which not every pair is strong: their records, and the places of their pairs."""
    size = np.bincount(reach, minlength=len(reach))
    settled = np.bincount(reach[left[strong]], minlength=len(reach)) >= size * (size - 1) // 2
    if exclusive is not None and len(reach):
        taken = pd.DataFrame({"reach": reach, "exclusive": exclusive})[exclusive >= 0]
        settled[taken.loc[taken.duplicated(), "reach"].unique()] = False
    doubtful = (size > 1) & (~settled | (size > largest))
    nodes = np.flatnonzero(doubtful[reach])
    edges = np.flatnonzero(inside & doubtful[reach[left]])
    by_nodes = np.split(nodes[np.argsort(reach[nodes], kind="stable")], _starts(reach[nodes]))
    by_edges = dict(
        zip(
            np.unique(reach[left[edges]]),
            np.split(edges[np.argsort(reach[left[edges]], kind="stable")], _starts(reach[left[edges]])),
            strict=False,
        )
    )
    return [(members, by_edges[reach[members[0]]]) for members in by_nodes if len(members)]


def _starts(groups: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(np.sort(groups, kind="stable"))) + 1


def _contract(
    nodes: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    gain: np.ndarray,
    conflict: np.ndarray,
    differ: np.ndarray,
    unnamed: np.ndarray,
    exclusive: np.ndarray | None,
    largest: int,
) -> list[list[int]]:
    """Join the two groups that gain most by it until no two do.

    A record without a first name agrees with everybody at its address, so where two groups differ it says nothing.
    """
    members = {int(node): [int(node)] for node in nodes}
    taken = {int(n): ({int(exclusive[n])} if exclusive is not None and exclusive[n] >= 0 else set()) for n in nodes}
    links: dict[int, dict[int, list[float]]] = defaultdict(dict)
    # other group: [gain, pairs known, pairs that differ, gain by pairs without a first name]
    gain = np.where(conflict, -np.inf, gain)
    bare = np.where(unnamed, np.maximum(gain, 0.0), 0.0)
    columns = (left, right, gain, differ | conflict, bare)
    for one, other, more, against, without in zip(*(column.tolist() for column in columns), strict=True):
        links[one][other] = links[other][one] = [more, 1, against, without]

    def worth(one: int, other: int) -> float:
        if taken[one] & taken[other] or len(members[one]) + len(members[other]) > largest:
            return -np.inf
        total, known, against, without = links[one][other]
        total -= without if against else 0.0
        return float(total - UNKNOWN * (len(members[one]) * len(members[other]) - known))

    queue = [(-worth(one, other), one, other) for one in links for other in links[one] if one < other]
    heapq.heapify(queue)
    while queue:
        loss, one, other = heapq.heappop(queue)
        if one not in members or other not in members or other not in links[one]:
            continue
        now = -worth(one, other)
        if now > 0 or loss > 0:
            if loss > 0:
                break
            continue
        if now != loss:
            heapq.heappush(queue, (now, one, other))
            continue
        if _torn(one, other, -now, links, worth, members):
            links[one][other][0] = links[other][one][0] = -np.inf
            continue
        keep, gone = (one, other) if one < other else (other, one)
        members[keep] += members.pop(gone)
        taken[keep] |= taken.pop(gone)
        del links[keep][gone], links[gone][keep]
        for third, told in links.pop(gone).items():
            del links[third][gone]
            before = links[keep].get(third, NOTHING)
            links[keep][third] = links[third][keep] = [one + other for one, other in zip(before, told, strict=True)]
        for third in links[keep]:
            low, high = min(keep, third), max(keep, third)
            heapq.heappush(queue, (-worth(low, high), low, high))
    return list(members.values())


def _torn(
    one: int,
    other: int,
    gain: float,
    links: dict[int, dict[int, list[float]]],
    worth: Callable[[int, int], float],
    members: dict[int, list[int]],
) -> bool:
    """Whether one of two groups could as well join a third that cannot be the other: nobody can say whose it is."""
    for here, there in ((one, other), (other, one)):
        for third in links[here]:
            apart = APART * len(members[there]) * len(members[third])
            differs = third != there and links[there].get(third, NOTHING)[2] and worth(there, third) <= -apart
            if differs and worth(here, third) > max(0.0, gain - TIE):
                links[here][third][0] = links[third][here][0] = -np.inf
                return True
    return False


def _reasons(
    labels: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    conflict: np.ndarray,
    exclusive: np.ndarray | None,
    largest: int,
) -> list[str]:
    size = np.bincount(labels, minlength=len(labels))
    within: dict[int, set[int]] = defaultdict(set)
    if exclusive is not None:
        for node in np.flatnonzero(exclusive >= 0):
            within[int(labels[node])].add(int(exclusive[node]))
    found = []
    for one, other, never in zip(labels[left].tolist(), labels[right].tolist(), conflict.tolist(), strict=True):
        if never:
            found.append(CONFLICT)
        elif within[one] & within[other]:
            found.append(DUPLICATE)
        elif size[one] + size[other] > largest:
            found.append(TOO_LARGE)
        else:
            found.append(WEAK)
    return found
