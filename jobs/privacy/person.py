"""Whom a request is about: the identifiers and customer ids of one person, and of nobody else."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation.succession import spells
from jobs.clock import today
from jobs.config.keys import under_previous_keys
from jobs.config.settings import Settings
from jobs.config.wrong import CommandError, ConfigError
from jobs.identity.customer_of import CUSTOMER_ID_LENGTH
from jobs.identity.explain import several, successor
from jobs.identity.identifiers import PERSON_COLUMNS, identifier_hashes
from jobs.lake.lake import Lake
from jobs.lake.tables.privacy import KEPT_OUT


@dataclass(frozen=True)
class Who:
    """How a request names the person: a customer id, or one value of an identifier. Never written down.

    `only_record`: of a customer joined from several contact records, the one named by `kind` contact alone: two people
    who were merged wrongly are two people.
    """

    kind: str
    value: str
    source: str | None = None
    only_record: bool = False


@dataclass(frozen=True)
class Person:
    """`identifiers` maps each keyed hash to its kind. `customers` are the ids that stand for this person alone.

    `again`: an earlier request was about the same person, and `request` is its id.
    """

    request: str
    identifiers: dict[str, str]
    customers: tuple[str, ...]
    again: bool = False


def resolved(who: Who, settings: Settings) -> Person:
    """The person of a request, who may have been erased, in part or wholly, before.

    Raises CommandError, which does not repeat the value, if it names nobody known or more than one person.
    """
    lake = Lake.of(settings)
    if who.only_record and who.kind != "contact":
        raise CommandError(["--only-this-record goes with --source and --record: it is about one contact record"])
    hashed = None if who.kind == "customer" else _named_by(lake, who, settings)
    if hashed is not None:
        _refuse_shared(lake, hashed, who.kind)
    begun = _begun(lake, who.value if hashed is None else None, hashed)
    known = _known(lake, settings, who, hashed)
    if begun is not None:
        request, before = begun
        return Person(request, {**before, **(known.identifiers if known else {})}, _ids(lake, before, known), True)
    if known is None:
        where = f" of source {who.source}" if who.source else ""
        raise CommandError([f"no {who.kind}{where} of that value is known here: there is nothing to erase or export"])
    return known


def readmit(person: Person, lake: Lake, settings: Settings) -> int:
    """Let somebody who was forgotten come back with the next delivery; returns how many identifiers are free again."""
    rows = pa.table({"identifier": sorted(person.identifiers)})
    day, each_time = today(settings.general.timezone), secrets.token_hex(8)
    txn = lake.transaction("readmit", day, config=[person.request, each_time], code=__name__)
    return lake.delete(KEPT_OUT, rows, txn).rows


def _named_by(lake: Lake, who: Who, settings: Settings) -> str:
    """The identifier that a value is: of those it may be, the one that somebody has.

    Raises CommandError if it is none, or several customers have one.
    """
    hashes = identifier_hashes(who.kind, who.value, settings, who.source)
    before = [identifier_hashes(who.kind, who.value, one, who.source) for one in under_previous_keys(settings)]
    kept_out = set(lake.arrow(KEPT_OUT, columns=["identifier"])["identifier"].to_pylist()) if any(before) else set()
    if forgotten := [one for given in before for one in given if one in kept_out]:
        return forgotten[0]
    if not hashes:
        raise CommandError([f"this {who.kind} identifies nobody: it is not valid, or a value that means nobody"])
    if len(hashes) == 1:
        return hashes[0]
    known = lake.dataset("identity/map").to_table(
        columns=["identifier", "customer_id"], filter=pc.field("identifier").isin(pa.array(hashes, pa.string()))
    )
    customers, there = sorted(set(known["customer_id"].to_pylist())), known["identifier"].to_pylist()
    if len(customers) > 1:
        raise CommandError([several(who.kind, customers)])
    return next((one for one in hashes if one in there), hashes[0])


def _refuse_shared(lake: Lake, hashed: str, kind: str) -> None:
    aside = lake.arrow("identity/set_aside", columns=["identifier", "reason"])
    reasons = aside.filter(pc.equal(aside["identifier"], hashed))["reason"].to_pylist()
    if reasons:
        raise CommandError(
            [f"this {kind} belongs to nobody alone ({reasons[0]}): name the person by customer id, or by a record"]
        )


def _begun(lake: Lake, customer: str | None, hashed: str | None) -> tuple[str, dict[str, str]] | None:
    """The earlier request about this identifier, or this customer, with all its identifiers."""
    rows = lake.arrow(KEPT_OUT, columns=["identifier", "kind", "request"]).to_pylist()
    mine = [row for row in rows if row["identifier"] == hashed or (customer and _named(row["identifier"]) == customer)]
    if not mine:
        return None
    request = mine[0]["request"]
    return request, {row["identifier"]: row["kind"] for row in rows if row["request"] == request}


def _known(lake: Lake, settings: Settings, who: Who, hashed: str | None) -> Person | None:
    """The person as identity/map has it today; None if it has not."""
    table = lake.arrow("identity/map", columns=["identifier", "kind", "customer_id"])
    if hashed is None:
        try:
            customer = successor(settings, who.value)[0]
        except ConfigError:  # a customer that never was, or of which nothing is left
            return None
    else:
        found = table.filter(pc.equal(table["identifier"], hashed))["customer_id"].to_pylist()
        if not found:
            return None
        customer = found[0]
    own = table.filter(pc.equal(table["customer_id"], customer)).to_pylist()
    identifiers = {row["identifier"]: row["kind"] for row in own}
    contacts = [one for one, kind in identifiers.items() if kind == "contact"]
    if who.only_record and hashed is not None and len(contacts) > 1:
        identifiers = _of_record(lake, hashed, identifiers)
        return Person(secrets.token_hex(8), identifiers, ())
    return Person(secrets.token_hex(8), identifiers, _with_parts(lake, customer, identifiers))


def _of_record(lake: Lake, contact: str, identifiers: dict[str, str]) -> dict[str, str]:
    """The identifiers of one contact record that no other record of the customer has, and what hangs on these."""
    columns = list(PERSON_COLUMNS)
    rows = lake.arrow("identity/sightings", columns=columns).to_pylist()
    sets = [({row[name] for name in columns if row[name]}, row["contact"]) for row in rows]
    others = set().union(*(found for found, by in sets if by and by != contact and by in identifiers))
    own = set().union(*(found for found, by in sets if by == contact)) - others | {contact}
    while (
        grown := {one for found, by in sets if by is None and found & own and not found & others for one in found} - own
    ):
        own |= grown
    return {one: identifiers[one] for one in sorted(own) if one in identifiers}


def _ids(lake: Lake, before: dict[str, str], known: Person | None) -> tuple[str, ...]:
    return tuple(sorted({*map(_named, before), *(known.customers if known else ())}))


def _with_parts(lake: Lake, customer: str, identifiers: Iterable[str]) -> tuple[str, ...]:
    """The customer, those that became part of it, and what its identifiers were called when they were alone."""
    found = spells(lake.arrow("identity/events"))
    parts = found.filter(pc.equal(found["host"], customer))["part"].to_pylist()
    homes = dict(
        zip(*(lake.arrow("identity/map", columns=["identifier", "customer_id"])[name].to_pylist()
              for name in ("identifier", "customer_id")), strict=True)
    )  # fmt: skip
    elsewhere = {_named(one) for one, home in homes.items() if home != customer} | set(homes.values()) - {customer}
    return tuple(sorted({customer, *map(_named, identifiers), *(part for part in parts if part not in elsewhere)}))


def _named(identifier: str) -> str:
    return f"c{identifier[:CUSTOMER_ID_LENGTH]}"
