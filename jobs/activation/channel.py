"""What a type of destination says of itself, what its channel is asked and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from jobs.config.yaml_files import Strict

if TYPE_CHECKING:
    from jobs.config.settings import Settings

Action = Literal["add", "remove", "send"]
State = Literal["claimed", "submitted", "accepted", "rejected", "partial", "unknown"]

TEMPORARY = "temporary "
"""How the reason of a refusal begins that passes: the next push of the day tries it again."""

OUT_OF_REACH = "out of reach: a delivered message cannot be called back"
"""Why a message channel cannot have a person forgotten."""


@dataclass(frozen=True)
class Recipient:
    """How a customer can be reached. Lives in memory only; `repr` shows nothing of it."""

    emails: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    first_name: str | None = field(default=None, repr=False)
    language: str | None = field(default=None, repr=False)
    measured: bool = False
    """Whether everybody with this address said yes to `opens_and_clicks` of config/feedback.yaml."""


@dataclass(frozen=True)
class Given:
    """The code of an offer that a customer was given, as templates show it. `until` is the last day it is valid."""

    code: str = field(repr=False)
    title: str
    until: date


@dataclass(frozen=True)
class Item:
    """An item a customer is recommended, as templates show it: its id, what people call it and why, in words."""

    item: str
    name: str
    reason: str


@dataclass(frozen=True)
class Operation:
    """One change to make for one customer at one destination."""

    operation_id: str
    customer_id: str
    action: Action
    attempt: int
    fingerprint: str
    recipient: Recipient
    valid_until: datetime | None = None
    """When the micro-moment it is about expires; it is not done after that."""
    zone: str | None = None
    """Time zone of the customer, if known: a message leaves by the clock there."""
    offer: Given | None = None
    """Of an action with an offer, what this customer is given."""
    former: Recipient | None = None
    """Of an addition to a list, the addresses that it may be there under and must not be any more."""
    recommended: tuple[Item, ...] | None = field(default=None, repr=False)
    """Of an action that shows recommendations, those of this customer, best first."""


@dataclass(frozen=True)
class Outcome:
    """What came of one operation. `reason` holds codes of the destination, never its text: that may name a person.

    `submitted`: taken, the answer follows under `request_id`. `partial`: part of a request of which some rows were
    refused without telling which. `unknown`: it may or may not have arrived. `dead_address`: never use it again.
    `said_no`: the person told the destination to be left alone.
    """

    operation_id: str
    state: State
    reason: str = ""
    request_id: str = ""
    dead_address: bool = False
    said_no: bool = False


class ChannelDown(Exception):
    """The destination refuses everything (wrong login, no permission): stop instead of hammering it.

    `outcomes` are those of the batch that are known; the message names the code and what to check.
    """

    def __init__(self, message: str, outcomes: Sequence[Outcome] = ()):
        super().__init__(message)
        self.outcomes = list(outcomes)


def with_untried(batch: Sequence[Operation], known: Sequence[Outcome]) -> list[Outcome]:
    """Claimed operations the channel never came to are certainly not done: say so, or they would look unknown."""
    names = {outcome.operation_id for outcome in known}
    untried = [one.operation_id for one in batch if one.operation_id not in names]
    return [*known, *(Outcome(name, "rejected", f"{TEMPORARY}not tried") for name in untried)]


def batches(operations: Sequence[Operation], size: int) -> Iterator[list[Operation]]:
    """Batches of one action each, removals first."""
    for action in ("remove", "add", "send"):
        same = [operation for operation in operations if operation.action == action]
        yield from (same[start : start + size] for start in range(0, len(same), size))


class Channel(Protocol):
    """A destination audiences go to."""

    batch_size: int
    """Operations claimed at once, unless configured: for sends also the most that a crash can leave unknown."""

    def deliver(self, batch: Sequence[Operation]) -> list[Outcome]:
        """Do these operations, all of one action; one outcome each. Raises ChannelDown.

        Once the push is told to end (`stopping.ASKED`) what was not begun has no outcome.
        """

    def settle(
        self, request_ids: Sequence[str], batches: dict[str, list[Operation]], seconds: float | None = None
    ) -> list[Outcome]:
        """Wait for the answers to submitted requests, no longer than `seconds` if given, and give the outcome of each
        of their operations (`awaiting.awaited`)."""

    def rehearse(self, batch: Sequence[Operation]) -> list[str]:
        """Do all of `deliver` but the effect; the problems found, without personal data."""

    def erase(self, batch: Sequence[Operation]) -> list[Outcome]:
        """Have people forgotten who asked for it: off the list, or all the destination can do. Raises ChannelDown."""

    def close(self) -> None:
        """Release connections."""


@dataclass(frozen=True)
class Sandbox:
    """A server for this machine that takes what the destination would take: `python -m examples.sandboxes NAME`."""

    name: str
    port: int
    """Where it listens unless told otherwise."""

    connection: Mapping[str, Any]
    """What an Airflow connection to it holds beside host and port."""


def _no_problems(audience: str, destination: str, settings: Settings) -> list[str]:
    return []


@dataclass(frozen=True)
class DestinationType:
    """A type of destination, as config/destinations.yaml names it."""

    kind: Literal["messages", "members"]
    """Whether a member is sent something, or is put on a list and taken off again."""

    needs: Literal["template", "list_id"]
    """What an audience has to say in `send_to`."""

    options: type[Strict]
    """What `options:` of the destination may hold."""

    opens: Callable[[str, str, Settings], Channel]
    """The channel for (audience, destination). Raises ConfigError."""

    sandbox: Sandbox | None = None
    """What stands in for it on this machine, if anything does."""

    problems: Callable[[str, str, Settings], list[str]] = _no_problems
    """What is wrong with what (audience, destination) needs, one line each; opens no connection."""

    templates: tuple[str, ...] = ()
    """Endings of the files of config/templates that its messages are written with."""

    goes_to: Literal["email", "phone"] = "email"
    """Of messages: what of a customer they go to."""

    advertises: bool = False
    """Whether it is an ad platform: data kept for one purpose alone never goes there."""

    stays: str = ""
    """What of a person stays there after all it can be asked to erase, and what to do about it."""

    spelling: str = ""
    """Version of the rules by which identifiers are spelled there; another one means sending them again."""


_PARTIAL = re.compile(r"^(\d+) of (\d+) refused: ")


def partial_reason(refused: int, total: int, reasons: str) -> str:
    """The reason of rows of a request of which `refused` rows were refused without saying which."""
    return f"{refused} of {total} refused: {reasons}"


def refused_of_partial(reason: str) -> float:
    """The part of such a row that counts as refused."""
    match = _PARTIAL.match(reason)
    return int(match[1]) / int(match[2]) if match else 1.0
