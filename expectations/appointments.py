"""Expectations of appointments: one version of one of them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import (
    EARLIEST,
    LATEST,
    between,
    filled,
    happened,
    in_order,
    one_of,
    person,
    readable,
    short,
)
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/appointments`."""
    return [
        readable(),
        filled("appointment_id"),
        *happened("updated_at"),
        *happened("booked_at"),
        between("starts_at", EARLIEST, LATEST),
        in_order("booked_at", "starts_at"),
        filled("status"),
        one_of("status", ("booked", "moved", "kept", "no_show", "cancelled")),
        short("topic"),
        *person(),
    ]
