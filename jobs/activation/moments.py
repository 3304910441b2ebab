"""Whether a micro-moment still lasts, by the clock of the instant in which something would be sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from jobs import clock

OVER = "moment_over"
"""Reason of a skip: the moment expired, or something served it, before anything was sent."""


def now() -> datetime:
    """The instant at which it is judged what may be sent, in UTC."""
    return clock.now()


def is_over(until: datetime | None) -> bool:
    """Whether that instant has passed. What has no end is never over."""
    return until is not None and until <= now()


def newest_end(ends: Iterable[datetime | None]) -> str:
    """The newest of these instants that has passed, empty if none has: a plan holds until another one passes."""
    passed = [end for end in ends if end is not None and is_over(end)]
    return max(passed).isoformat() if passed else ""
