"""Expectations of orders: one version of one order."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import (
    CRITICAL,
    LARGEST_AMOUNT,
    amount,
    between,
    filled,
    happened,
    in_order,
    one_of,
    person,
    readable,
    shaped,
    whole,
)
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/orders`."""
    return [
        readable(),
        filled("order_id"),
        whole("order_id"),
        *happened("updated_at"),
        *happened("ordered_at"),
        in_order("ordered_at", "updated_at"),
        filled("status"),
        one_of("status", ("completed", "cancelled", "returned", "open", "test")),
        one_of("channel", ("store", "web", "app", "phone")),
        shaped("currency", "^[A-Z]{3}$", "an ISO 4217 currency code such as EUR", severity=CRITICAL),
        filled("total", mostly=0.9),
        between("total", -LARGEST_AMOUNT, LARGEST_AMOUNT),  # a credit note is an order of less than nothing
        amount("discount"),
        *person(),
    ]
