"""Expectations of conversations with the service desk: one version of one conversation."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import (
    WARNING,
    between,
    filled,
    happened,
    in_order,
    not_later,
    one_of,
    person,
    readable,
    short,
)
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/conversations`."""
    return [
        readable(),
        filled("conversation_id"),
        *happened("updated_at"),
        *happened("opened_at"),
        *not_later("closed_at"),
        in_order("opened_at", "closed_at"),
        filled("status"),
        one_of("status", ("open", "closed")),
        one_of("channel", ("chat", "phone", "e-mail", "social")),
        between("csat", 1, 5, severity=WARNING),
        short("topic"),
        *person(),
    ]
