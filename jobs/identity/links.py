"""Which identifiers belong together, since when, and until when.

A link is (left, right, rule, first_seen, until): two identifiers, why they belong together, the day the evidence
arrived and the day it was found wanting (NEVER: it still stands). Every rule here only looks at what arrived up to a
day, so links known on a day never change afterwards, except that they can end. Other matchers can add such rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from jobs.config.identity import Identifier
from jobs.identity import name_agreement
from jobs.identity.components import spanning
from jobs.identity.deleted_contacts import NOBODY, ended, handed_over
from jobs.identity.identifiers import PERSON_COLUMNS
from jobs.identity.ids_given_twice import given_twice

KINDS = tuple(PERSON_COLUMNS)
LINK_COLUMNS = ["left", "right", "rule", "first_seen", "until"]
FOUND = [*LINK_COLUMNS, "by"]
"""Columns of links that an identifier makes, and which one that is."""
NEVER = np.iinfo(np.int32).max
"""Day number for: has not ended."""
CARRIERS = ["identifier", "contact", "first_name", "last_name", "birth_date", "first_seen", "joined"]
NO_PAIRS = pd.DataFrame(columns=["identifier", "contact_left", "contact_right", "joined_right", "first_seen"]).astype(
    {"joined_right": np.int32, "first_seen": np.int32}
)
NOT_DISPUTED = pd.DataFrame(columns=["identifier", "since"]).astype({"since": np.int32})


def find_links(
    sightings: pd.DataFrame, rules: Mapping[Any, Identifier], deleted: pd.DataFrame = NOBODY
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The links with `ended_by`, and the identifiers that link nobody (identifier, kind, reason, since).

    `sightings` holds one combination of identifiers a row: a column per kind, first_seen (day number) and, for contact
    records, first_name, last_name and birth_date. `deleted` is as `deleted_spans` makes it.
    """
    handed = handed_over(sightings, deleted)
    together = seen_together(sightings)
    shared = shared_since(together, rules)
    by_row = [kind for kind in KINDS if rules[kind].links and not rules[kind].only_if_same]
    in_one_row = together[together["left_kind"].isin(by_row) & together["rule"].isin(by_row)]
    found = [in_one_row.assign(until=NEVER, by=in_one_row["right"])]
    nobodys = pd.concat([shared.assign(reason="shared"), given_twice(sightings)], ignore_index=True)
    for kind in KINDS:  # browsers come last: what is known to be nobody's says nothing about who used one
        rule = rules[kind]
        if rule.links and (rule.only_if_same or rule.unless_different):
            users = _users(sightings, together, nobodys) if kind == "cookie" else _carriers(sightings, kind, shared)
            links, disputed = links_between_contacts(users, kind, rule, shared, handed)
            found.append(links if kind != "cookie" else links[:0])
            nobodys = pd.concat([nobodys, disputed.assign(kind=kind, reason="disputed")], ignore_index=True)
    return ended(_ended(pd.concat(found, ignore_index=True)[FOUND], nobodys), handed), nobodys


def alike_links(
    sightings: pd.DataFrame, claims: pd.DataFrame, rules: Mapping[Any, Identifier], deleted: pd.DataFrame = NOBODY
) -> pd.DataFrame:
    """The links, as `find_links` makes them, of contacts whose source joins only those they are alike (`claims`, as
    sightings are): to contacts with the same identifier whose names both are told and fit.

    They tie contacts, never what these have, and take nothing away: what a claim names stays whose it is.
    """
    both = pd.concat([sightings, claims], ignore_index=True)
    shared, careful = shared_since(seen_together(both), rules), set(claims["contact"].dropna())
    found = []
    for kind in KINDS:
        if kind in ("contact", "cookie") or not rules[kind].links:
            continue
        carriers = _carriers(both[both[kind].isin(claims[kind].dropna())], kind, shared)
        pairs = _agreeing(carriers, _proven(rules[kind])).rename(
            columns={"contact_left": "left", "contact_right": "right"}
        )
        pairs = pairs[pairs["left"].isin(careful) | pairs["right"].isin(careful)]
        until = pairs["identifier"].map(_since(shared)).fillna(NEVER).astype(np.int32)
        by = pairs["identifier"].where(pairs["identifier"].isin(sightings[kind]), None)
        found.append(pairs.assign(until=until, rule=kind, by=by)[FOUND])
    links = pd.concat(found, ignore_index=True)
    return ended(links[links["first_seen"] < links["until"]], handed_over(both, deleted))


def _proven(rule: Identifier) -> Identifier:
    """The rule, for contacts that must be proven to be one person."""
    same, different = (*rule.only_if_same, "name"), (*rule.unless_different, "birth_date")
    facts = {"only_if_same": sorted({*same}), "unless_different": sorted({*different})}
    return Identifier.model_validate(facts)


