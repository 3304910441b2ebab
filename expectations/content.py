"""Expectations of the catalogue of content: one version of one item."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import WARNING, code, filled, happened, one_of, readable, short
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/content`."""
    return [
        readable(),
        filled("content_id"),
        *happened("updated_at"),
        filled("kind", mostly=0.8, severity=WARNING, fate="report"),
        one_of("moment", ("know", "go", "do", "buy"), severity=WARNING),
        one_of("stage", ("awareness", "consideration", "purchase", "service", "loyalty"), severity=WARNING),
        code("language", "^[a-z]{2}$", "an ISO 639-1 language code such as nl"),
        short("topic"),
        short("need"),
        short("url", 4_000),
    ]
