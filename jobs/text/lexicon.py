"""Sentiment before anything is learned: words with a polarity, turned by `not` and `niet`, raised by `very`, `heel`.

The words come with Klantreis (jobs/text/data/README.md: whose they are). What a company's own labels teach is better:
docs/guides/text.md has both accuracies.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import numpy as np
import pyarrow as pa

from jobs.text.listed import listed
from jobs.text.tokens import column, tokens

LANGUAGES = ("nl", "en")
NEGATIONS = listed("negations")
REACH = 3
"""Words after a negation that it turns."""

TURNED = -0.5
"""What is left of a word that is turned: `not great` is bad, but not as bad as `great` is good."""

MARKS = {
    **dict.fromkeys((":d", "<3", "😍"), 0.8),
    **dict.fromkeys((":)", ":-)", "👍", "😀", "😃", "😊", "❤", "❤️"), 0.6),
    **dict.fromkeys((";)", "🙏"), 0.4),
    "🙄": -0.4,
    **dict.fromkeys((":(", ":-(", "👎", "😞", "😢", "😭", "😤"), -0.6),
    **dict.fromkeys((":'(", "😠", "😡", "🤬"), -0.8),
}


@cache
def polarities(language: str) -> dict[str, tuple[float, float]]:
    """Polarity (-1 to 1) of each word of a language, and by how much it raises the word after it."""
    found = {mark: (value, 1.0) for mark, value in MARKS.items()}
    lines = files("jobs.text").joinpath(f"data/{language}.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            word, polarity, intensity, _ = line.split("\t")
            found[word] = (float(polarity), float(intensity))
    return found


def scores(texts: Iterable[str | None] | pa.Array, languages: Iterable[str | None]) -> np.ndarray:
    """How positive each text is, -1 to 1: the mean of its words that have a polarity; 0 without any.

    A text in a language without a list is read with both lists together.
    """
    every, spoken = column(texts), np.array([one if one in LANGUAGES else "" for one in languages], dtype=object)
    found = np.zeros(len(every))
    for language in sorted(set(spoken)):
        chosen = spoken == language
        lists = (language,) if language else LANGUAGES
        known: dict[str, tuple[float, float]] = {}
        for one in lists:
            known = {**polarities(one), **known}
        found[chosen] = _scores(every.filter(pa.array(chosen)), known)
    return found


def _scores(texts: pa.Array, known: dict[str, tuple[float, float]]) -> np.ndarray:
    found = tokens(texts)
    words = [word if word in known else word.strip('!.,?"*') for word in found.words]
    polarity = np.array([known.get(word, (0.0, 1.0))[0] for word in words] or [0.0])[found.codes]
    raises = np.array([known.get(word, (0.0, 1.0))[1] for word in words] or [1.0])[found.codes]
    negates = np.array([word in NEGATIONS for word in words] or [False])[found.codes]
    text = found.text_of()
    turned = np.zeros(len(text), dtype=bool)
    for back in range(1, REACH + 1):
        turned[back:] |= negates[:-back] & (text[back:] == text[:-back])
    stronger = np.ones(len(text))
    stronger[1:] = np.where((text[1:] == text[:-1]) & (raises[:-1] != 1), raises[:-1], 1.0)
    raising = np.zeros(len(text), dtype=bool)  # `very` is a little good by itself, but not in `very bad`
    raising[:-1] = (text[1:] == text[:-1]) & (raises[:-1] != 1) & (polarity[1:] != 0)
    value = np.clip(polarity * stronger, -1, 1) * np.where(turned, TURNED, 1.0)
    says = (polarity != 0) & ~negates & ~raising
    total = np.bincount(text, weights=value * says, minlength=found.texts)
    return np.round(total / np.maximum(np.bincount(text, weights=says, minlength=found.texts), 1), 3)
