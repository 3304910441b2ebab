"""Expectations of contact moments of campaigns: one send, impression, click or redemption."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import AndCondition, Column

from expectations.vocabulary import filled, happened, one_of, person, readable
from jobs.config.settings import Settings

TYPES = (
    "impression",
    "sent",
    "delivered",
    "open",
    "click",
    "bounce",
    "soft_bounce",
    "complaint",
    "unsubscribe",
    "redeem",
)

WITHOUT_CAMPAIGN = ("bounce", "soft_bounce", "complaint", "unsubscribe")
"""What people and mail servers may tell of no campaign in particular."""


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/campaign_events`."""
    return [
        readable(),
        filled("event_id"),
        filled("campaign_id", when=AndCondition(conditions=[Column("type") != one for one in WITHOUT_CAMPAIGN])),
        *happened("occurred_at"),
        filled("type"),
        one_of("type", TYPES),
        one_of("channel", ("email", "ad", "mail", "app")),
        *person(),
    ]
