"""Addresses that tell of an open or a click: they name a message and a target of the configuration, and nobody.

A token holds the id of the operation, the day it was written, the name of the target (none: the picture of an open) and
a signature. No address is in it: where a link leads is looked up, so that nobody can make one that leads elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jobs.activation.signature import is_signed, signature
from jobs.config.settings import Settings

PICTURE = ""
"""In the place of a target: the message was opened."""
_TOKEN = re.compile(r"([0-9A-Za-z_-]{1,64})\.(\d{8})\.([a-z][a-z0-9_]{0,63}|)\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True)
class Measured:
    """What a token says: which message, on which day it was written, and which target was followed."""

    operation_id: str
    written: date
    target: str

    def counts(self, settings: Settings, today: date) -> bool:
        """Whether it is told while links are valid; `today` is the day in UTC."""
        return timedelta(days=-1) <= today - self.written <= timedelta(days=settings.feedback.links_valid_days)


def measured_link(page: str, operation_id: str, target: str, settings: Settings, today: date | None = None) -> str:
    """The address of the page with the token of that operation and target. `today` is the day in UTC."""
    day = f"{today or datetime.now(UTC).date():%Y%m%d}"
    token = f"{operation_id}.{day}.{target}"
    return f"{page}{'&' if '?' in page else '?'}m={token}.{signature('measured', token, settings)}"


def measured_of(text: str, settings: Settings) -> Measured | None:
    """What a token says, however old it is; None if it is forged or damaged."""
    parts = _TOKEN.fullmatch(text)
    if parts is None or not is_signed(parts[4], "measured", text.rpartition(".")[0], settings):
        return None
    return Measured(parts[1], datetime.strptime(parts[2], "%Y%m%d").date(), parts[3])
