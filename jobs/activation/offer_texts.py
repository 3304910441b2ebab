"""What stands in the messages of an action that gives an offer, and what is wrong with a text beside that."""

from __future__ import annotations

from datetime import date

from jobs.activation.channel import Given
from jobs.config.settings import Settings

SAMPLE_CODE = "CODE-1234"
"""Stands for the code of a customer while a message is tried."""


def sample(audience: str, settings: Settings) -> Given | None:
    """What stands in a message of an action while it is tried; None if it gives nothing."""
    offer = settings.offers.offers.get(settings.audiences[audience].offer or "")
    return Given(SAMPLE_CODE, offer.title, date(2030, 12, 31)) if offer else None


def template_problem(given: Given | None, text: str, wrong: Exception | None = None) -> str | None:
    """What is wrong with a text beside what the action gives: no code in it, or one asked for that is not given."""
    if wrong is not None:
        gives_none = given is None and "'offer' is undefined" in str(wrong)
        return f"{wrong}" + ("; the action gives none: say `offer` in its file" if gives_none else "")
    if given is not None and given.code not in text:
        return "the action gives an offer, and the text does not show {{ offer.code }}"
    return None
