"""Expectations of public posts: one version of one post."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.vocabulary import between, filled, happened, person, readable, short
from jobs.config.settings import Settings


def rules(settings: Settings) -> list[Expectation]:
    """Rules for a batch of `valid/social_posts`."""
    return [
        readable(),
        filled("post_id"),
        *happened("updated_at"),
        *happened("posted_at"),
        filled("network", mostly=0.9),
        between("likes", 0, None),
        between("shares", 0, None),
        between("comments", 0, None),
        short("text", 100_000),
        *person(),
    ]
