"""Customers day by day: who was created, merged and split when, as a function of the history of the links.

Nodes are numbered by age (oldest identifier first), so the smallest node of a component is the one it is named after.
Only days on which links begin or end cost work, and only the components they touch are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.identity.components import components

Event = tuple[str, int, int, str]
"""Type, the node a customer that goes on is named after, that of the one that ended or began, and why."""


@dataclass(frozen=True)
class Links:
    """Links as arrays: ends (node numbers), first day, day of the end (a large number: none), why, what ended it."""

    left: np.ndarray
    right: np.ndarray
    first_seen: np.ndarray
    until: np.ndarray
    rule: np.ndarray
    ended_by: np.ndarray

    def where(self, chosen: np.ndarray | slice) -> Links:
        return Links(*(column[chosen] for column in vars(self).values()))


@dataclass(frozen=True)
class History:
    """`labels`: the oldest node of each node's component at the end. `events`: day, type, node, other, reason."""

    labels: np.ndarray
    events: pd.DataFrame


def replay(first_seen: np.ndarray, kinds: np.ndarray, links: Links, as_of: int) -> History:
    """Live through the days up to `as_of`. `first_seen` and `kinds` describe the nodes, oldest first."""
    parent = np.arange(len(first_seen))
    born = np.ones(len(first_seen), bool)  # starts a customer of its own on its first day
    events = []
    for day in np.unique(np.concatenate([links.first_seen, links.until])):
        if day > as_of:
            break
        begun, ended = links.where(links.first_seen == day), links.where(links.until == day)
        touched, before, after = _one_day(parent, first_seen, links, begun, ended, day)
        parent[touched] = after
        known = first_seen[touched] < day
        born[touched[~known & (after != touched)]] = False
        change = Change(touched[known], before[known], after[known])
        bridges = begun.where(~_dangling(begun, first_seen, day))
        events += [(day, *event) for event in (*change.merges(parent, bridges), *change.splits(parent, ended))]
    nodes = np.flatnonzero(born)
    created = [(first_seen[node], "created", node, None, kinds[node]) for node in nodes]
    happened = pd.DataFrame([*created, *events], columns=["day", "type", "node", "other", "reason"])
    return History(_find(parent, np.arange(len(parent))), happened)


@dataclass(frozen=True)
class Change:
    """Nodes that existed before a day, with their component (its oldest node) before and after that day."""

    nodes: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def merges(self, parent: np.ndarray, begun: Links) -> list[Event]:
        """Customers that ended because they joined an older one."""
        gone = (self.before == self.nodes) & (self.after != self.nodes)
        reasons = _reasons(_find(parent, begun.left), begun.rule) if gone.any() else {}
        return [
            ("merged", into, node, reasons[into]) for into, node in zip(self.after[gone], self.nodes[gone], strict=True)
        ]

    def splits(self, parent: np.ndarray, ended: Links) -> list[Event]:
        """Customers that began by leaving another one."""
        new = (self.before != self.nodes) & (self.after == self.nodes)
        if not new.any():
            return []
        origin = dict(zip(self.nodes, self.before, strict=True))
        reasons = _reasons(np.array([origin[node] for node in ended.left]), ended.ended_by)
        goes_on = _find(parent, self.before[new])
        left = zip(goes_on, self.nodes[new], self.before[new], strict=True)
        return [("split", customer, node, reasons[was]) for customer, node, was in left]


def _one_day(
    parent: np.ndarray, first_seen: np.ndarray, links: Links, begun: Links, ended: Links, day: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes whose component can change this day, with the component they are in before and after it.

    A component that only gains links is represented by its oldest node; one that loses links is looked at in full.
    """
    inside, kept = np.empty(0, np.int64), links.where(slice(0, 0))
    if len(ended.left):
        existing = np.flatnonzero(first_seen < day)
        inside = existing[np.isin(_find(parent, existing), _find(parent, ended.left))]
        stands = (links.first_seen < day) & (links.until > day)
        kept = links.where(stands & np.isin(links.left, inside))

    def stand_in(nodes: np.ndarray) -> np.ndarray:
        return np.where(np.isin(nodes, inside), nodes, _find(parent, nodes))

    left = np.concatenate([stand_in(begun.left), kept.left])
    right = np.concatenate([stand_in(begun.right), kept.right])
    touched = np.unique(np.concatenate([inside, left, right]))
    labels = components(len(touched), np.searchsorted(touched, left), np.searchsorted(touched, right))
    return touched, _find(parent, touched), touched[labels]


def _dangling(begun: Links, first_seen: np.ndarray, day: int) -> np.ndarray:
    """Links to a node that is new this day and has no other: they join nothing."""
    ends, counts = np.unique(np.concatenate([begun.left, begun.right]), return_counts=True)
    leaves = ends[(counts == 1) & (first_seen[ends] == day)]
    return np.isin(begun.left, leaves) | np.isin(begun.right, leaves)


def _reasons(component: np.ndarray, rule: np.ndarray) -> dict[int, str]:
    """Component to the rules of its links, such as `email, login`."""
    rules: dict[int, list[str]] = {}
    for where, why in sorted(set(zip(component.tolist(), rule.tolist(), strict=True))):
        rules.setdefault(where, []).append(why)
    return {where: ", ".join(reasons) for where, reasons in rules.items()}


def _find(parent: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """The component of each node: follow parents until nothing changes."""
    found = parent[nodes]
    while (parent[found] != found).any():
        found = parent[found]
    return found
