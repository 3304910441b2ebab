"""Expectations of people as a source knows them: one version of one contact."""

from __future__ import annotations

import datetime as dt

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import (
    WARNING,
    code,
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

OLDEST_BIRTH = dt.date(1900, 1, 1)


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/contacts`."""
    return [
        readable(),
        filled("contact_id"),
        *happened("updated_at"),
        *not_later("created_at"),
        in_order("created_at", "updated_at"),
        *not_later("birth_date", earliest=OLDEST_BIRTH, whole_day=True),
        one_of("gender", ("male", "female", "other"), severity=WARNING, fate="report"),
        code("country", "^[A-Z]{2}$", "an ISO 3166-1 country code such as NL"),
        code("language", "^[a-z]{2}$", "an ISO 639-1 language code such as nl"),
        short("first_name"),
        short("last_name"),
        short("postcode", 16),
        *person(),
    ]
