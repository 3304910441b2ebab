"""Contact ids that a source gave to two people, or that a tool made one of two: nobody can say whose they are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.identity import name_agreement

MOST = 20
"""Versions of one contact that are compared with each other, the first of them."""
OTHERS = ("login", "email", "phone", "loyalty")
PERSON = ["contact", "first_name", "last_name", "birth_date"]
COLUMNS = ["identifier", "kind", "reason", "since"]
NONE = pd.DataFrame(columns=COLUMNS).astype({"since": np.int32})


def given_twice(sightings: pd.DataFrame) -> pd.DataFrame:
    """Contact ids of two people: identifier, kind, reason, since (the day number of the second).

    Two versions of a contact are of two people if both names and, where they are known, the birth dates contradict, and
    no address, number, login or card is the same: somebody else has the id since. `sightings` are as
    `links.find_links` takes them.
    """
    named = (sightings["first_name"] != "") & (sightings["last_name"] != "")
    told = sightings[sightings["contact"].notna() & sightings["described"] & ~sightings["claim"] & named]
    several = told.drop_duplicates(["contact", "last_name"])["contact"].value_counts()
    told = told[told["contact"].isin(several.index[several > 1])]
    if told.empty:
        return NONE
    version = told.groupby(["first_seen", *PERSON[1:]], dropna=False).ngroup()  # never by what is hashed
    told = told[version.groupby(told["contact"]).rank(method="dense") <= MOST]
    pairs = told.merge(told, on="contact", suffixes=("_left", "_right"))
    pairs = pairs[pairs["last_name_left"] < pairs["last_name_right"]].reset_index(drop=True)
    for kind in OTHERS:
        pairs = pairs[pairs[f"{kind}_left"].isna() | (pairs[f"{kind}_left"] != pairs[f"{kind}_right"])]
    pairs = pairs[pairs["birth_date_left"] != pairs["birth_date_right"]]
    pairs = pairs[name_agreement.different(pairs, "name") & _unlike(pairs)]
    since = pairs.assign(since=pairs[["first_seen_left", "first_seen_right"]].max(axis=1))
    found = since.groupby("contact", as_index=False)["since"].min().rename(columns={"contact": "identifier"})
    return found.assign(kind="contact", reason="disputed")[COLUMNS].astype({"since": np.int32})


def _unlike(pairs: pd.DataFrame) -> pd.Series:
    """The whole names are not one, misspelt or with their parts in each other's place."""
    left, right = (
        [" ".join(sorted(name)) for name in zip(pairs[f"first_name_{s}"], pairs[f"last_name_{s}"], strict=True)]
        for s in ("left", "right")
    )
    return pd.Series(map(name_agreement.unlike, left, right), index=pairs.index, dtype=bool)
