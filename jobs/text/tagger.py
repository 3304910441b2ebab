"""Which words of a short chat text are personal, learned from labelled chats: what rules cannot name.

A turn such as `kavin`, `sam 1234` or `nila 90 mailcom` has no word before it that tells. A linear model over what a
word looks like and what stands around it does. It keeps no word: features are hashed, weights are numbers.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from scipy import sparse
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import LogisticRegression

from jobs.text.listed import listed
from jobs.text.personal import Span

PLACES = 2**14
"""Weights of a class: features that fall on one place share it."""

NOTHING = "nothing"
"""The class of a word that is not personal."""

LONGEST = 25
"""Words of the longest text that is looked at: it was learned from turns of a chat, not from letters."""

THRESHOLD = 0.4
"""How likely a word must be personal to be masked; a mask too many costs less than one too few."""

WORD = re.compile(r"\S+")
NO_NAME = ("http", "www.", "#", "@", "[")


@dataclass(frozen=True)
class Tagger:
    """Weights of each class; the first class is NOTHING."""

    classes: list[str]
    weights: np.ndarray
    """A row per place, a column per class."""

    intercepts: np.ndarray
    threshold: float = THRESHOLD

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        """The personal words of each text by kind; words of one kind that follow on each other are one part."""
        words = [list(WORD.finditer(text)) for text in texts]
        short = [n for n, found in enumerate(words) if 0 < len(found) <= LONGEST]
        tokens = [[match.group() for match in words[n]] for n in short]
        found: list[list[Span]] = [[] for _ in texts]
        if not tokens:
            return found
        margins = features(tokens) @ self.weights + self.intercepts
        raised = np.exp(margins - margins.max(axis=1, keepdims=True))
        likely = raised / raised.sum(axis=1, keepdims=True)
        kinds = np.where(1 - likely[:, 0] >= self.threshold, likely[:, 1:].argmax(axis=1) + 1, 0)
        at = 0
        for n in short:
            for match, kind in zip(words[n], kinds[at : at + len(words[n])], strict=True):
                if kind and not _is_ordinary(match.group().lower()):
                    _grow(found[n], Span(*match.span(), self.classes[kind]))
            at += len(words[n])
        return found

    def to_bytes(self) -> bytes:
        """As a file of arrays (npz), without code."""
        file = io.BytesIO()
        names = np.frombuffer("\n".join(self.classes).encode(), dtype=np.uint8)
        np.savez_compressed(file, classes=names, weights=self.weights.astype("<f2"), intercepts=self.intercepts)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Tagger:
        """Read back, without running anything."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            classes = file["classes"].tobytes().decode().split("\n")
            return cls(classes, file["weights"].astype(np.float64), file["intercepts"])


def learn(texts: Iterable[Sequence[str]], kinds: Iterable[Sequence[str]], seed: int = 1) -> Tagger:
    """A tagger of texts in words, each with its kind (NOTHING or a kind of personal data)."""
    words = [list(text) for text in texts]
    truth = np.array([kind for text in kinds for kind in text])
    model = LogisticRegression(C=3.0, max_iter=300, random_state=seed).fit(features(words), truth)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row, for the second class against the first
        coefficients, intercepts = (
            np.vstack([-coefficients, coefficients]) / 2,
            np.hstack([-intercepts, intercepts]) / 2,
        )
    classes = [NOTHING, *sorted(set(model.classes_) - {NOTHING})]
    order = [list(model.classes_).index(name) for name in classes]
    return Tagger(classes, coefficients[order].T, intercepts[order])


@cache
def shipped() -> Tagger:
    """The tagger that comes with Klantreis; jobs/text/data/README.md says what it was learned from."""
    return Tagger.from_bytes(files("jobs.text").joinpath("data/tagger.npz").read_bytes())


def features(texts: Iterable[Sequence[str]]) -> sparse.csr_matrix:
    """A row per word: what it looks like, and what stands around it."""
    hasher = FeatureHasher(PLACES, input_type="string", alternate_sign=False)
    return hasher.transform(one for text in texts for one in _described(text))


def _described(words: Sequence[str]) -> list[list[str]]:
    small = ["<<", "<", *(word.lower().strip(".,!?;:()\"'") for word in words), ">", ">>"]
    looks = ["<<", "<", *map(_shape, words), ">", ">>"]
    size = "1" if len(words) == 1 else "few" if len(words) < 5 else "many"
    found = []
    for n in range(2, len(words) + 2):
        word, before, after = small[n], small[n - 1], small[n + 1]
        framed = f"^{word[:40]}$"
        pieces = [f"p{framed[at : at + 3]}" for at in range(len(framed) - 2)]
        found.append(
            [
                *(f"w{word}", f"s{looks[n]}", f"-{before}", f"+{after}", f"--{small[n - 2]} {before}"),
                *(
                    f"l{min(len(word), 12)}",
                    f"n{size}",
                    f"n{size}s{looks[n]}",
                    f"s-{looks[n - 1]}",
                    f"s+{looks[n + 1]}",
                ),
                *(f"-{before}s{looks[n]}", f"e{word[-4:]}", f"e{word[-6:]}", f"++{small[n + 2]}"),
                *pieces,
            ]
        )
    return found


def _shape(word: str) -> str:
    """Letters as a, capitals as A, digits as 0; runs as one, long numbers apart from short ones."""
    digits = sum(character.isdigit() for character in word)
    shape = "".join("0" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in word[:40])
    return re.sub(r"(.)\1+", r"\1+", shape) + (str(min(digits, 9)) if digits else "")


def _is_ordinary(word: str) -> bool:
    """Links, topics and accounts, and words that talk about an address or number instead of being one."""
    return word.startswith(NO_NAME) or word.strip(".,!?;:()\"'") in listed("no_names")


def _grow(spans: list[Span], new: Span) -> None:
    if spans and spans[-1].kind == new.kind and new.start - spans[-1].end <= 1:
        spans[-1] = Span(spans[-1].start, new.end, new.kind)
    else:
        spans.append(new)
