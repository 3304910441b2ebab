"""A message that was sent, found again by its id, and the people it was for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow.compute as pc

from jobs.activation import succession
from jobs.activation.ledger import TABLE as LEDGER
from jobs.config.settings import Settings
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake

MAP, POINTS = "identity/map", "profiles/contact_points"


@dataclass(frozen=True)
class Message:
    """One message. `people` are today's customers made of whom it was for; `emails` their addresses, by keyed hash."""

    operation_id: str
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
    lake = Lake.of(settings)
    if not lake.exists(LEDGER):
        return None
    about = (pc.field("operation_id") == operation_id) & (pc.field("action") == "send")
    if written is not None:  # spares reading what was sent before
        about &= pc.field("updated_at") >= datetime.combine(written - timedelta(days=1), time(), UTC)
    return _message(lake.dataset(LEDGER).to_table(filter=about).to_pylist(), lake, settings)


def message_by_request(request_id: str, settings: Settings) -> Message | None:
    """The message that a destination gave this id."""
    lake = Lake.of(settings)
    if not request_id or not lake.exists(LEDGER):
        return None
    about = (pc.field("request_id") == request_id) & (pc.field("action") == "send")
    return _message(lake.dataset(LEDGER).to_table(filter=about).to_pylist(), lake, settings)


def _message(sends: list[dict[str, Any]], lake: Lake, settings: Settings) -> Message | None:
    if not sends:
        return None
    send = sends[0]
    people = tuple(succession.now(lake, send["customer_id"], send["day"]).to_pylist())
    destination = settings.destinations.get(send["destination"])
    return Message(
        send["operation_id"],
        send["customer_id"],
        send["audience"],
        destination.channel if destination else "email",  # only messages have links, and they go by e-mail
        send["fingerprint"] or "",
        people,
        emails_of(people, lake, settings),
    )


def emails_of(people: tuple[str, ...], lake: Lake, settings: Settings) -> dict[str, str]:
    """The addresses these customers have now, by keyed hash."""
    if not people or not lake.exists(POINTS):
        return {}
    own = pc.field("customer_id").isin(list(people)) & (pc.field("kind") == "email")
    values = lake.dataset(POINTS).to_table(columns=["value"], filter=own)["value"].to_pylist()
    return {hashed: value for value in values if (hashed := identifier_hash("email", value, settings))}


def customer_with(identifier: str, lake: Lake) -> str:
    """The customer that an identifier belongs to; empty for none."""
    if not lake.exists(MAP):
        return ""
    about = pc.field("identifier") == identifier
    found = lake.dataset(MAP).to_table(columns=["customer_id"], filter=about)["customer_id"].to_pylist()
    return found[0] if found else ""