def seen_together(sightings: pd.DataFrame) -> pd.DataFrame:
    """Identifiers of different kinds that occur in one row. `rule` is the kind that tells least about the person."""
    told = {kind: sightings[kind].notna().to_numpy() for kind in KINDS}
    rows = {ends: np.flatnonzero(told[ends[0]] & told[ends[1]]) for ends in combinations(KINDS, 2)}
    pairs = [
        pd.DataFrame(
            {
                "left": sightings[strong].to_numpy(object)[here],
                "right": sightings[weak].to_numpy(object)[here],
                "first_seen": sightings["first_seen"].to_numpy()[here],
                "left_kind": strong,
                "rule": weak,
            }
        )
        for number, ((strong, weak), here) in enumerate(rows.items())
        if len(here) or not number  # most kinds never meet, and of each frame pandas makes much
    ]
    ends = ["left", "right", "left_kind", "rule"]
    return pd.concat(pairs).groupby(ends, as_index=False, sort=False)["first_seen"].min()


def shared_since(together: pd.DataFrame, rules: Mapping[Any, Identifier]) -> pd.DataFrame:
    """Identifiers seen with more others of one kind than their rule allows: identifier, kind, since.

    Cookies are not counted: one person has many browsers.
    """
    roles = ["identifier", "kind", "other", "other_kind", "first_seen"]
    forward = together[["left", "left_kind", "right", "rule", "first_seen"]].set_axis(roles, axis=1)
    backward = together[["right", "rule", "left", "left_kind", "first_seen"]].set_axis(roles, axis=1)
    seen = pd.concat([forward, backward], ignore_index=True)
    seen = seen[seen["other_kind"] != "cookie"].sort_values("first_seen", kind="stable")
    place = seen.groupby(["identifier", "other_kind"], sort=False).cumcount()
    allowed = seen["kind"].map({kind: rule.shared_by_at_most for kind, rule in rules.items()})
    over = seen[place == allowed].rename(columns={"first_seen": "since"})
    return over.groupby(["identifier", "kind"], as_index=False)["since"].min()


