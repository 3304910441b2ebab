"""Expectations of what is used: one measurement of one product, network or device."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import WARNING, between, filled, happened, one_of, person, readable, short
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/usage`."""
    return [
        readable(),
        filled("usage_id"),
        *happened("used_at"),
        one_of("kind", ("product", "network", "device"), severity=WARNING),
        between("quantity", 0, None),
        between("seconds", 0, None),
        short("feature"),
        short("unit", 32),
        *person(),
    ]
