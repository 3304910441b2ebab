"""How somebody speaks: positive, neutral or negative, and how much so, from -1 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from jobs.text import lexicon
from jobs.text.linear import Classifier

NEGATIVE, NEUTRAL, POSITIVE = CLASSES = ("negative", "neutral", "positive")
POSITIVE_FROM, NEGATIVE_BELOW = 0.1, 0.0
"""Scores of the lexicon that count as a class: people use friendly words for everything, so a little is neutral."""


def by_model(texts: Iterable[str | None] | pa.Array, model: Classifier) -> tuple[list[str], np.ndarray]:
    """Class and score of each text by a model of some of CLASSES: how likely positive is, less how likely negative."""
    likely = model.probabilities(texts)
    sign = np.array([CLASSES.index(name) - 1.0 for name in model.classes])
    classes = [model.classes[n] for n in likely.argmax(axis=1)]
    return classes, np.round(likely @ sign, 3) + 0.0


def by_lexicon(texts: Iterable[str | None] | pa.Array, languages: Sequence[str | None]) -> tuple[list[str], np.ndarray]:
    """Class and score of each text by words that come with Klantreis."""
    scores = lexicon.scores(texts, languages)
    places = np.where(scores >= POSITIVE_FROM, 2, np.where(scores < NEGATIVE_BELOW, 0, 1))
    return [CLASSES[n] for n in places], scores
