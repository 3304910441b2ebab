"""Expectations of contact moments of campaigns: one send, impression, click or redemption."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import filled, happened, one_of, person, readable
from jobs.config.settings import Settings

TYPES = (
    "impression",
    "sent",
    "delivered",
    "open",
    "click",
    "bounce",
    "complaint",
    "unsubscribe",
    "redeem",
)


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/campaign_events`."""
    return [
        readable(),
        filled("event_id"),
        filled("campaign_id"),
        *happened("occurred_at"),
        filled("type"),
        one_of("type", TYPES),
        one_of("channel", ("email", "ad", "mail", "app")),
        *person(),
    ]
