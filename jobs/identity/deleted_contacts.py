"""Contacts that their sources deleted, and what others got of them since: an address or number that is given out again.

What a deleted contact has stays evidence until, on a later day, another contact gets it. From that day it is the other
one's: nothing that the deleted contact told ties it to what the other has.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.identity.identifiers import PERSON_COLUMNS

RULE = "deleted"
"""What ends such links, in identity/links and identity/events."""
REASON = "the contact was deleted, and another one has this since"
NOBODY: pd.DataFrame = pd.DataFrame({"contact": [], "since": [], "until": []}).astype(
    {"contact": object, "since": int, "until": int}
)
KEPT: pd.DataFrame = pd.DataFrame({"identifier": [], "other": [], "day": []}).astype(
    {"identifier": object, "other": object, "day": int}
)
"""Nothing is handed over: nobody was deleted."""


def handed_over(sightings: pd.DataFrame, deleted: pd.DataFrame) -> pd.DataFrame:
    """What deleted contacts had that another contact got later: identifier, other, day, a row for each of what the
    identifier is parted from that day: the deleted contact, and what else that had.

    `sightings` as `jobs.identity.links` takes them, `deleted` as `deleted_spans` makes them.
    """
    if deleted.empty:
        return KEPT
    told = sightings[sightings["described"].astype(bool) & sightings["contact"].notna()]
    parts = [
        told.loc[told[kind].notna(), [kind, "contact", "first_seen"]].set_axis(HAD, axis=1)
        for kind in PERSON_COLUMNS
        if kind not in ("contact", "cookie")
    ]
    had = pd.concat(parts).groupby(HAD[:2], as_index=False)["first_seen"].min()
    given_up = had.merge(deleted, on="contact")
    given_up = given_up[given_up["first_seen"] <= given_up["since"]]
    both = given_up.merge(had, on="identifier", suffixes=("", "_other"))
    later = (both["first_seen_other"] > both["since"]) & (both["first_seen_other"] < both["until"])
    got = both[later & (both["contact"] != both["contact_other"])]
    first = got.groupby(HAD[:2], as_index=False)["first_seen_other"].min().rename(columns={"first_seen_other": "day"})
    others = first.merge(had.rename(columns={"identifier": "other"})[["contact", "other"]], on="contact")
    every = pd.concat([first.assign(other=first["contact"]), others[others["other"] != others["identifier"]]])
    return every.groupby(["identifier", "other"], as_index=False)["day"].min()


HAD = ["identifier", "contact", "first_seen"]


def ended(links: pd.DataFrame, handed: pd.DataFrame) -> pd.DataFrame:
    """The links, with `ended_by`, of which those end that tie what was handed over to what it is parted from."""
    links = links.assign(ended_by=links["rule"])
    if handed.empty:
        return links
    day = handed.set_index(["identifier", "other"])["day"]
    ends = [
        day.reindex(pd.MultiIndex.from_arrays([links[one], links[other]])).to_numpy(float)
        for one, other in (("left", "right"), ("right", "left"), ("by", "left"), ("by", "right"))
    ]
    until = np.fmin.reduce([*ends, links["until"].to_numpy(float)])
    over = until < links["until"].to_numpy()
    cut = links.assign(until=until.astype(links["until"].dtype), ended_by=links["ended_by"].where(~over, RULE))
    return cut[cut["first_seen"] < cut["until"]]
