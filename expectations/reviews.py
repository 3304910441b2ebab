"""Expectations of what people write of products and shops: one version of one review."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column

from expectations.vocabulary import at_most_column, between, code, filled, happened, person, readable, short
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/reviews`."""
    return [
        readable(),
        filled("review_id"),
        *happened("updated_at"),
        *happened("reviewed_at"),
        between("rating", 0, None),
        between("scale_max", 1, 1000),
        at_most_column("rating", "scale_max"),
        filled("scale_max", when=Column("rating").is_not_null()),  # a rating without its scale says nothing
        code("language", "^[a-z]{2}$", "an ISO 639-1 language code such as nl"),
        short("title", 1_000),
        short("text", 100_000),
        *person(),
    ]
