"""The tables that explain who is who: which links are used, which were cut and why, and what decisions do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.decisions import Placed
from jobs.identity import decisions, size_cap
from jobs.identity.links import NEVER
from jobs.lake.tables.catalogue import get

EPOCH = date(1970, 1, 1)
USED, ENDED, CUT = "used", "ended", "cut"


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
            as_of=as_of,
        ),
    )


def _why_ended(links: pd.DataFrame, powerless: pd.DataFrame) -> np.ndarray:
    """Why a link that ended did: a decision, too many records, an end that is nobody's, or what later records say."""
    nobodys = powerless.sort_values("since").drop_duplicates("identifier").set_index("identifier")["reason"]
    told = np.full(len(links), "records that came later speak against it", dtype=object)
    for end in ("right", "left"):
        reason = links[end].map(nobodys).map(SET_ASIDE).to_numpy(object)
        told = np.where(pd.notna(reason), reason, told)
    told = np.where(links["ended_by"] == size_cap.RULE, size_cap.REASON, told)
    return np.where(links["ended_by"] == decisions.RULE, "a steward's decision", told)


SET_ASIDE = {
    "shared": "an end is shared by too many to tell anything",
    "disputed": "an end is used by people who cannot be one",
}
"""Reasons of identity/set_aside in words."""


def set_aside_table(powerless: pd.DataFrame, again: pd.DataFrame, as_of: date) -> pa.Table:
    """identity/set_aside: identifiers that link nobody, and why. `again` are links that decisions gave back to some."""
    once = powerless.sort_values(["since", "reason"]).drop_duplicates("identifier")
    once = once[~once["identifier"].isin(again["right"])]
    return as_table("identity/set_aside", once.assign(since=dates(once["since"]), as_of=as_of))


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
    return np.array([None if day == NEVER else EPOCH + timedelta(days=int(day)) for day in days], dtype=object)


def as_table(name: str, content: pd.DataFrame) -> pa.Table:
    """The columns of a table of the lake, in its types."""
    dataset = get(name)
    return pa.Table.from_pandas(content[dataset.column_names], dataset.arrow_schema(), preserve_index=False)
