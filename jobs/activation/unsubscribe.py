"""What the link in a message (`unsubscribe_link.py`) does: end all contact over its channel, or choose per purpose.

Whatever became of the customer the message was for counts: of one that has been split since, both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow.compute as pc

from jobs.activation.feedback.heard import Heard, Kind, keep, newest_answers, newest_objections, said
from jobs.activation.feedback.messages import Message, message_of
from jobs.activation.suppressions import reasons, suppress
from jobs.activation.unsubscribe_link import token_of
from jobs.clock import local_day, now
from jobs.config.settings import Settings
from jobs.lake.lake import Lake
from jobs.lake.tables.feedback import FEEDBACK

Choice = tuple[str, str]
"""A purpose and a channel."""
_Change = tuple[Kind, str, str]
"""What somebody says now, about which purpose and channel."""
CONSENT = "profiles/consent"


@dataclass(frozen=True)
class Standing:
    """What holds for the people of a message: for each purpose and channel whether it is a yes.

    `closed`: channels that no choice opens again here, after a complaint, or since the address is theirs no longer.
    """

    choices: Mapping[Choice, bool]
    closed: frozenset[str]
    objections: Mapping[str, bool]
    """What can be objected to, a purpose of `objections` in config/identity.yaml, and whether they do."""


def found(token: str, settings: Settings) -> Message | None:
    """The message that a link is of; None for a link that is not valid, for whatever reason."""
    known = token_of(token, settings)
    return message_of(known.operation_id, settings, known.written) if known else None


def unsubscribe(
    token: str, day: date | None, settings: Settings, source: str = "one_click", at: datetime | None = None
) -> bool:
    """End messages over the channel of this message to its person; False for a link that is not valid.

    May be asked twice: the second one changes nothing. `day` is the day it is known from; default: today.
    """
    message = found(token, settings)
    if message is None:
        return False
    lake, at = Lake.of(settings), at or now()
    day = day or local_day(at, settings.general.timezone)
    answers = newest_answers(lake, message.channel)
    theirs = {purpose: yes for (who, purpose), yes in answers.items() if who == message.customer_id}
    if theirs.get("") is False and not any(theirs.values()):
        suppress(lake, message.channel, message.identifiers, "unsubscribed", day)  # addresses that are new since
        return True
    keep([Heard.about(message, "unsubscribe", at, source, mark=at.isoformat())], day, settings)
    return True


def standing(message: Message, settings: Settings) -> Standing:
    """What the people of a message said yes to last, here or elsewhere. A yes given here holds at once, before a run
    has read it into profiles/consent, and no longer than until they say no elsewhere."""
    lake, moment = Lake.of(settings), now()
    who = {*message.people, *message.identifiers}
    rows = []
    if lake.exists(CONSENT):
        own = pc.field("customer_id").isin(list(message.people))
        rows = lake.dataset(CONSENT).to_table(filter=own).to_pylist()
    choices, closed, yes_at = {}, set(), _yes_at(message, lake)
    for channel in settings.identity.contact_channels:
        answers = newest_answers(lake, channel)
        why = reasons(lake, channel, message.identifiers)
        if "complained" in why or message.identifier not in message.emails:
            closed.add(channel)
        for purpose, known in settings.identity.purposes.items():
            if channel not in known.channels:
                continue
            kept = [row for row in rows if (row["purpose"], row["channel"]) == (purpose, channel)]
            elsewhere = {row["customer_id"] for row in kept if _is_yes(row, moment)} == set(message.people)
            here = said(answers, who, purpose)
            yes = elsewhere if here is None else here and not _no_since(kept, yes_at.get((purpose, channel)), moment)
            choices[purpose, channel] = yes and not {"complained", "unsubscribed"} & why
    return Standing(choices, frozenset(closed), _objections(who, rows, settings))


def agreed(messages: Iterable[Message], purpose: str, settings: Settings) -> list[Message]:
    """Those of which everybody they were for says yes to a purpose over their channel: in profiles/consent, and
    not no here since. A yes of the page counts once a run has read it, beside what else is known by then."""
    given, lake, moment = list(messages), Lake.of(settings), now()
    rows: list[dict[str, object]] = []
    if given and lake.exists(CONSENT):
        about = (pc.field("purpose") == purpose) & pc.field("customer_id").isin([p for m in given for p in m.people])
        rows = lake.dataset(CONSENT).to_table(filter=about).to_pylist()
    elsewhere = {(row["customer_id"], row["channel"]) for row in rows if _is_yes(row, moment)}
    answers = {channel: newest_answers(lake, channel) for channel in {message.channel for message in given}}
    found = []
    for message in given:
        here = said(answers[message.channel], {*message.people, *message.identifiers}, purpose)
        everybody = bool(message.people) and all((one, message.channel) in elsewhere for one in message.people)
        if everybody and here is not False:
            found.append(message)
    return found


def choose(
    token: str, wanted: Collection[Choice], settings: Settings, day: date | None = None, at: datetime | None = None
) -> Standing | None:
    """Make what the person wants, of all that can be chosen, the yes, and everything else a no; what holds then.

    Only what changes is written. None for a link that is not valid.
    """

    def changes(message: Message, before: Standing) -> Iterator[_Change]:
        for (purpose, channel), yes in before.choices.items():
            kind: Kind = "granted" if (purpose, channel) in wanted else "withdrawn"
            if (kind == "granted") != yes and not (kind == "granted" and channel in before.closed):
                yield kind, purpose, channel

    return _changed(token, changes, settings, day, at)


def _objections(who: Collection[str], rows: Iterable[Mapping[str, object]], settings: Settings) -> dict[str, bool]:
    """What these people object to: here, or elsewhere as `rows` of profiles/consent say. What was taken back here is
    an objection of that table until a run has read it; one that another source told is taken back there alone."""
    purposes, moment = settings.identity.objections.purposes, now()
    here = newest_objections(Lake.of(settings), purposes) if purposes else {}
    own = settings.feedback.source
    found = {}
    for purpose in purposes:
        mine = said(here, who, purpose)
        noes = [row for row in rows if row["purpose"] == purpose and not _is_yes(row, moment)]
        found[purpose] = mine is False or any(mine is None or row["source"] != own for row in noes)
    return found


def object_to(
    token: str, wanted: Collection[str], settings: Settings, day: date | None = None, at: datetime | None = None
) -> Standing | None:
    """Object to these of what can be objected to, and take back the objections to all others; what holds then.

    Only what changes is written. None for a link that is not valid.
    """

    def changes(message: Message, before: Standing) -> Iterator[_Change]:
        for purpose, objects in before.objections.items():
            if (purpose in wanted) == objects:
                continue
            kind: Kind = "withdrawn" if purpose in wanted else "granted"
            # An answer is one about a channel: what was told about one is taken back about the same.
            over = {message.channel} if kind == "withdrawn" else _channels_of(message, purpose, settings)
            yield from ((kind, purpose, channel) for channel in sorted(over))

    return _changed(token, changes, settings, day, at)


def _changed(
    token: str,
    changes: Callable[[Message, Standing], Iterable[_Change]],
    settings: Settings,
    day: date | None,
    at: datetime | None,
) -> Standing | None:
    """Write down what changes for the person of a link, and tell what holds then; None for a link that is not valid."""
    message = found(token, settings)
    if message is None:
        return None
    at = at or now()
    before = standing(message, settings)
    told = [
        Heard.about(message, kind, at, "page", purpose=purpose, mark=at.isoformat()).over(channel)
        for kind, purpose, channel in changes(message, before)
    ]
    keep(told, day or local_day(at, settings.general.timezone), settings)
    return standing(message, settings) if told else before


def _channels_of(message: Message, purpose: str, settings: Settings) -> set[str]:
    """The channels about which the people of a message objected here, at least that of the message."""
    told = _told_here(message, pc.field("purpose") == purpose, Lake.of(settings))
    return {message.channel, *(row["channel"] for row in told)}


def _told_here(message: Message, about: pc.Expression, lake: Lake) -> list[dict[str, Any]]:
    if not lake.exists(FEEDBACK):
        return []
    whose = pc.field("customer_id").isin(list(message.people)) | pc.field("identifier").isin(list(message.identifiers))
    rows: list[dict[str, Any]] = lake.dataset(FEEDBACK).to_table(filter=about & whose).to_pylist()
    return rows


def _yes_at(message: Message, lake: Lake) -> dict[Choice, datetime]:
    """When the people of a message last said yes here, for each purpose and channel."""
    rows = _told_here(message, pc.field("kind") == "granted", lake)
    return {(row["purpose"], row["channel"]): row["at"] for row in sorted(rows, key=lambda row: row["at"])}


def _no_since(kept: Iterable[Mapping[str, object]], yes_at: datetime | None, moment: datetime) -> bool:
    """Whether anybody said no elsewhere since that yes; a no without a moment may be of any."""
    no = [row["changed_at"] for row in kept if not _is_yes(row, moment)]
    return any(not isinstance(at, datetime) or yes_at is None or at > yes_at for at in no)


def _is_yes(row: Mapping[str, object], moment: datetime) -> bool:
    ends = row["expires_at"]
    return row["status"] == "granted" and not (isinstance(ends, datetime) and ends <= moment)
