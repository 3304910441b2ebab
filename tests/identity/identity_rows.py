"""Readable input for identity: plain text in the place of hashes, day numbers in the place of dates."""

import datetime as dt

import pandas as pd

from jobs.config.identity import Identity
from jobs.identity.evidence import EPOCH
from jobs.identity.links import KINDS
from jobs.identity.resolved import resolve

DAY = dt.date(2017, 1, 1)
RULES = Identity(golden_record={}, purposes={}).identifiers


def seen(*rows):
    """Sightings: dicts of kind to identifier, with `day` (default 1), and `name`, `born` for contact records."""
    found = [
        {
            **{kind: row.get(kind) for kind in KINDS},
            "source": row.get("source", "crm"),
            "first_seen": row.get("day", 1),
            "rows": 1,
            "ignored": 0,
            "described": "contact" in row,
            "claim": row.get("claim", False),
            "first_name": row.get("name", " ").split(" ")[0],
            "last_name": row.get("name", " ").split(" ")[1],
            "birth_date": row.get("born"),
        }
        for row in rows
    ]
    told = ["source", "first_seen", "rows", "ignored", "described", "claim", "first_name", "last_name", "birth_date"]
    columns = [*KINDS, *told]
    frame = pd.DataFrame(found, columns=columns)
    frame["birth_date"] = pd.to_datetime(frame["birth_date"])
    return frame.astype({"first_seen": "int32", "claim": bool, **dict.fromkeys(KINDS, object)})


def identity(*rows, as_of=30, told=(), others=None, largest=200, **rules):
    """Identity of sightings as of a day number, under the careful default rules with those given replaced.

    `told` are decisions as `decided` takes them, `others` further links, `largest` the records a customer may have.
    """
    return resolve(seen(*rows), {**RULES, **rules}, EPOCH + dt.timedelta(days=as_of), largest, others, decided(*told))


def decided(*told):
    """Decisions as identity takes them: (left, same or different, right, day number)."""
    found = [(f"{left} {right}", left, right, verdict, day) for left, verdict, right, day in told]
    frame = pd.DataFrame(found, columns=["decision_id", "left", "right", "decision", "on"])
    return frame.astype({"on": "int64"}).drop_duplicates("decision_id", ignore_index=True)


def customers(resolved):
    """The customers as sets of identifiers."""
    table = resolved.map.to_pandas()
    return {frozenset(group) for _, group in table.groupby("customer_id")["identifier"]}


def together(resolved, *identifiers):
    """Whether these identifiers are one customer."""
    return any(set(identifiers) <= customer for customer in customers(resolved))


def events(resolved, *types):
    """(day number, type, customer, other, reason) of the events of those types, in order."""
    rows = resolved.events.sort_by([("day", "ascending"), ("event_id", "ascending")]).to_pylist()
    return [
        ((row["day"] - EPOCH).days, row["type"], row["customer_id"], row["other_customer_id"], row["reason"])
        for row in rows
        if row["type"] in types
    ]