def links_between_contacts(
    carriers: pd.DataFrame, kind: str, rule: Identifier, shared: pd.DataFrame, handed: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Links by an identifier that a household may share, and which are disputed (identifier, since).

    Contacts that have it and agree are linked to each other. An identifier is disputed from the day contacts get it of
    which one agrees with none of those that have it: from then on nobody can say whose it is. If contacts must be
    proven to be the same, only contacts are linked by it: a row that has it without a name proves nothing. A deleted
    contact of which another has it since (`handed`) has it no more.
    """
    owners = carriers[["identifier", "contact", "joined"]].drop_duplicates()
    met = owners[owners["identifier"].duplicated(keep=False)]  # who has an identifier alone agrees with all that do
    if met.empty:
        pairs, disputed = NO_PAIRS, NOT_DISPUTED
    else:
        pairs = _agreeing(carriers[carriers["identifier"].isin(met["identifier"])], rule)
        disputed = _disputed_by_day(met, pairs, handed)
    limit = pairs["identifier"].map(_since(shared)).fillna(NEVER)
    between = pairs.assign(until=limit).rename(columns={"contact_left": "left", "contact_right": "right"})
    owned = owners.assign(right=owners["identifier"], until=NEVER)
    owned = owned.rename(columns={"contact": "left", "joined": "first_seen"})
    links = pd.concat([between, owned] if rule.only_if_same else [between], ignore_index=True)
    return links.assign(rule=kind, by=links["identifier"])[FOUND], disputed


def _agreeing(carriers: pd.DataFrame, rule: Identifier) -> pd.DataFrame:
    """Pairs of contacts with one identifier that agree, the one that had it first on the left, and since when."""
    pairs = carriers.merge(carriers, on="identifier", suffixes=("_left", "_right"))
    together = pairs["joined_left"] == pairs["joined_right"]
    earlier = pairs["joined_left"] < pairs["joined_right"]
    pairs = pairs[earlier | (together & (pairs["contact_left"] < pairs["contact_right"]))].reset_index(drop=True)
    for fact in rule.only_if_same:
        pairs = pairs[name_agreement.same(pairs, fact)]
    for fact in rule.unless_different:
        pairs = pairs[~name_agreement.different(pairs, fact)]
    pairs = pairs.assign(first_seen=pairs[["first_seen_left", "first_seen_right"]].max(axis=1))
    ends = ["identifier", "contact_left", "contact_right", "joined_right"]
    return pairs.groupby(ends, as_index=False)["first_seen"].min()


def _carriers(sightings: pd.DataFrame, kind: str, shared: pd.DataFrame) -> pd.DataFrame:
    """Each version of a contact with such an identifier; `joined` is the day the contact first had it.

    Contacts that came after it was shared by too many are left out, which bounds the number of pairs.
    """
    seen = sightings[sightings["contact"].notna() & sightings[kind].notna() & sightings["described"]]
    seen = seen.rename(columns={kind: "identifier"})
    if seen.empty:
        return seen.assign(joined=seen["first_seen"])[CARRIERS]
    versions = ["identifier", "contact", "first_name", "last_name", "birth_date"]
    carriers = seen.groupby(versions, as_index=False, dropna=False)["first_seen"].min()
    carriers["joined"] = carriers.groupby(["identifier", "contact"])["first_seen"].transform("min")
    if shared.empty:
        return carriers
    limit = carriers["identifier"].map(_since(shared)).fillna(NEVER)
    return carriers[carriers["joined"] < limit]


def _users(sightings: pd.DataFrame, together: pd.DataFrame, nobodys: pd.DataFrame) -> pd.DataFrame:
    """`_carriers` for browsers, which no contact record names: contacts whose login, e-mail, ... was used on one."""
    used = _ended(together[together["rule"] == "cookie"].assign(until=NEVER), nobodys)
    if used.empty:
        return _carriers(sightings[:0], "cookie", nobodys)
    used = used.rename(columns={"left": "identifier", "right": "browser", "first_seen": "used"})
    owners = [
        _carriers(sightings[sightings[kind].isin(used["identifier"])], kind, nobodys)
        for kind in KINDS
        if kind not in ("contact", "cookie")
    ]
    users = used[["identifier", "browser", "used", "until"]].merge(pd.concat(owners), on="identifier")
    users["first_seen"] = users[["used", "first_seen"]].max(axis=1)
    users = users[users["first_seen"] < users["until"]]
    versions = ["browser", "contact", "first_name", "last_name", "birth_date"]
    users = users.groupby(versions, as_index=False, dropna=False)["first_seen"].min()
    users["joined"] = users.groupby(["browser", "contact"])["first_seen"].transform("min")
    return users.rename(columns={"browser": "identifier"})


def _disputed_by_day(owners: pd.DataFrame, pairs: pd.DataFrame, handed: pd.DataFrame) -> pd.DataFrame:
    """`_disputed` where contacts may also lose an identifier: asked again of those that are left on each such day."""
    if handed.empty:
        return _disputed(owners, pairs)
    leaving = handed.rename(columns={"other": "contact", "day": "leaves"})
    dated = owners.merge(leaving, on=["identifier", "contact"], how="left")
    dated["leaves"] = dated["leaves"].fillna(NEVER).astype(np.int64)
    changing = dated[dated["leaves"] < NEVER]
    restless = owners["identifier"].isin(changing["identifier"]).to_numpy()
    found = [_disputed(owners[~restless], pairs[~pairs["identifier"].isin(changing["identifier"])])]
    days = [0, *sorted(set(changing["leaves"]))]
    for day, end in zip(days, [*days[1:], NEVER], strict=True):
        left = dated[restless & (dated["leaves"] > day).to_numpy()][owners.columns]
        here = left.rename(columns={"contact": "contact_left"})[["identifier", "contact_left"]]
        still = pairs.merge(here, on=["identifier", "contact_left"])
        still = still.merge(here.rename(columns={"contact_left": "contact_right"}), on=["identifier", "contact_right"])
        disputed = _disputed(left, still)
        found.append(disputed[disputed["since"] < end].assign(since=disputed["since"].clip(lower=day)))
    return pd.concat(found).groupby("identifier", as_index=False)["since"].min()


def _disputed(owners: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Identifiers of which, on the day a contact joined, not all that had it hang together: identifier, since.

    Two hang together if they agreed when the later one joined, directly or through others. Contacts that join on one
    day have no order: how ids are hashed decides nothing.
    """
    at_once = pairs[pairs["first_seen"] == pairs["joined_right"]]
    names = pd.MultiIndex.from_frame(owners[["identifier", "contact"]])
    left, right = (
        names.get_indexer(pd.MultiIndex.from_frame(at_once[["identifier", f"contact_{side}"]]))
        for side in ("left", "right")
    )
    tied, days = spanning(len(owners), left, right, at_once["joined_right"].to_numpy(np.int64))
    ties = pd.DataFrame({"identifier": owners["identifier"].to_numpy()[tied], "joined": days, "parts": -1})
    steps = pd.concat([owners[["identifier", "joined"]].assign(parts=1), ties], ignore_index=True)
    daily = steps.groupby(["identifier", "joined"], as_index=False)["parts"].sum()
    parts = daily.groupby("identifier")["parts"].cumsum()
    return daily[parts > 1].groupby("identifier", as_index=False)["joined"].min().rename(columns={"joined": "since"})


def _ended(links: pd.DataFrame, nobodys: pd.DataFrame) -> pd.DataFrame:
    """A link ends the day one of its ends turns out to be nobody's; one that ends as it begins never was."""
    if len(nobodys):
        since = _since(nobodys)
        ends = [links["until"], links["left"].map(since), links["right"].map(since)]
        links = links.assign(until=np.fmin.reduce([end.to_numpy(float) for end in ends]))
    links = links.astype({"until": np.int32})
    return links[links["first_seen"] < links["until"]]


def _since(nobodys: pd.DataFrame) -> pd.Series:
    """Identifier to the day from which it is nobody's."""
    return nobodys.groupby("identifier")["since"].min()
