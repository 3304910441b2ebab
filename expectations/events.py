"""Expectations of behaviour on web and app: one event."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import (
    CRITICAL,
    WARNING,
    amount,
    between,
    filled,
    happened,
    one_of,
    person,
    readable,
    shaped,
    short,
)
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/events`."""
    return [
        readable(),
        filled("event_id"),
        *happened("occurred_at"),
        filled("type"),
        shaped("type", "^[a-z][a-z0-9_]{1,63}$", "a lower-case event name such as page_view", severity=CRITICAL),
        one_of("device", ("mobile", "tablet", "desktop"), severity=WARNING, fate="report"),
        amount("value"),
        short("url", 4_000),
        short("query", 2_000),
        between("latitude", -90, 90),
        between("longitude", -180, 180),
        between("lcp", 0, None),
        between("inp", 0, None),
        between("cls", 0, None),
        short("user_agent", 2_000, fate="report"),
        *person(),
    ]
