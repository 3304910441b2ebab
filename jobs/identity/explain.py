"""Why a customer is one: which records and identifiers are joined, by what and since when, and what was kept out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError, nearest
from jobs.identity.evidence import CUT, ENDED, USED
from jobs.identity.identifiers import identifier_hashes
from jobs.identity.stewards.review import newest
from jobs.lake.lake import Lake
from jobs.plain_text import json_text

Row = dict[str, Any]
SHORT = 8
"""Letters of a hash that are shown."""


def find(settings: Settings, kind: str, value: str, source: str | None = None) -> str:
    """The customer an identifier belongs to. The value is hashed as in identity/map; it is kept nowhere.

    Raises ConfigError if it identifies nobody, nobody known, or several customers, as a source that may not identify
    anyone has it too; the message does not repeat the value.
    """
    if source is not None and source not in settings.sources:
        raise ConfigError([f"--source: unknown source {source!r}{nearest(source, settings.sources)}"])
    hashed = identifier_hashes(kind, value, settings, source)
    if not hashed:
        raise ConfigError(
            [f"this {kind} identifies nobody: it is not valid, or listed as junk in config/identity.yaml"]
        )
    found = sorted({str(row["customer_id"]) for row in _rows(Lake.of(settings), "identity/map", "identifier", hashed)})
    if not found:
        where = f" of source {source}" if source else ""
        raise ConfigError([f"no {kind}{where} with this value has arrived; see `klantreis tables` for what has"])
    if len(found) > 1:
        raise ConfigError([several(kind, found)])
    return found[0]


def several(kind: str, customers: Sequence[str]) -> str:
    """What to say of a value that sources which may not identify anyone have too."""
    return (
        f"this {kind} is on rows of {len(customers)} customers, of which no evidence says that they are one "
        f"(`trust.identifies` of their sources): name one of them, {' or '.join(customers)}"
    )


def successor(settings: Settings, customer: str) -> tuple[str, list[Row]]:
    """The id a customer has today, and the merges that led to it; none if it is the id it had.

    Raises ConfigError if there never was such a customer.
    """
    lake = Lake.of(settings)
    current, steps, seen = customer, [], {customer}
    while not _rows(lake, "identity/map", "customer_id", [current]):
        merges = [e for e in _rows(lake, "identity/events", "other_customer_id", [current]) if e["type"] == "merged"]
        if not merges or (last := max(merges, key=lambda e: e["day"]))["customer_id"] in seen:
            raise ConfigError(
                [f"there is no customer {customer}; find one with --source and --record, --email or --phone"]
            )
        steps.append(last)
        current = last["customer_id"]
        seen.add(current)
    return current, steps


def explain(settings: Settings, customer: str, show_values: bool = False) -> Row:
    """All there is to say about a customer of identity/map, as plain lists and dictionaries.

    Keys: customer, as_of, records, identifiers, links, kept_out, set_aside, review, decisions, events, golden, consent.
    Values of attributes and identifiers are only there with `show_values`; records are named source:id.
    """
    lake = Lake.of(settings)
    own = _rows(lake, "identity/map", "customer_id", [customer])
    profile = next(iter(_rows(lake, "profiles/customers", "customer_id", [customer])), {})
    points = _rows(lake, "profiles/contact_points", "customer_id", [customer])
    named = _names(profile, points, settings)
    hashes = {row["identifier"] for row in own}
    links = _either_end(lake, "identity/links", hashes)
    ends = {row[side] for row in links for side in ("left", "right")}
    others = {row["identifier"]: row["customer_id"] for row in _rows(lake, "identity/map", "identifier", ends - hashes)}
    records = {name for kind, name in named.values() if kind == "contact"}

    def call(identifier: str, kind: str) -> str:
        known = named.get(identifier)
        if known and (kind == "contact" or show_values):
            return known[1]
        elsewhere = f" of customer {others[identifier]}" if identifier in others else ""
        return f"{kind} {identifier[:SHORT]}{elsewhere}"

    def told(row: Row) -> Row:
        ends = {side: call(row[side], row[f"{side}_kind"]) for side in ("left", "right")}
        kept = ("rule", "probability", "weight", "first_seen", "until", "state", "reason")
        return ends | {name: row[name] for name in kept}

    in_order = sorted(links, key=lambda row: (row["first_seen"], row["rule"], row["left"], row["right"]))
    return {
        "customer": customer,
        "as_of": newest(settings),
        "records": [
            {"record": call(row["identifier"], "contact"), "first_seen": row["first_seen"]}
            for row in sorted(own, key=_by_age)
            if row["kind"] == "contact"
        ],
        "identifiers": [
            {
                "kind": row["kind"],
                "identifier": call(row["identifier"], row["kind"]).removeprefix(f"{row['kind']} "),
                "first_seen": row["first_seen"],
                "sources": row["sources"],
            }
            for row in sorted(own, key=_by_age)
            if row["kind"] != "contact"
        ],
        "links": [told(row) for row in in_order if row["state"] == USED],
        "kept_out": [told(row) for row in in_order if row["state"] in (ENDED, CUT)],
        "set_aside": _set_aside(lake, named, hashes, call),
        "review": _pairs(lake, records),
        "decisions": _of_records(lake, "identity/decisions", records, "on"),
        "events": _events(lake, customer),
        "golden": _golden(profile, show_values),
        "consent": [
            {name: row[name] for name in ("purpose", "channel", "status", "changed_at", "expires_at", "source")}
            for row in sorted(
                _rows(lake, "profiles/consent", "customer_id", [customer]), key=lambda r: (r["purpose"], r["channel"])
            )
        ],
    }


def to_json(explained: Row) -> str:
    """The same for machines."""
    return json_text(explained, _plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _by_age(row: Row) -> tuple[date, str]:
    return row["first_seen"], row["identifier"]


def _rows(lake: Lake, table: str, column: str, values: Iterable[str]) -> list[Row]:
    """The rows of a table whose column has one of the values; other rows are not read into memory."""
    wanted = pc.field(column).isin(pa.array(sorted(values), pa.string()))
    return list(lake.dataset(table).to_table(filter=wanted).to_pylist()) if lake.exists(table) else []


def _either_end(lake: Lake, table: str, values: Iterable[str]) -> list[Row]:
    if not lake.exists(table):
        return []
    wanted = pa.array(sorted(values), pa.string())
    return list(
        lake.dataset(table).to_table(filter=pc.field("left").isin(wanted) | pc.field("right").isin(wanted)).to_pylist()
    )


def _names(profile: Row, points: list[Row], settings: Settings) -> dict[str, tuple[str, str]]:
    """Identifier to kind and value, of what the profile tables say about a customer."""
    lists = {"contact": "records", "login": "login_ids", "loyalty": "loyalty_ids"}
    told = [(kind, value) for kind, column in lists.items() for value in profile.get(column) or ()]
    told += [(row["kind"], row["value"]) for row in points]
    return {one: (kind, value) for kind, value in told for one in identifier_hashes(kind, value, settings)}


def _set_aside(lake: Lake, named: dict[str, tuple[str, str]], own: set[str], call: Any) -> list[Row]:
    """Identifiers of the customer's records that link nobody."""
    found = _rows(lake, "identity/set_aside", "identifier", {*named, *own})
    return [
        {
            "kind": row["kind"],
            "identifier": call(row["identifier"], row["kind"]).removeprefix(f"{row['kind']} "),
            "reason": row["reason"],
            "since": row["since"],
        }
        for row in sorted(found, key=lambda row: (row["since"], row["identifier"]))
    ]


