"""The link of a message to unsubscribe and to choose (RFC 8058): it names nobody, cannot be forged, and ends.

Its token holds the id of the operation that sent the message, the day it was written, and a signature of both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jobs.activation.signature import is_signed, signature
from jobs.config.settings import Settings

_TOKEN = re.compile(r"([0-9A-Za-z_-]{1,64})\.(\d{8})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True)
class Token:
    """What a valid token says: which message, and on which day its link was written."""

    operation_id: str
    written: date


def unsubscribe_link(page: str, operation_id: str, settings: Settings, today: date | None = None) -> str:
    """The address of the page with the token of that operation. `today` is the day in UTC."""
    day = f"{today or datetime.now(UTC).date():%Y%m%d}"
    separator = "&" if "?" in page else "?"
    return f"{page}{separator}t={operation_id}.{day}.{signature('unsubscribe', f'{operation_id}|{day}', settings)}"


def token_of(text: str, settings: Settings, today: date | None = None) -> Token | None:
    """What a token says; None if it is forged, damaged, older than `links_valid_days`, or of a day to come."""
    parts = _TOKEN.fullmatch(text)
    if parts is None or not is_signed(parts[3], "unsubscribe", f"{parts[1]}|{parts[2]}", settings):
        return None
    written = datetime.strptime(parts[2], "%Y%m%d").date()
    age = (today or datetime.now(UTC).date()) - written
    in_time = timedelta(days=-1) <= age <= timedelta(days=settings.feedback.links_valid_days)
    return Token(parts[1], written) if in_time else None
