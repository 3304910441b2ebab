"""What stands in the messages of an action beside names and links: the offer that it gives, the items it recommends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from jobs.activation.channel import Given, Item, Operation
from jobs.config.settings import Settings

SAMPLE_CODE = "CODE-1234"
"""Stands for the code of a customer while a message is tried."""
SAMPLE_ITEM = Item("ITEM-1234", "An item of the shop", "bought by customers who bought another")


def sample_offer(audience: str, settings: Settings) -> Given | None:
    """The offer in a message of an action while it is tried; None if it gives nothing."""
    offer = settings.offers.offers.get(settings.audiences[audience].offer or "")
    return Given(SAMPLE_CODE, offer.title, date(2030, 12, 31)) if offer else None


def sample(audience: str, settings: Settings) -> dict[str, Any]:
    """What templates of an action may use beside names and links, while a message is tried."""
    given, asked = sample_offer(audience, settings), settings.audiences[audience].recommended
    items = {"recommended": (SAMPLE_ITEM,) * max(1, asked.least)} if asked else {}
    return items | ({"offer": given} if given else {})


def beside(operation: Operation) -> dict[str, Any]:
    """What templates may use beside names and links, in the message of one customer."""
    items = {} if operation.recommended is None else {"recommended": operation.recommended}
    return items | ({"offer": operation.offer} if operation.offer else {})


def template_problem(given: Mapping[str, Any], text: str, wrong: Exception | None = None) -> str | None:
    """What is wrong with a text beside what the action gives: it shows none of it, or asks for what is not given."""
    if wrong is not None:
        if "offer" not in given and "'offer' is undefined" in str(wrong):
            return f"{wrong}; the action gives none: say `offer` in its file"
        if "recommended" not in given and "'recommended' is undefined" in str(wrong):
            return f"{wrong}; the action shows none: say `recommended` in its file"
        return f"{wrong}"
    if (offer := given.get("offer")) and offer.code not in text:
        return "the action gives an offer, and the text does not show {{ offer.code }}"
    if any(one.name not in text and one.item not in text for one in given.get("recommended", ())):
        return (
            "the action recommends items, and the text shows none: {% for one in recommended %}{{ one.name }}"
            "{% endfor %}"
        )
    return None
