"""Whether it is a time of day to write to a customer, by the clock where the customer is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from jobs.config.actions.audiences import When
from jobs.config.settings import Settings

NOT_NOW = "not_now"
"""Reason of a skip: quiet hours, or earlier or later than the action may be sent. A later push of the day may send."""


def may_write(
    at: datetime,
    zone: str | None,
    channel: str,
    when: When,
    settings: Settings,
    wrong: Collection[int] = (),
) -> bool:
    """Whether a message may leave at that instant. `wrong` are hours at which people were seen not to respond."""
    local = at.astimezone(zone_of(zone, settings.general.timezone)).strftime("%H:%M")
    quiet = any(one.hold(local, channel) for one in settings.policy.quiet_hours)
    return when.earliest <= local <= when.latest and not quiet and int(local[:2]) not in wrong


def zone_of(customer: str | None, company: str) -> ZoneInfo:
    """The zone of a customer; none, or one that there is not, as a file may name one, is taken for the company's."""
    try:
        return ZoneInfo(customer or company)
    except (KeyError, ValueError, OSError):  # no such zone, or a text that is a path
        return ZoneInfo(company)
