"""Expectations of payments: one version of one of them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import (
    CRITICAL,
    EARLIEST,
    LATEST,
    amount,
    between,
    filled,
    happened,
    not_later,
    one_of,
    person,
    readable,
    shaped,
    short,
)
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/payments`."""
    return [
        readable(),
        filled("payment_id"),
        *happened("updated_at"),
        filled("due_at"),
        between("due_at", EARLIEST, LATEST),
        *not_later("paid_at"),
        filled("status"),
        one_of("status", ("due", "paid", "failed", "refunded", "cancelled")),
        short("reason"),
        amount("amount"),
        shaped("currency", "^[A-Z]{3}$", "an ISO 4217 currency code such as EUR", severity=CRITICAL),
        *person(),
    ]
