"""What each CRM contact allowed: asked at registration, taken back by some, contradicted by duplicates."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from examples.retail import clock
from examples.retail.chance import plain_stream
from examples.retail.faults import common_faults
from examples.retail.feeds import Fault, Feed, from_table
from examples.retail.people import People
from examples.retail.records import Record

ASKED = (("marketing", "email", 0.85, 0.72), ("ads", "ads", 0.75, 0.48))
"""Purpose, channel, share asked, share of those that say yes."""
COLUMNS = ["consent_id", "contact_id", "purpose", "channel", "status", "changed_at", "expires_at", "form_version"]
LATE_WITHDRAWALS = 0.004


@dataclass
class Reader:
    """A person who gets e-mail: the address, from when, and until when (local seconds)."""

    person: int
    contact_id: str
    email: str
    since: int
    until: int


def answers(people: People, contacts: list[Record], seed: int) -> tuple[list[Record], list[Reader]]:
    """Answers at registration and later changes of mind; and who may be e-mailed when."""
    given: list[Record] = []
    readers: list[Reader] = []
    seen: set[str] = set()
    for contact in contacts:
        contact_id = str(contact["contact_id"])
        if contact_id in seen:
            continue
        seen.add(contact_id)
        chance = plain_stream(seed, f"consent {contact_id}")
        merger = people.persons[int(contact["person"] or 0)].late_merger
        for purpose, channel, asked, yes in ASKED:
            if chance.random() > asked and not merger:
                continue
            granted = chance.random() < yes or merger
            changes = _changes(chance, contact, granted, keep=merger)
            given += [_answer(contact, purpose, channel, *change, number) for number, change in enumerate(changes)]
            if purpose == "marketing" and granted and contact["email"] and contact_id.endswith("0"):
                until = next((at for at, status in changes if status == "withdrawn"), clock.LAST + 1)
                readers.append(
                    Reader(int(contact["person"] or 0), contact_id, str(contact["email"]), changes[0][0], until)
                )
    return given + _late_withdrawals(readers, seed), readers


def unsubscribe(reader: Reader, at: int) -> Record:
    """The answer that a click on the unsubscribe link writes into the CRM."""
    reader.until = at
    contact: Record = {"contact_id": reader.contact_id, "person": reader.person, "language": "nl"}
    return _answer(contact, "marketing", "email", at, "withdrawn", 8) | {"form_version": "unsubscribe-link"}


def consent_feed(given: list[Record]) -> Feed:
    """All answers, in order of time."""
    given = sorted(given, key=lambda answer: (answer["at"], answer["consent_id"]))
    table: dict[str, list[object]] = {column: [answer.get(column) for answer in given] for column in COLUMNS}
    moments = np.array([answer["at"] for answer in given], np.int64)
    table["changed_at"] = clock.local_text(moments).to_pylist()
    faults = (
        *common_faults("consent_id", "changed_at"),
        Fault("unknown_value", "status", "maybe"),
        Fault("unknown_value", "purpose", "everything"),
    )
    return Feed(
        "crm", "consents", "consents.csv", moments // clock.DAY, from_table(table), faults=faults,
        person=np.array([answer["person"] for answer in given], np.int64), record="consent_id", state=True,
    )  # fmt: skip


def _changes(chance: random.Random, contact: Record, granted: bool, keep: bool) -> list[tuple[int, str]]:
    """The first answer and perhaps a change of mind during 2017: moment and status."""
    start = int(contact["since"] or 0)
    changes = [(start, "granted" if granted else "withdrawn")]
    if chance.random() < (0.03 if granted else 0.04) and not keep:
        at = clock.FIRST + chance.randrange(2, 364) * clock.DAY + chance.randrange(30_000, 80_000)
        if at > start:
            changes.append((at, "withdrawn" if granted else "granted"))
    return changes


def _answer(contact: Record, purpose: str, channel: str, at: int, status: str, number: int) -> Record:
    contact_id = str(contact["contact_id"])
    # Every twelfth answer was given for two years only.
    ends = at + 730 * clock.DAY if status == "granted" and int(contact_id[1:]) % 12 == 0 else None
    return {
        "consent_id": f"K{contact_id[1:]}{purpose[0]}{number}",
        "contact_id": contact_id,
        "purpose": purpose,
        "channel": channel,
        "status": status,
        "expires_at": None if ends is None else clock.local_text(np.array([ends]))[0].as_py(),
        "form_version": "form-3" if at > clock.FIRST else "form-2",
        "at": at,
        "person": contact["person"],
    }


def _late_withdrawals(readers: list[Reader], seed: int) -> list[Record]:
    """Some readers take their consent back in the last three days of the year."""
    chance = plain_stream(seed, "late withdrawals")
    mergers_apart = [
        reader for reader in readers if reader.until > clock.LAST and reader.since < clock.LAST - 30 * clock.DAY
    ]
    chosen = chance.sample(mergers_apart, min(len(mergers_apart), max(3, round(LATE_WITHDRAWALS * len(readers)))))
    taken_back = []
    for number, reader in enumerate(chosen):
        day = clock.seconds("2017-12-29") + number % 3 * clock.DAY
        taken_back.append(unsubscribe(reader, day + chance.randrange(8 * 3600, 21 * 3600)) | {"form_version": "form-3"})
    return taken_back
