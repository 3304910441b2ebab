"""Expectations of subscriptions: one version of one subscription."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import (
    CRITICAL,
    EARLIEST,
    LATEST,
    amount,
    between,
    ends,
    filled,
    happened,
    in_order,
    one_of,
    person,
    readable,
    shaped,
)
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/subscriptions`."""
    return [
        readable(),
        filled("subscription_id"),
        *happened("updated_at"),
        filled("status"),
        one_of("status", ("active", "paused", "cancelled", "expired")),
        between("started_at", EARLIEST, LATEST),
        ends("ends_at"),
        in_order("started_at", "ends_at"),
        amount("amount"),
        shaped("currency", "^[A-Z]{3}$", "an ISO 4217 currency code such as EUR", severity=CRITICAL),
        *person(),
    ]
