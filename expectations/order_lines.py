"""Expectations of products in orders: one product in one order."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column

from expectations.vocabulary import LARGEST_AMOUNT, amount, between, filled, happened, readable
from jobs.config.settings import Settings

LARGEST_QUANTITY = 1_000_000


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/order_lines`."""
    return [
        readable(),
        filled("order_id"),
        filled("line_id"),
        filled("product_id"),
        *happened("ordered_at"),
        between("quantity", -LARGEST_QUANTITY, LARGEST_QUANTITY),
        between("amount", 0, None, when=Column("quantity") >= 0, what="not_negative"),  # a return may give money back
        between("amount", -LARGEST_AMOUNT, LARGEST_AMOUNT),
        amount("discount"),
    ]
