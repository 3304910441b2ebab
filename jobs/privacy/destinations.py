"""Taking a person off every list at every destination: the last thing that their addresses are used for."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from jobs.activation import ledger
from jobs.activation.channel import Channel, ChannelDown, Operation, Outcome, Recipient
from jobs.activation.channels.types import open_channel, type_of
from jobs.config.settings import Settings
from jobs.config.wrong import ConfigError
from jobs.identity.identifiers import normalised_text
from jobs.lake.lake import Lake
from jobs.privacy.person import Person


class Asked(NamedTuple):
    """What a destination answered for one audience."""

    place: str
    outcome: str
    number: int
    detail: str


def take_off(
    lake: Lake, person: Person, values: Iterable[str], settings: Settings, without: Iterable[str] = ()
) -> Iterator[Asked]:
    """Remove the person from each list that may hold them. `values` are addresses and numbers as received.

    Destinations in `without` are not asked. Messages that were delivered cannot be called back, which is said.
    """
    recipient = _recipient(lake, person, values, settings)
    for (destination, audience), tries in sorted(_tries(lake, person).items()):
        place = f"destination {destination}, audience {audience}"
        if destination not in settings.destinations or audience not in settings.audiences:
            yield Asked(place, "by_hand", len(tries), "no longer configured: have the person removed there")
        elif type_of(destination, settings).kind == "messages":
            sent = sum(one["state"] == "accepted" for one in tries)
            if sent:
                yield Asked(place, "out_of_reach", sent, "messages that were delivered cannot be called back")
        elif on_list := sorted({one["customer_id"] for one in tries if _may_be_there(one, tries)}):
            if destination in set(without):
                yield Asked(place, "by_hand", len(on_list), "not asked, as told: have the person removed there")
            else:
                yield _removed(place, audience, destination, on_list, recipient, settings)


def _tries(lake: Lake, person: Person) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The newest state of each try for the person, by destination and audience."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not lake.exists(ledger.TABLE):
        return {}
    mine = pc.field("customer_id").isin(pa.array(sorted(person.customers), pa.string()))
    rows = lake.dataset(ledger.TABLE).to_table(filter=mine).to_pylist()
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in ledger.newest(rows):
        found[row["destination"], row["audience"]].append(row)
    return found


def _may_be_there(one: dict[str, Any], tries: list[dict[str, Any]]) -> bool:
    """Whether an addition was not certainly refused, nor certainly undone later."""
    if one["action"] != "add" or one["state"] == "rejected":
        return False
    return not any(
        other["customer_id"] == one["customer_id"] and other["action"] == "remove"
        and other["state"] == "accepted" and other["attempt"] > one["attempt"]
        for other in tries
    )  # fmt: skip


def _recipient(lake: Lake, person: Person, values: Iterable[str], settings: Settings) -> Recipient:
    import pyarrow as pa
    import pyarrow.compute as pc

    found: dict[str, set[str]] = {"email": set(), "phone": set()}
    for value in values:
        for kind, known in found.items():
            if normal := normalised_text(kind, value, settings):
                known.add(normal)
    if lake.exists("profiles/contact_points"):
        mine = pc.field("customer_id").isin(pa.array(sorted(person.customers), pa.string()))
        for row in lake.dataset("profiles/contact_points").to_table(filter=mine).to_pylist():
            found[row["kind"]].add(row["value"])
    return Recipient(tuple(sorted(found["email"])), tuple(sorted(found["phone"])))


def _removed(
    place: str, audience: str, destination: str, customers: list[str], recipient: Recipient, settings: Settings
) -> Asked:
    """One request for each id the person had there, all with every address and number that is known."""
    operations = [Operation(secrets.token_hex(16), customer, "remove", 1, "", recipient) for customer in customers]
    try:
        channel = open_channel(audience, destination, settings)
    except ConfigError as error:
        return Asked(place, "pending", len(customers), f"cannot be asked: {error}")
    try:
        outcomes = _answers(channel, operations)
    except ChannelDown as error:
        return Asked(place, "pending", len(customers), str(error))
    finally:
        channel.close()
    refused = [outcome for outcome in outcomes if outcome.state != "accepted"]
    if refused:
        return Asked(place, "pending", len(refused), f"answered {refused[0].state}: {refused[0].reason}")
    if stays := type_of(destination, settings).stays:
        return Asked(place, "by_hand", len(customers), f"taken off the list, as the destination confirmed; {stays}")
    return Asked(place, "erased", len(customers), "taken off the list, as the destination confirmed")


def _answers(channel: Channel, operations: list[Operation]) -> list[Outcome]:
    outcomes = channel.erase(operations)
    submitted: dict[str, list[Operation]] = defaultdict(list)
    by_id = {operation.operation_id: operation for operation in operations}
    for outcome in outcomes:
        if outcome.state == "submitted":
            submitted[outcome.request_id].append(by_id[outcome.operation_id])
    settled = channel.settle(list(submitted), submitted) if submitted else []
    return [outcome for outcome in outcomes if outcome.state != "submitted"] + list(settled)
