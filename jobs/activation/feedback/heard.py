"""What comes back from what was sent, kept: on the suppression list at once, in a table as evidence."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from jobs.activation.channel import Operation
from jobs.activation.feedback.messages import Message, customers_with
from jobs.activation.suppressions import lift, suppress
from jobs.clock import local_day, now
from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.feedback import FEEDBACK, MEASURED

Kind = Literal["unsubscribe", "withdrawn", "granted", "bounce", "soft_bounce", "complaint", "open", "click"]
ENDS = {"unsubscribe": "unsubscribed", "complaint": "complained", "bounce": "bounced"}
"""Kinds that put addresses on the suppression list, and the reason they are there for."""
MEASURES = ("open", "click")
"""Kinds that are no answers: thousands come where one answer does, and who adds to a table reads its keys."""
ANSWERS = ("unsubscribe", "complaint", "withdrawn", "granted")


@dataclass(frozen=True)
class Heard:
    """One thing that came back, as a row of the table it is kept in.

    `mark` tells two of a kind about one message apart; `identifiers` are the addresses it rules out or frees.
    """

    kind: Kind
    at: datetime
    channel: str
    source: str
    identifier: str
    customer_id: str = ""
    operation_id: str = ""
    audience: str = ""
    purpose: str = ""
    detail: str = ""
    mark: str = ""
    identifiers: frozenset[str] = frozenset()

    @classmethod
    def about(cls, message: Message, kind: Kind, at: datetime, source: str, **more: Any) -> Heard:
        """Of a message that is known. What a person says counts for all addresses of that person."""
        own = frozenset({message.identifier}) if kind in ("bounce", "soft_bounce") else frozenset(message.identifiers)
        known = (message.channel, source, message.identifier, message.customer_id)
        return cls(kind, at, *known, message.operation_id, message.audience, identifiers=own, **more)

    @classmethod
    def no_at(cls, operation: Operation, channel: str, destination: str, audience: str) -> Heard:
        """A person who told the destination to be left alone."""
        whose = (operation.fingerprint, operation.customer_id, operation.operation_id, audience)
        return cls("unsubscribe", now(), channel, destination, *whose)

    def over(self, channel: str) -> Heard:
        """The same about another channel than that of the message."""
        return replace(self, channel=channel)

    @property
    def feedback_id(self) -> str:
        about = self.operation_id or self.identifier
        parts = (self.kind, about, self.identifier, self.channel, self.purpose, self.mark)
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def keep(heard: Sequence[Heard], day: date, settings: Settings) -> int:
    """Suppress, or free, the addresses and write the evidence; returns how much was not known yet.

    `day` is the day it was learned. What ends contact comes first: a process that dies in between leaves nobody on the
    lists, and the same answer or report, given again, completes the rest.
    """
    lake = Lake.of(settings)
    if not heard:
        return 0
    for one in heard:
        if one.kind in ENDS:
            suppress(lake, one.channel, one.identifiers or {one.identifier}, ENDS[one.kind], day)
    new = 0
    for table in (FEEDBACK, MEASURED):
        rows = [_row(one, table, settings) for one in heard if (one.kind in MEASURES) == (table == MEASURED)]
        if rows:
            data = pa.Table.from_pylist(rows, schema=catalogue.get(table).arrow_schema())
            mark = secrets.token_hex(8)  # what is known already is told by its id, so that it is counted once
            new += lake.append(table, data, lake.transaction("feedback", day, config=mark, code=__name__)).rows
    for one in heard:
        if one.kind == "granted" and one.purpose not in settings.identity.objections.purposes:
            lift(lake, one.channel, one.identifiers or {one.identifier}, day)
    _suppress_dying(lake, [one for one in heard if one.kind == "soft_bounce"], day, settings)
    return new


def _row(one: Heard, table: str, settings: Settings) -> dict[str, Any]:
    own = {"landed": "", "day": local_day(one.at, settings.general.timezone)}
    return {name: own[name] if name in own else getattr(one, name) for name in catalogue.get(table).column_names}


def _suppress_dying(lake: Lake, soft: Sequence[Heard], day: date, settings: Settings) -> None:
    """Addresses from which so many messages came back for the time being that they count as dead."""
    limit = settings.feedback.soft_bounces
    for channel, identifier in {(one.channel, one.identifier) for one in soft}:
        newest = max(one.at for one in soft if (one.channel, one.identifier) == (channel, identifier))
        about = (pc.field("identifier") == identifier) & (pc.field("channel") == channel)
        since = newest - timedelta(days=limit.days)
        about &= (pc.field("kind") == "soft_bounce") & (pc.field("at") > since)
        if lake.dataset(FEEDBACK).count_rows(filter=about) >= limit.number:
            suppress(lake, channel, [identifier], "bounced", day)


def newest_answers(lake: Lake, channel: str) -> dict[tuple[str, str], bool]:
    """What people last said about a channel here: (customer or identifier, purpose) to yes or no; purpose "" is all.

    The newest answer of a person counts, from whichever address; an identifier has that of the customer it belongs to
    now. Of answers of one moment a no counts, and a complaint is taken back by nothing.
    """
    return _newest(lake, (pc.field("channel") == channel) & pc.field("kind").isin(ANSWERS))


def newest_objections(lake: Lake, purposes: Iterable[str]) -> dict[tuple[str, str], bool]:
    """What people last said here of `objections` of config/identity.yaml, as `newest_answers`; False for who objects.

    An objection is about no channel: it may be made in a message of one and be taken back in one of another.
    """
    asked = pa.array(list(purposes), pa.string())
    return _newest(lake, pc.field("purpose").isin(asked) & pc.field("kind").isin(["granted", "withdrawn"]))


def _newest(lake: Lake, about: pc.Expression) -> dict[tuple[str, str], bool]:
    if not lake.exists(FEEDBACK):
        return {}
    columns = ["at", "kind", "purpose", "customer_id", "identifier"]
    rows = lake.dataset(FEEDBACK).to_table(columns=columns, filter=about).to_pylist()
    owners = customers_with({row["identifier"] for row in rows} - {"", None}, lake)
    newest: dict[str, dict[str, bool]] = {}
    complained: set[str] = set()
    for row in sorted(rows, key=lambda row: (row["at"], row["kind"] != "granted")):
        for who in {row["customer_id"], owners.get(row["identifier"], row["identifier"])} - {"", None}:
            if not row["purpose"]:
                newest[who] = {}
            newest.setdefault(who, {})[row["purpose"] or ""] = row["kind"] == "granted"
            complained |= {who} if row["kind"] == "complaint" else set()
    newest |= {who: {"": False} for who in complained}
    newest |= {identifier: newest[owner] for identifier, owner in owners.items()}
    return {(who, purpose): yes for who, said_ in newest.items() for purpose, yes in said_.items()}


def said(answers: dict[tuple[str, str], bool], who: Iterable[str], purpose: str) -> bool | None:
    """Whether these, a customer and its identifiers, said yes or no here; None for nothing. Of several people's
    answers a no counts."""
    found = [answers.get((one, purpose), answers.get((one, ""))) for one in who]
    given = [one for one in found if one is not None]
    return all(given) if given else None


def refusing(lake: Lake, purpose: str, channel: str) -> frozenset[str]:
    """Customers, and identifiers, that said no here and not yes since: it counts at the send, before any run has read
    it into profiles/consent."""
    answers = newest_answers(lake, channel)
    return frozenset(who for who, _ in answers if said(answers, [who], purpose) is False)
