"""What time it is, asked in one place, and which day that is for the company, whatever zone its machines are in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The instant, in UTC."""
    return datetime.now(UTC)


def local_day(at: datetime, timezone: str) -> date:
    """The day of an instant in a time zone."""
    return at.astimezone(ZoneInfo(timezone)).date()


def today(timezone: str) -> date:
    """The day it is now in a time zone."""
    return local_day(now(), timezone)
