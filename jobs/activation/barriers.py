"""What stands between a planned operation and its customer at the moment of the push, and which addresses it may name.

Rows are those of a push: the plan of a customer beside what consent, addresses and the ledger say now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from jobs.activation.channel import Recipient

Row = Mapping[str, Any]


def now(row: Row) -> str | None:
    """Why the customer must not be reached now, whatever the plan said."""
    if not row["consented"]:
        return row["refused_for"] or "no_consent"
    if row["suppressed"]:
        return "suppressed"
    if not row["emails"] and not row["phones"]:
        return "no_address"
    return row["refused_along"]


def said_no(row: Row) -> bool:
    """Whether somebody on a list said no, in whatever way. Of an id that is gone nothing is known."""
    return row["suppressed"] is not None and (not row["consented"] or row["suppressed"])


def needed(rows: Iterable[Row]) -> set[str]:
    """Addresses of those who stay on a list, or come to it."""
    staying = [row for row in rows if row["action"] in ("add", "keep") and not now(row)]
    return {value for row in staying for value in [*row["known_emails"], *row["known_phones"]]}


def recipients(row: Row, action: str, needed: Collection[str]) -> tuple[Recipient, Recipient | None]:
    """Who an operation names; and of an addition the same customer under former addresses, who is taken off by it."""
    emails, phones = _addresses(row, action, needed)
    recipient = Recipient(emails, phones, row["first_name"], row["language"], row["measured"])
    former = _former(row, needed) if action == "add" and row["may_be_there"] else ((), ())
    return recipient, Recipient(*former) if any(former) else None


def _addresses(row: Row, action: str, others_need: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """E-mail addresses and numbers to name: those that may be used.

    A removal names all there are and were but those of somebody who stays; of who said no those too, since the
    strictest owner of an address decides for all.
    """
    if action != "remove":
        return tuple(row["emails"] or ()), tuple(row["phones"] or ())
    return _former(row, set() if said_no(row) else others_need)


def _former(row: Row, needed: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All addresses that the customer has and had, but those that are needed for somebody who stays."""
    emails, phones = ([one for one in row[name] or () if one not in needed] for name in ("had_emails", "had_phones"))
    return tuple(emails), tuple(phones)
