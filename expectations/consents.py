"""Expectations of what people allow: one answer about one purpose and channel."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import ends, filled, happened, one_of, person, readable, somebody
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/consents`."""
    purposes = settings.identity.purposes
    channels = {channel for purpose in purposes.values() for channel in purpose.channels}
    return [
        readable(),
        filled("consent_id"),
        *happened("changed_at"),
        filled("purpose"),
        one_of("purpose", purposes, mostly=0.95),
        filled("channel"),
        one_of("channel", channels, mostly=0.95),
        filled("status"),
        one_of("status", ("granted", "withdrawn"), mostly=0.95),
        ends("expires_at"),
        somebody(settings),
        *person(),
    ]
