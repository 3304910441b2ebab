"""Messages that were sent, found again by their ids, and the people they were for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation import succession
from jobs.activation.ledger import TABLE as LEDGER
from jobs.config.settings import Settings
from jobs.config.sources.trust import strangers
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake

MAP, POINTS = "identity/map", "profiles/contact_points"


@dataclass(frozen=True)
class Message:
    """One message. `people` are today's customers made of whom it was for; `emails` their addresses, by keyed hash."""

    operation_id: str
    request_id: str
    customer_id: str
    audience: str
    channel: str
    identifier: str
    people: tuple[str, ...]
    emails: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def identifiers(self) -> set[str]:
        """The address it went to, and all that its people have now."""
        return {self.identifier, *self.emails}


def message_of(operation_id: str, settings: Settings, written: date | None = None) -> Message | None:
    """The message of an operation, sent on the day `written` or later; None if none of that id was sent."""
    return messages_of([operation_id], (), settings, written).get(operation_id)


def messages_of(
    operation_ids: Collection[str], request_ids: Collection[str], settings: Settings, written: date | None = None
) -> dict[str, Message]:
    """Messages by their operation, and by the id that the destination gave them; those that were never sent lack."""
    lake = Lake.of(settings)
    if not lake.exists(LEDGER) or not (operation_ids or request_ids):
        return {}
    named = pc.field("operation_id").isin(_texts(operation_ids))
    named |= pc.field("request_id").isin(_texts(one for one in request_ids if one))
    about = (pc.field("action") == "send") & named
    if written is not None:  # spares reading what was sent before
        about &= pc.field("updated_at") >= datetime.combine(written - timedelta(days=1), time(), UTC)
    sends: dict[str, dict[str, Any]] = {}
    for row in lake.dataset(LEDGER).to_table(filter=about).to_pylist():
        sends.setdefault(row["operation_id"], row)
        sends[row["operation_id"]]["request_id"] = row["request_id"] or sends[row["operation_id"]]["request_id"]
    people = succession.all_now(lake, {(row["customer_id"], row["day"]) for row in sends.values()}) if sends else {}
    addresses = emails_of(set().union(*people.values()), lake, settings)
    found: dict[str, Message] = {}
    for row in sends.values():
        message = _message(row, people[row["customer_id"], row["day"]], addresses, settings)
        found |= {key: message for key in (message.request_id, message.operation_id) if key}
    return found


def _message(
    send: dict[str, Any], people: set[str], addresses: dict[str, dict[str, str]], settings: Settings
) -> Message:
    destination = settings.destinations.get(send["destination"])
    return Message(
        send["operation_id"],
        send["request_id"] or "",
        send["customer_id"],
        send["audience"],
        destination.channel if destination else "email",  # only messages have links, and they go by e-mail
        send["fingerprint"] or "",
        tuple(sorted(people)),
        {hashed: value for one in people for hashed, value in addresses.get(one, {}).items()},
    )


def emails_of(customers: Iterable[str], lake: Lake, settings: Settings) -> dict[str, dict[str, str]]:
    """The addresses that customers have now: customer to keyed hash to address."""
    if not lake.exists(POINTS):
        return {}
    own = pc.field("customer_id").isin(_texts(customers)) & (pc.field("kind") == "email")
    found: dict[str, dict[str, str]] = {}
    for row in lake.dataset(POINTS).to_table(columns=["customer_id", "value"], filter=own).to_pylist():
        if hashed := identifier_hash("email", row["value"], settings):
            found.setdefault(row["customer_id"], {})[hashed] = row["value"]
    return found


def known_by(emails: Mapping[str, Mapping[str, str]], lake: Lake, settings: Settings) -> dict[tuple[str, str], str]:
    """The source by whose records alone a customer has an address (`trust.identifies`), of customers as `emails_of`
    gives them; an address that others know as that customer's too, as most, lacks."""
    apart = sorted(strangers(settings.sources))
    told = {(value, source) for own in emails.values() for value in own.values() for source in apart}
    named = {one: identifier_hash("email", one[0], settings, one[1]) or "" for one in told}
    usual = {hashed for own in emails.values() for hashed in own} if apart else set()
    owners = customers_with({*named.values(), *usual} - {""}, lake)
    return {
        (customer, value): source
        for customer, own in emails.items()
        for hashed, value in own.items()
        if owners.get(hashed) != customer
        for source in reversed(apart)
        if owners.get(named[value, source]) == customer
    }


def customers_with(identifiers: Collection[str], lake: Lake) -> dict[str, str]:
    """The customer that each identifier belongs to; those of nobody lack."""
    if not lake.exists(MAP) or not identifiers:
        return {}
    about = pc.field("identifier").isin(_texts(identifiers))
    rows = lake.dataset(MAP).to_table(columns=["identifier", "customer_id"], filter=about).to_pylist()
    return {row["identifier"]: row["customer_id"] for row in rows}


def _texts(values: Iterable[str]) -> pa.Array:
    return pa.array(sorted(values), pa.string())
