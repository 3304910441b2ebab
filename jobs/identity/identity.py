"""Who is who: identifiers that occur together are one customer. And: which customer does a row belong to."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.decisions import Placed
from jobs.config.identity import Identifier
from jobs.config.settings import Settings
from jobs.identity import decisions, evidence, model_store, size_cap, steward_answers
from jobs.identity.components import NotComponents, components
from jobs.identity.contact_rows import contact_versions, rows_of
from jobs.identity.customer_of import CUSTOMER_ID_LENGTH, newest_day
from jobs.identity.identifiers import identifier_hash
from jobs.identity.links import KINDS, find_links
from jobs.identity.merges_and_splits import Links, replay
from jobs.identity.probable import probable
from jobs.identity.sightings import person_tables, sightings
from jobs.lake.lake import Lake

log = logging.getLogger(__name__)
NO_DECISIONS = decisions.as_frame([], pd.Series(dtype=object))

CONTACTS = "valid/contacts"
EVIDENCE = ("identity/links", "identity/set_aside", "identity/decisions")
WRITES = ("identity/map", "identity/events", "identity/review", *EVIDENCE)


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Rebuild identity/map, identity/events and identity/review from everything that arrived up to `day`.

    Contacts are also linked by probability (`jobs.identity.probable`); what that learned and compared is kept in the
    tables of `jobs.identity.model_store` for the next day.
    """
    lake = Lake.of(settings)
    tables = [name for name in person_tables() if lake.exists(name)] or [CONTACTS]
    joining = settings.identity.model_dump_json(include={"identifiers", "junk", "matching", "largest_customer"})
    config = [joining, settings.general.country, [[one.decision, one.place] for one in settings.decisions]]
    reads = sorted({*tables, CONTACTS, steward_answers.TABLE})
    txn = lake.transaction("identity", day, reads, config, previous=model_store.TABLES, code=__name__)
    if txn.done(*WRITES):
        return {"unchanged": True, "identifiers": lake.rows("identity/map")}
    as_of = newest_day(lake, "identity/map", day)
    seen = sightings(txn.read, tables, as_of, settings)
    rows, records = rows_of(contact_versions(txn.read(CONTACTS), as_of, settings))
    known = model_store.load_learned(txn.read, records, settings)
    found, learned = probable(rows, records, settings.identity.matching, known)
    decided, overruled = decisions.in_force(
        settings.decisions, steward_answers.answered(txn.arrow(steward_answers.TABLE))
    )
    told = decisions.as_frame(decided, _hashed(decided, settings))
    rules, largest = settings.identity.identifiers, settings.identity.largest_customer
    resolved = resolve(seen, rules, as_of, largest, found.links, told)
    for name, table in model_store.learned_tables(learned, known, settings) if learned else ():
        lake.replace(name, table, txn)
    lake.replace("identity/review", _review_table(found.review, as_of), txn)
    audit = evidence.decision_table(decided, overruled, resolved.effects, str(settings.folder), as_of)
    for name, table in zip(EVIDENCE, (resolved.links, resolved.set_aside, audit), strict=True):
        lake.replace(name, table, txn)
    lake.replace("identity/map", resolved.map, txn)
    lake.replace("identity/events", resolved.events, txn)
    status = found.review["status"].value_counts()
    counts = resolved.counts | {
        "links_by_probability": len(found.links),
        "pairs_to_review": int(status.get("review", 0)),
        "pairs_kept_apart": int(status.drop("review", errors="ignore").sum()),
        "decisions": dict(sorted(Counter(audit["effect"].to_pylist()).items())),
    }
    log.info("identity: %s", counts)
    return counts


def _hashed(placed: Iterable[Placed], settings: Settings) -> pd.Series:
    """source:record to identifier, of the records that are decided about."""
    records = {str(record): record for one in placed for record in (one.decision.left, one.decision.right)}
    found = {name: identifier_hash("contact", one.record, settings, one.source) for name, one in records.items()}
    return pd.Series(found, dtype=object)


@dataclass(frozen=True)
class Resolved:
    """Contents of tables in identity/, what decisions do (decision_id, applied, effect), and numbers to report."""

    map: pa.Table
    events: pa.Table
    links: pa.Table
    set_aside: pa.Table
    effects: pd.DataFrame
    counts: dict[str, Any]


