"""What a proposal is asked for: an action, a language and facts of the catalogue. Nothing of it is about a customer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jobs.config.actions.brand import Brand
from jobs.config.settings import Settings
from jobs.config.wrong import CommandError, nearest
from jobs.text.personal import EMAIL

MOST_FACTS = 5
_LONG_NUMBER = re.compile(r"\d(?:[ ./-]?\d){6,}")
"""Of a phone, a card, an account or an order."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Fact:
    """One item of the catalogue: all that a text may claim."""

    id: str
    title: str
    kind: str = ""
    topic: str = ""
    need: str = ""
    url: str = ""


@dataclass(frozen=True)
class Brief:
    """What a text is for."""

    action: str
    title: str
    goal: str
    company: str
    stage: str
    moment: str
    language: str
    form: str
    """txt: an e-mail, of which HTML is made too; sms: a text message."""
    facts: tuple[Fact, ...] = ()
    brand: Brand = field(default_factory=Brand)


@dataclass(frozen=True)
class Variant:
    """One proposed text: plain words, no markup, and the facts it rests on."""

    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[str, ...]


class Provider(Protocol):
    """Where proposals come from."""

    name: str
    """Kept with each proposal."""

    def variants(self, brief: Brief, number: int) -> Sequence[Variant]:
        """At most so many texts. Raises CommandError if there are none to be had, with what to do."""

    def again(self, brief: Brief, number: int, wrong: Sequence[str]) -> Sequence[Variant]:
        """Other texts in the place of those of which something was wrong; none if it cannot do better."""


def brief_of(
    action: str, language: str, form: str, items: Iterable[Row], chosen: Sequence[str], settings: Settings
) -> Brief:
    """The brief for an action, with the items of the catalogue that fit it best, or those that were chosen.

    Raises CommandError for a name that is not there.
    """
    if action not in settings.audiences:
        raise CommandError([f"unknown action {action!r}{nearest(action, settings.audiences)}"])
    audience = settings.audiences[action]
    known = {str(one["content_id"]): one for one in items if one["title"] and not _is_personal(one)}
    if unknown := [one for one in chosen if one not in known]:
        raise CommandError(
            [f"--fact {one}: no item of the catalogue with a title{nearest(one, known)}" for one in unknown]
        )
    moment = audience.moment or ""

    def fit(one: Row) -> int | None:
        if one["language"] not in (language, None) or (moment and one["moment"] not in (moment, None)):
            return None
        if one["stage"] not in (audience.stage, None):
            return None
        return -sum(
            (one["stage"] == audience.stage, bool(moment) and one["moment"] == moment, one["language"] == language)
        )

    fitting = sorted((score, name) for name, one in known.items() if (score := fit(one)) is not None)
    names = list(chosen) or [name for _, name in fitting[:MOST_FACTS]]
    facts = tuple(_fact(name, known[name]) for name in names)
    return Brief(
        action, audience.title, audience.goal or "", settings.general.company, audience.stage, moment, language, form,
        facts, settings.content.rules.brand,
    )  # fmt: skip


def _is_personal(item: Row) -> bool:
    """Whether what an item says could identify a person; then nothing of it is handed on."""
    text = " ".join(str(item.get(key) or "") for key in ("title", "kind", "topic", "need", "url"))
    return EMAIL.search(text) is not None or _LONG_NUMBER.search(text) is not None


def _fact(name: str, item: Row) -> Fact:
    told = {key: str(item.get(key) or "") for key in ("title", "kind", "topic", "need", "url")}
    return Fact(name, **told)
