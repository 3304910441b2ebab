"""Expectations of exchange rates: one currency on one day."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import CRITICAL, between, filled, readable, shaped
from jobs.config.settings import Settings

SMALLEST, LARGEST = 1e-8, 1e8


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/rates`."""
    return [
        readable(),
        filled("day"),
        filled("currency"),
        shaped("currency", "^[A-Z]{3}$", "an ISO 4217 currency code such as EUR", severity=CRITICAL),
        filled("rate"),
        between("rate", SMALLEST, LARGEST),
    ]
