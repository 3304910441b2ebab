"""Tries of which nobody knows what came of them, and the word of a person who found out.

A process that was killed after a claim, or a destination that broke off, leaves a try open: a message that may have
arrived is never sent again by itself, and the day stays red until somebody looks, in the log of the mail server or at
the destination, and says what happened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from jobs.activation.channel import TEMPORARY
from jobs.activation.ledger import TABLE, newest
from jobs.config.settings import Settings
from jobs.config.wrong import CommandError
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

OPEN = ("claimed", "submitted", "unknown")
"""States after which it is not known what came of a try."""
WORDS = ("accepted", "rejected")
Row = dict[str, Any]


def open_tries(
    settings: Settings, day: date | None = None, audience: str | None = None, destination: str | None = None
) -> list[Row]:
    """The newest row of every try that is open, oldest first."""
    lake = Lake.of(settings)
    rows = lake.arrow(TABLE).to_pylist() if lake.exists(TABLE) else []
    wanted = [
        row
        for row in newest(rows)
        if row["state"] in OPEN
        and day in (None, row["day"])
        and audience in (None, row["audience"])
        and destination in (None, row["destination"])
    ]
    return sorted(wanted, key=lambda row: (row["updated_at"], row["operation_id"]))


def settle(
    settings: Settings, operations: Sequence[str], state: str, because: str, by: str, among: Iterable[Row] | None = None
) -> int:
    """Write down what a person found out about open tries; returns how many.

    `accepted`: it arrived. `rejected`: it did not, and a push of the same day, or the next one, may try again. Push the
    day again to see it turn green. Raises CommandError for an operation that is not open, and for no reason given.
    """
    if state not in WORDS:
        raise CommandError([f"--as {state!r}: say accepted (it arrived) or rejected (it did not)"])
    if not because.strip():
        raise CommandError(["--because: say how you know; it is kept with the try"])
    known = {row["operation_id"]: row for row in (open_tries(settings) if among is None else among)}
    if missing := [one for one in operations if one not in known]:
        raise CommandError([f"{one}: no open try of that operation; see klantreis ledger list" for one in missing])
    word = f"settled by {by}: {because.strip()}"
    reason = f"{TEMPORARY}{word}" if state == "rejected" else word
    at = datetime.now(UTC)
    rows = [known[one] | {"state": state, "reason": reason, "updated_at": at} for one in dict.fromkeys(operations)]
    if rows:
        lake, data = Lake.of(settings), pa.Table.from_pylist(rows, schema=catalogue.get(TABLE).arrow_schema())
        mark = hashlib.sha256("\n".join([*sorted(operations), state, at.isoformat()]).encode()).hexdigest()
        lake.append(TABLE, data, lake.transaction("settle", at.date(), config=mark, code=__name__))
    return len(rows)


def settle_delivery(
    audience: str, destination: str, state: str, because: str, by: str, day: date, settings: Settings
) -> dict[str, int]:
    """The same for all open tries of one delivery; how many that were."""
    rows = open_tries(settings, day, audience, destination)
    return {"settled": settle(settings, [row["operation_id"] for row in rows], state, because, by, rows)}
