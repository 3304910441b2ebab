"""Expectations of what people say when asked: one answer to one survey question."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import Column

from expectations.vocabulary import (
    WARNING,
    at_most_column,
    between,
    code,
    filled,
    happened,
    one_of,
    person,
    readable,
    short,
)
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/survey_responses`."""
    return [
        readable(),
        filled("response_id"),
        filled("question_id"),
        *happened("answered_at"),
        filled("kind"),
        one_of("kind", ("nps", "csat", "ces", "awareness", "text")),
        filled("score", mostly=0.5, severity=WARNING, when=Column("kind") != "text", fate="report"),
        between("score", 0, None),
        between("scale_max", 1, 1000),
        between("weight", 0, None),
        at_most_column("score", "scale_max"),
        filled("scale_max", when=Column("score").is_not_null()),  # a score without its scale says nothing
        code("language", "^[a-z]{2}$", "an ISO 639-1 language code such as nl"),
        short("comment", 20_000),
        *person(),
    ]