def _of_records(lake: Lake, table: str, records: set[str], by: str) -> list[Row]:
    found = _either_end(lake, table, records)
    return sorted(found, key=lambda row: (row[by], row["left"], row["right"]))


def _pairs(lake: Lake, records: set[str]) -> list[Row]:
    """Pairs with a record of the customer: to be looked at, or likely but kept apart. Pairs that are joined anyway are
    left out."""
    found = _of_records(lake, "identity/review", records, "first_seen")
    return [row for row in found if not {row["left"], row["right"]} <= records]


def _events(lake: Lake, customer: str) -> list[Row]:
    """What happened to the customer and to those that are part of it now, in order."""
    found: dict[str, Row] = {}
    todo = {customer}
    done: set[str] = set()
    while todo:
        rows = _rows(lake, "identity/events", "customer_id", todo)
        rows += [row for row in _rows(lake, "identity/events", "other_customer_id", todo) if row["type"] == "split"]
        found |= {row["event_id"]: row for row in rows}
        done |= todo
        todo = {row["other_customer_id"] for row in rows if row["type"] == "merged"} - done
    kept = ("day", "type", "customer_id", "other_customer_id", "reason")
    order = ("created", "merged", "split")
    ordered = sorted(found.values(), key=lambda row: (row["day"], order.index(row["type"]), row["event_id"]))
    return [{name: row[name] for name in kept} for row in ordered]


def _golden(profile: Row, show_values: bool) -> list[Row]:
    """Attributes of the golden record with their origin, and with their value if asked for."""
    origins = json.loads(profile.get("provenance") or "{}")
    return [
        {"attribute": name, **({"value": _value(profile, name)} if show_values else {}), **origin}
        for name, origin in sorted(origins.items())
        if origin
    ]


def _value(profile: Row, name: str) -> Any:
    if name in profile:
        return profile[name]
    return json.loads(profile.get("attributes") or "{}").get(name.removeprefix("attributes."))
