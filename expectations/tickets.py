"""Expectations of service tickets: one version of one ticket."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import filled, happened, in_order, not_later, one_of, person, readable, short
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/tickets`."""
    return [
        readable(),
        filled("ticket_id"),
        *happened("updated_at"),
        *happened("opened_at"),
        *not_later("resolved_at"),
        in_order("opened_at", "resolved_at"),
        filled("status"),
        one_of("status", ("open", "pending", "solved", "closed")),
        short("topic"),
        *person(),
    ]
