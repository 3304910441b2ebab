"""Expectations of what people said in interviews and studies found: one version of one note."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import WARNING, between, code, filled, happened, one_of, person, readable, short
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/notes`."""
    return [
        readable(),
        filled("note_id"),
        *happened("updated_at"),
        *happened("noted_at"),
        filled("kind"),
        one_of("kind", ("interview", "market_research", "employee", "panel")),
        one_of("valence", ("positive", "negative", "neutral"), severity=WARNING),
        between("respondents", 1, None),
        filled("text", mostly=0.8, severity=WARNING),
        code("language", "^[a-z]{2}$", "an ISO 639-1 language code such as nl"),
        short("topic"),
        short("text", 100_000),
        *person(),
    ]
