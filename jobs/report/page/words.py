"""What the page says in each language: every text it shows that comes neither from the lake nor from a company."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

Language = Literal["en", "nl"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
FOLDER = Path(__file__).with_name("languages")


@cache
def book(language: Language) -> dict[str, dict[str, Any]]:
    """All words of one language: `parts`, `panels` with title and note, `columns`, `sentences`, `values`
    and `remedies` (what to do, by kind of error).

    `values` are the platform's own; what a company names, such as an audience, stays as it is named.
    """
    import yaml  # the command line names the languages at its start, long before it reads one

    found: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return found


def said(key: str, language: Language, **values: object) -> str:
    """A sentence in that language, with its gaps filled."""
    sentence: str = book(language)["sentences"][key]
    return sentence.format(**values)
