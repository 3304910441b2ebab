"""The tables that explain who is who: which links are used, which were cut and why, and what decisions do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.decisions import Placed
from jobs.identity import deleted_contacts, size_cap
from jobs.identity.links import NEVER
from jobs.identity.stewards import decisions
from jobs.lake.tables.catalogue import get

EPOCH = date(1970, 1, 1)
USED, ENDED, CUT = "used", "ended", "cut"
LIKELY = "probabilistic"
"""The rule of links by probability."""
WHY = ("shared", "disputed", size_cap.RULE)
"""Why an identifier is set aside."""


def link_table(
    lived: pd.DataFrame, cut: pd.DataFrame, powerless: pd.DataFrame, kinds: pd.Series, as_of: date
) -> pa.Table:
    """identity/links: every link that is or was used (`lived`), and those that are cut (with since and reason).

    What two records have in common twice is told once: used if it still is, else cut.
    """
    used = lived["until"] > (as_of - EPOCH).days
    rows = [
        lived[used].assign(reason="", state=USED),
        cut.assign(until=cut["since"], state=CUT),
        lived[~used].assign(reason=_why_ended(lived[~used], powerless), state=ENDED),
    ]
    every = pd.concat(rows, ignore_index=True).reindex(columns=get("identity/links").column_names)
    told = every.drop_duplicates(list(get("identity/links").key))
    return as_table(
        "identity/links",
        told.assign(
            left_kind=told["left"].map(kinds),
            right_kind=told["right"].map(kinds),
            first_seen=dates(told["first_seen"]),
            until=dates(told["until"]),
            reason=told["reason"].replace("", None),
        ),
    )


def _why_ended(links: pd.DataFrame, powerless: pd.DataFrame) -> np.ndarray:
    """Why a link that ended did: a decision, too many records, an end that is nobody's, or what later records say."""
    nobodys = powerless.sort_values("since").drop_duplicates("identifier").set_index("identifier")["reason"]
    told = np.full(len(links), "records that came later speak against it", dtype=object)
    for end in ("right", "left"):
        reason = links[end].map(nobodys).map(SET_ASIDE).to_numpy(object)
        told = np.where(pd.notna(reason), reason, told)
    told = np.where(links["ended_by"] == deleted_contacts.RULE, deleted_contacts.REASON, told)
    told = np.where(links["ended_by"] == size_cap.RULE, size_cap.REASON, told)
    return np.where(links["ended_by"] == decisions.RULE, "a steward's decision", told)


SET_ASIDE = {
    "shared": "an end is shared by too many to tell anything",
    "disputed": "an end is used by people who cannot be one",
}
"""Reasons of identity/set_aside in words."""


def set_aside_table(powerless: pd.DataFrame, again: pd.DataFrame) -> pa.Table:
    """identity/set_aside: identifiers that link nobody, and why. `again` are links that decisions gave back to some."""
    once = powerless.sort_values(["since", "reason"]).drop_duplicates("identifier")
    once = once[~once["identifier"].isin(again["right"])]
    return as_table("identity/set_aside", once.assign(since=dates(once["since"])))


def decision_table(
    placed: Iterable[Placed], overruled: Iterable[Placed], effects: pd.DataFrame, folder: str, as_of: date
) -> pa.Table:
    """identity/decisions: every decision there is, where it stands and what it does today."""
    known = effects.set_index("decision_id")
    rows: dict[str, dict[str, object]] = {}
    for one in (*placed, *overruled):
        told = one.decision
        late = told.id not in known.index
        applied = None if late else known.at[told.id, "applied"]
        rows.setdefault(
            told.id,
            {
                "decision_id": told.id,
                "left": str(told.left),
                "right": str(told.right),
                "decision": told.decision,
                "by": told.by,
                "on": told.on,
                "because": told.because,
                "place": one.place.removeprefix(f"{folder}/"),
                "applied": None if applied is None or pd.isna(applied) else EPOCH + timedelta(days=int(applied)),
                "effect": decisions.OVERRULED if late else known.at[told.id, "effect"],
                "as_of": as_of,
            },
        )
    return pa.Table.from_pylist(list(rows.values()), get("identity/decisions").arrow_schema())


def dates(days: pd.Series) -> np.ndarray:
    """Day numbers as dates; NEVER as nothing."""
    numbers = np.asarray(days, dtype=np.int64)
    found = numbers.astype("datetime64[D]").astype(object)
    found[numbers == NEVER] = None
    return np.asarray(found, object)


def map_table(nodes: pd.DataFrame) -> pa.Table:
    """identity/map of identifiers with their customer."""
    return as_table("identity/map", nodes.assign(first_seen=dates(nodes["first_seen"])))


def event_table(events: pd.DataFrame, customer: np.ndarray) -> pa.Table:
    """identity/events of a history; `customer` is the id of a customer named after a node."""
    has_other = events["other"].notna().to_numpy()
    other = np.full(len(events), None, dtype=object)
    other[has_other] = customer[events.loc[has_other, "other"].astype(int)]
    day = dates(events["day"])
    goes_on = customer[events["node"].astype(int)]
    changed = np.where(has_other, other, goes_on)
    ids = [f"{when}-{type_}-{who}" for when, type_, who in zip(day, events["type"], changed, strict=True)]
    columns = {"event_id": ids, "day": day, "customer_id": goes_on, "other_customer_id": other}
    return as_table("identity/events", events.assign(**columns))


def review_table(review: pd.DataFrame) -> pa.Table:
    """identity/review of pairs as `probable` finds them."""
    return as_table("identity/review", review.assign(first_seen=dates(review["first_seen"])))


def counts(read: Callable[[str, list[str]], pa.Table]) -> dict[str, Any]:
    """Numbers only, from the tables in identity/: what was found, and what was set aside instead of linking people.

    `read` gives columns of a table.
    """
    happened = Counter(read("identity/events", ["type"])["type"].to_pylist())
    customers = happened["created"] + happened["split"] - happened["merged"]
    aside = Counter(zip(*read("identity/set_aside", ["reason", "kind"]).to_pydict().values(), strict=True))
    links = Counter(zip(*read("identity/links", ["state", "reason", "rule"]).to_pydict().values(), strict=True))
    cut = {reason: n for (state, reason, _), n in sorted(links.items(), key=str) if state == CUT}
    return {
        "identifiers": len(read("identity/map", ["kind"])),
        "customers": customers,
        "merged": happened["merged"],
        "split": happened["split"],
        **{f"identifiers_{why}": {k: n for (r, k), n in sorted(aside.items()) if r == why} for why in WHY},
        "links_by_probability": sum(n for (state, _, rule), n in links.items() if (state, rule) == (USED, LIKELY)),
        "links_cut": sum(cut.values()) - cut.get(size_cap.REASON, 0),
        "links_cut_too_many_records": cut.get(size_cap.REASON, 0),
    }


def day_numbers(days: pd.Series) -> np.ndarray:
    """Dates as day numbers; nothing as NEVER."""
    found = pd.to_datetime(days).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(found), NEVER, found.astype(np.int64)).astype(np.int32)


def as_table(name: str, content: pd.DataFrame) -> pa.Table:
    """The columns of a table of the lake, in its types."""
    dataset = get(name)
    return pa.Table.from_pandas(content[dataset.column_names], dataset.arrow_schema(), preserve_index=False)
