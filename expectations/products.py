"""Expectations of the range: one version of one product."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import WARNING, amount, filled, happened, readable
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/products`."""
    return [
        readable(),
        filled("product_id"),
        *happened("updated_at"),
        filled("name", mostly=0.5, severity=WARNING, fate="report"),
        amount("price"),
    ]
