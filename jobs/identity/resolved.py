"""Customers from what was seen together: a pure function of sightings, further links and decisions.

It decides by parts of the evidence that nothing ties to each other, so it can be asked about some of them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.identity import Identifier
from jobs.identity import evidence, size_cap
from jobs.identity.components import NotComponents, components
from jobs.identity.customer_of import customer_ids
from jobs.identity.deleted_contacts import NOBODY
from jobs.identity.links import KINDS, alike_links, find_links
from jobs.identity.over_time.merges_and_splits import Links, replay
from jobs.identity.stewards import decisions

NO_DECISIONS = decisions.as_frame([], pd.Series(dtype=object))
SAME_ID = "identity: two customers got the same id; set another KLANTREIS_HASH_KEY and rebuild"


@dataclass(frozen=True)
class Resolved:
    """Contents of tables in identity/, and what decisions do (decision_id, applied, effect)."""

    map: pa.Table
    events: pa.Table
    links: pa.Table
    set_aside: pa.Table
    effects: pd.DataFrame

    @property
    def counts(self) -> dict[str, Any]:
        """Numbers to report, see `evidence.counts`."""
        return evidence.counts(lambda name, columns: self.tables[name].select(columns))

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables by name, in the order to write them."""
        return {
            "identity/links": self.links,
            "identity/set_aside": self.set_aside,
            "identity/map": self.map,
            "identity/events": self.events,
        }


def resolve(
    seen: pd.DataFrame,
    rules: Mapping[Any, Identifier],
    as_of: date,
    largest: int,
    others: pd.DataFrame | None = None,
    told: pd.DataFrame = NO_DECISIONS,
    deleted: pd.DataFrame = NOBODY,
) -> Resolved:
    """Customers from sightings: connected components of the links that stand, named after their oldest identifier.

    `largest` is how many contact records a customer may have; `others` are further links, as `jobs.identity.links`
    makes them; `told` are decisions, as `decisions.as_frame` does; `deleted` is as `deleted_spans` makes
    it.
    """
    claims, seen = seen[seen["claim"]], seen[~seen["claim"]]
    nodes = identifiers(seen)
    found, powerless = find_links(seen, rules, deleted)
    if len(claims):
        found = pd.concat([found, alike_links(seen, claims, rules, deleted)], ignore_index=True)
    if others is not None and len(others):
        found = pd.concat([found, others], ignore_index=True)
    today = (as_of - evidence.EPOCH).days
    by_identifier = nodes.set_index("identifier")
    again = decisions.settled(seen, powerless, told, by_identifier["first_seen"], today)
    found = pd.concat([found, again], ignore_index=True) if len(again) else found
    found = found.assign(ended_by=found["ended_by"].fillna(found["rule"]))
    decided = decisions.decide(found, told, by_identifier["first_seen"], by_identifier["kind"], today)
    capped = size_cap.cap(decided.links, by_identifier["kind"], largest, today)
    found = capped.links
    links = Links(
        left=by_identifier.index.get_indexer(found["left"]),
        right=by_identifier.index.get_indexer(found["right"]),
        first_seen=found["first_seen"].to_numpy(),
        until=found["until"].to_numpy(),
        rule=found["rule"].to_numpy(),
        ended_by=found["ended_by"].to_numpy(),
    )
    history = replay(nodes["first_seen"].to_numpy(), nodes["kind"].to_numpy(), links, today)
    standing = links.where(links.until > today)
    if not np.array_equal(components(len(nodes), standing.left, standing.right), history.labels):
        raise NotComponents("identity: the history of merges and splits does not lead to today's customers")
    customer = customer_ids(nodes["identifier"]).to_numpy(dtype=object)
    if len(set(customer[np.unique(history.labels)])) < len(np.unique(history.labels)):
        raise NotComponents(SAME_ID)
    cut = pd.concat([decided.cut, capped.cut], ignore_index=True)
    nobodys = pd.concat([powerless, capped.nobodys], ignore_index=True)
    again = again[(again["until"] > today) & ~again["right"].isin(capped.nobodys["identifier"])]
    return Resolved(
        map=evidence.map_table(nodes.assign(customer_id=customer[history.labels])),
        events=evidence.event_table(history.events, customer),
        links=evidence.link_table(found, cut, powerless, by_identifier["kind"], as_of),
        set_aside=evidence.set_aside_table(nobodys, again),
        effects=decided.effects,
    )


def identifiers(seen: pd.DataFrame) -> pd.DataFrame:
    """Every identifier once, oldest first: identifier, kind, first_seen, sources (sorted list)."""
    told = {kind: np.flatnonzero(seen[kind].notna()) for kind in KINDS}
    rows = np.concatenate([*told.values()])
    named = pd.DataFrame(
        {
            "identifier": np.concatenate([seen[kind].to_numpy(object)[here] for kind, here in told.items()]),
            "kind": np.repeat(np.array(KINDS, object), [len(here) for here in told.values()]),
            "source": seen["source"].to_numpy()[rows],
            "first_seen": seen["first_seen"].to_numpy()[rows],
        }
    )
    by_source = named.groupby(["identifier", "kind", "source"], as_index=False)["first_seen"].min()
    nodes = by_source.groupby(["identifier", "kind"], as_index=False)["first_seen"].min()
    starts = np.flatnonzero(~by_source.duplicated(["identifier", "kind"]))
    grouped = np.split(by_source["source"].to_numpy(), starts)[1:]  # what lies before the first start is empty
    nodes["sources"] = pd.Series(grouped, dtype=object)
    return nodes.sort_values(["first_seen", "identifier"], ignore_index=True)


def clusters(seen: pd.DataFrame, tied: pd.DataFrame) -> pd.Series:
    """Of each sighting the smallest identifier of all that is tied to it, directly or through others.

    Tied is what occurs in one row, and the ends (left, right) of `tied`. Nothing but this decides what `resolve` has
    to look at together. A sighting without identifiers has an empty text.
    """
    first = pd.Series(None, index=seen.index, dtype=object)
    for kind in KINDS:
        first = first.where(first.notna(), seen[kind])
    parts = [first[seen[kind].notna()] for kind in KINDS]
    others = [seen.loc[seen[kind].notna(), kind] for kind in KINDS]
    left, right = pd.concat([*parts, tied["left"]]), pd.concat([*others, tied["right"]])
    codes, names = pd.factorize(pd.concat([left, right]), sort=True)
    labels = components(len(names), *np.split(codes, 2))
    places = pd.Index(names).get_indexer(first)
    found = np.where(places < 0, "", np.asarray(names, object)[labels[places]] if len(names) else "")
    return pd.Series(found, index=seen.index, dtype=object)