def resolve(
    seen: pd.DataFrame,
    rules: Mapping[Any, Identifier],
    as_of: date,
    largest: int,
    others: pd.DataFrame | None = None,
    told: pd.DataFrame = NO_DECISIONS,
) -> Resolved:
    """Customers from sightings: connected components of the links that stand, named after their oldest identifier.

    `largest` is how many contact records a customer may have; `others` are further links, as `jobs.identity.links`
    makes them; `told` are decisions, as `decisions.as_frame` does.
    """
    nodes = identifiers(seen)
    found, powerless = find_links(seen, rules)
    if others is not None and len(others):
        found = pd.concat([found, others], ignore_index=True)
    today = (as_of - evidence.EPOCH).days
    by_identifier = nodes.set_index("identifier")
    again = decisions.settled(seen, powerless, told, by_identifier["first_seen"], today)
    found = pd.concat([found, again], ignore_index=True) if len(again) else found
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
    customer = ("c" + nodes["identifier"].str[:CUSTOMER_ID_LENGTH]).to_numpy(dtype=object)
    if len(set(customer[np.unique(history.labels)])) < len(np.unique(history.labels)):
        raise NotComponents("identity: two customers got the same id; set another KLANTREIS_HASH_KEY and rebuild")
    cut = pd.concat([decided.cut, capped.cut], ignore_index=True)
    nobodys = pd.concat([powerless, capped.nobodys], ignore_index=True)
    again = again[(again["until"] > today) & ~again["right"].isin(capped.nobodys["identifier"])]
    return Resolved(
        map=_map_table(nodes.assign(customer_id=customer[history.labels]), as_of),
        events=_event_table(history.events, customer),
        links=evidence.link_table(found, cut, powerless, by_identifier["kind"], as_of),
        set_aside=evidence.set_aside_table(nobodys, again, as_of),
        effects=decided.effects,
        counts=_counts(seen, nodes, history.labels, history.events, nobodys)
        | {"links_cut": len(decided.cut), "links_cut_too_many_records": len(capped.cut)},
    )


def identifiers(seen: pd.DataFrame) -> pd.DataFrame:
    """Every identifier once, oldest first: identifier, kind, first_seen, sources (sorted list)."""
    parts = [
        seen.loc[seen[kind].notna(), [kind, "source", "first_seen"]]
        .set_axis(["identifier", "source", "first_seen"], axis=1)
        .assign(kind=kind)
        for kind in KINDS
    ]
    by_source = pd.concat(parts).groupby(["identifier", "kind", "source"], as_index=False)["first_seen"].min()
    nodes = by_source.groupby(["identifier", "kind"], as_index=False)["first_seen"].min()
    starts = np.flatnonzero(~by_source.duplicated(["identifier", "kind"]))
    grouped = np.split(by_source["source"].to_numpy(), starts)[1:]  # what lies before the first start is empty
    nodes["sources"] = pd.Series(grouped, dtype=object)
    return nodes.sort_values(["first_seen", "identifier"], ignore_index=True)


def _map_table(nodes: pd.DataFrame, as_of: date) -> pa.Table:
    return evidence.as_table("identity/map", nodes.assign(first_seen=evidence.dates(nodes["first_seen"]), as_of=as_of))


def _event_table(events: pd.DataFrame, customer: np.ndarray) -> pa.Table:
    has_other = events["other"].notna().to_numpy()
    other = np.full(len(events), None, dtype=object)
    other[has_other] = customer[events.loc[has_other, "other"].astype(int)]
    day = evidence.dates(events["day"])
    goes_on = customer[events["node"].astype(int)]
    changed = np.where(has_other, other, goes_on)
    ids = [f"{when}-{type_}-{who}" for when, type_, who in zip(day, events["type"], changed, strict=True)]
    columns = {"event_id": ids, "day": day, "customer_id": goes_on, "other_customer_id": other}
    return evidence.as_table("identity/events", events.assign(**columns))


def _review_table(review: pd.DataFrame, as_of: date) -> pa.Table:
    return evidence.as_table(
        "identity/review", review.assign(first_seen=evidence.dates(review["first_seen"]), as_of=as_of)
    )


def _counts(
    seen: pd.DataFrame, nodes: pd.DataFrame, labels: np.ndarray, events: pd.DataFrame, powerless: pd.DataFrame
) -> dict[str, Any]:
    """Numbers only: what was found, and what was set aside instead of being allowed to link people."""
    happened = events["type"].value_counts()
    set_aside = powerless.groupby(["reason", "kind"]).size()
    return {
        "identifiers": len(nodes),
        "customers": len(np.unique(labels)),
        "merged": int(happened.get("merged", 0)),
        "split": int(happened.get("split", 0)),
        "values_ignored": int(seen["ignored"].sum()),
        "identifiers_shared": {kind: int(n) for (reason, kind), n in set_aside.items() if reason == "shared"},
        "identifiers_disputed": {kind: int(n) for (reason, kind), n in set_aside.items() if reason == "disputed"},
        "identifiers_too_many_records": {
            kind: int(n) for (reason, kind), n in set_aside.items() if reason == size_cap.RULE
        },
    }
