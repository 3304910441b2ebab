"""Expectations of what campaigns did in a channel: one day of one campaign."""

from __future__ import annotations

import datetime as dt

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column

from expectations.vocabulary import CRITICAL, amount, between, filled, happened, not_later, readable, shaped, short
from jobs.config.settings import Settings

EARLIEST_DAY = dt.date(1970, 1, 2)


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/campaign_stats`."""
    return [
        readable(),
        filled("campaign_id"),
        filled("channel"),
        short("channel", 64),
        filled("day"),
        *not_later("day", EARLIEST_DAY, whole_day=True),
        *happened("updated_at"),
        between("impressions", 0, None),
        between("reach", 0, None),
        between("clicks", 0, None),
        between("conversions", 0, None),
        amount("cost"),
        filled("currency", mostly=0.5, when=Column("cost") > 0),
        shaped("currency", "^[A-Z]{3}$", "an ISO 4217 currency code such as EUR", severity=CRITICAL),
    ]
