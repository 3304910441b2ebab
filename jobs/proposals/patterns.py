"""Proposals without any model: patterns per language and stage, filled in with facts of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from jobs.config.wrong import CommandError
from jobs.proposals.brief import Brief, Variant

FOLDER = Path(__file__).parent / "languages"


class Patterns:
    """The provider of default: needs no network."""

    name = "patterns"

    def variants(self, brief: Brief, number: int) -> Sequence[Variant]:
        known = languages()
        if brief.language not in known:
            raise CommandError(
                [
                    f"--language {brief.language}: there are patterns in {', '.join(known)} only; configure "
                    "`proposals` in config/content.yaml to ask a model, or write the text"
                ]
            )
        if not brief.facts:
            raise CommandError(
                [
                    f"no item of the catalogue fits {brief.action} in {brief.language}, and a pattern has no facts of "
                    "its own; load a dataset `content`, name items by --fact, or see klantreis content gaps"
                ]
            )
        patterns = _patterns(brief.language)[brief.stage]
        pairs = [(pattern, fact) for fact in brief.facts for pattern in patterns]
        return [_filled(pattern, fact, brief) for pattern, fact in pairs[:number]]

    def again(self, brief: Brief, number: int, wrong: Sequence[str]) -> Sequence[Variant]:
        return ()


def languages() -> list[str]:
    """The languages there are patterns in."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def closing(language: str) -> dict[str, str]:
    """Greeting, end and the words of the link that unsubscribes, in a language, else in English."""
    return _file(language if language in languages() else "en")["frame"]  # type: ignore[no-any-return]


def _filled(pattern: dict[str, Any], fact: Any, brief: Brief) -> Variant:
    link = fact.url if fact.url.startswith("https://") else ""
    words = {"title": fact.title, "topic": fact.topic or fact.title, "company": brief.company}
    paragraphs = [text.format(**words) for text in pattern["paragraphs"]]
    subject = "" if brief.form == "sms" else pattern["subject"].format(**words)
    return Variant(subject, (*paragraphs, *([link] if link else [])), (fact.id,))


def _patterns(language: str) -> dict[str, list[dict[str, Any]]]:
    return _file(language)["stages"]  # type: ignore[no-any-return]


@cache
def _file(language: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
