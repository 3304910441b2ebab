"""Expectations of what is said in conversations: one message."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import WARNING, filled, happened, one_of, person, readable, short
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/messages`."""
    return [
        readable(),
        filled("message_id"),
        filled("conversation_id"),
        *happened("sent_at"),
        filled("author"),
        one_of("author", ("customer", "agent", "bot")),
        filled("text", mostly=0.8, severity=WARNING),
        short("text", 100_000),
        *person(),
    ]
