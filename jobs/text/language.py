"""The language of a text, out of those a company says its customers write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from jobs.text.tokens import plain

LONGEST = 500
"""Letters that are looked at: more of them tell nothing more."""

SHORTEST = 3
"""Letters a text must have: of `ok` nobody can say what language it is."""


@lru_cache(maxsize=8)
def _detector(languages: tuple[str, ...]) -> LanguageIdentifier:
    found = LanguageIdentifier.from_model_file(MODEL_FILE)
    found.set_languages(list(languages) or None)
    return found


def told_apart() -> list[str]:
    """The languages (ISO 639-1) that texts can be told to be in."""
    return sorted(_detector(()).labels)


def languages_of(texts: Iterable[str | None], languages: Sequence[str]) -> list[str | None]:
    """The language of each text, out of `languages`; None for a text without words.

    With one language every text with words is in it. A text in none of them gets the nearest.
    """
    letters = [text[:LONGEST] for text in plain(texts).to_pylist()]
    says = [sum(map(str.isalpha, text)) >= SHORTEST for text in letters]
    among = tuple(sorted(set(languages)))
    if len(among) == 1:
        return [among[0] if told else None for told in says]
    detector = _detector(among)
    return [str(detector.classify(text)[0]) if told else None for text, told in zip(letters, says, strict=True)]
