"""A linear model of texts and classes: learned here from labelled texts, kept as numbers, quick.

A support vector machine per class on the weights of `features`. How strictly it learns is chosen by cross-validation
on the texts it learns from; how sure it is of a class, by the margins it had on texts it had not learned.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC

from jobs.text.features import Vocabulary
from jobs.text.tokens import column

STRICTNESS = (0.25, 0.5, 1.0, 2.0)
"""Weights of an error against a simple model (C) that are tried."""

FOLDS = 3
CHOSEN_ON = 3_000
"""Texts, at most, on which the strictness is chosen."""

NEVER = -3.0
"""Margin of a class that was in none of the texts learned from."""

TEXTS_PER_CLASS = 5
"""A class with fewer labelled texts is not learned: nobody could say how good the model knows it."""


class TooFewTexts(ValueError):
    """There is nothing to learn from: fewer than two classes with enough labelled texts."""


@dataclass(frozen=True)
class Classifier:
    """What a model of texts is: everything in it is a number or a string."""

    classes: list[str]
    vocabulary: Vocabulary
    weights: np.ndarray
    """One column per class, one row per word, pair and piece."""

    intercepts: np.ndarray
    sharpness: float
    """By which margins are multiplied before they become probabilities."""

    facts: dict[str, float] = field(default_factory=dict)
    """How it was learned: texts, strictness, accuracy in the cross-validation that chose it."""

    def probabilities(self, texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> np.ndarray:
        """How likely each class is, a row per text. A text without a known word gets the share of each class."""
        every = column(texts)
        margins = self.vocabulary.matrix(every) @ self.weights + self.intercepts
        return _softmax(self.sharpness * margins)

    def predicted(self, texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
        """The likeliest class of each text, and how likely it is."""
        found = self.probabilities(texts)
        best = found.argmax(axis=1)
        return [self.classes[n] for n in best], found[np.arange(len(best)), best]

    def telling(self, name: str, how_many: int = 10) -> list[str]:
        """The words and pairs that speak most for a class."""
        column_ = self.weights[: len(self.vocabulary.words) + len(self.vocabulary.pairs), self.classes.index(name)]
        order = np.argsort(-column_, kind="stable")[:how_many]
        return [self.vocabulary.name(int(n)) for n in order if column_[n] > 0]

    def to_bytes(self) -> bytes:
        """As a file of arrays (npz), without code: numbers and UTF-8 only."""
        file, vocabulary = io.BytesIO(), self.vocabulary
        np.savez_compressed(
            file,
            classes=_packed(self.classes),
            words=_packed(vocabulary.words),
            pieces=_packed(vocabulary.pieces),
            pairs=vocabulary.pairs.astype("<i8"),
            idf=vocabulary.weights.astype("<f4"),
            weights=self.weights.astype("<f4"),
            intercepts=self.intercepts.astype("<f8"),
            sharpness=np.array([self.sharpness], dtype="<f8"),
            facts=_packed([f"{name}={value!r}" for name, value in sorted(self.facts.items())]),
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Classifier:
        """Read back. Raises ValueError for anything that is not such a file; never runs what is in it."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                found = {name: file[name] for name in file.files}
            words, pieces = _unpacked(found["words"]), _unpacked(found["pieces"])
            vocabulary = Vocabulary(words, found["pairs"], pieces, found["idf"])
            facts = dict(one.split("=", 1) for one in _unpacked(found["facts"]))
            model = cls(
                _unpacked(found["classes"]),
                vocabulary,
                found["weights"],
                found["intercepts"],
                float(found["sharpness"][0]),
                {name: float(value) for name, value in facts.items()},
            )
        except (OSError, KeyError, EOFError, IndexError, UnicodeDecodeError, zipfile.BadZipFile) as error:
            raise ValueError(f"this is no file of a text model ({type(error).__name__})") from error
        size = len(words) + len(vocabulary.pairs) + len(pieces)
        if model.weights.shape != (size, len(model.classes)) or len(vocabulary.weights) != size:
            raise ValueError("this file of a text model does not hold together: weights and words differ in number")
        return model


def learn(texts: Sequence[str | None], labels: Sequence[str], seed: int = 1, at_least: int = 1) -> Classifier:
    """A classifier of labelled texts, of words and pieces that are in `at_least` so many. Raises TooFewTexts."""
    every, truth = column(texts), np.asarray(labels, dtype=object).astype(str)
    names, counts = np.unique(truth, return_counts=True)
    classes = [str(name) for name, count in zip(names, counts, strict=True) if count >= TEXTS_PER_CLASS]
    if len(classes) < 2:
        told = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True)) or "no labelled text"
        raise TooFewTexts(f"two classes with at least {TEXTS_PER_CLASS} labelled texts each are needed; found {told}")
    known = np.isin(truth, classes)
    every, truth = every.filter(pa.array(known)), truth[known]
    vocabulary = Vocabulary.learned(every, at_least)
    matrix = vocabulary.matrix(every)
    strictness, accuracy, sharpness = _chosen(matrix, truth, classes, seed)
    weights, intercepts = _fitted(matrix, truth, classes, strictness, seed)
    facts = {"texts": float(len(truth)), "strictness": strictness, "cross_validated_accuracy": accuracy}
    return Classifier(classes, vocabulary, weights, intercepts, sharpness, facts)


def _chosen(matrix: sparse.csr_matrix, truth: np.ndarray, classes: list[str], seed: int) -> tuple[float, float, float]:
    """Strictness, its accuracy on texts left out, and the sharpness that makes its margins probabilities.

    The best is what is least surprised by texts left out: that moves less by chance than how many it gets right.
    """
    order = np.random.default_rng(seed).permutation(len(truth))[:CHOSEN_ON]
    seen, names = matrix[order], truth[order]
    answers = np.searchsorted(classes, names)
    folds = list(KFold(FOLDS).split(order))
    best = (np.inf, STRICTNESS[0], 0.0, 1.0)
    for strictness in STRICTNESS:
        margins = np.full((len(answers), len(classes)), NEVER)
        for learned, left_out in folds:
            known = [classes[n] for n in np.unique(answers[learned])]
            if len(known) > 1:
                weights, intercepts = _fitted(seen[learned], names[learned], known, strictness, seed)
                margins[np.ix_(left_out, np.searchsorted(classes, known))] = seen[left_out] @ weights + intercepts
        surprise, sharpness = _sharpness(margins, answers)
        if surprise < best[0]:
            best = surprise, strictness, float((margins.argmax(axis=1) == answers).mean()), sharpness
    return best[1:]


def _sharpness(margins: np.ndarray, answers: np.ndarray) -> tuple[float, float]:
    """The least surprise (log loss) that these margins can have, and the sharpness that gives it."""

    def surprise(sharpness: float) -> float:
        found = _softmax(sharpness * margins)[np.arange(len(answers)), answers]
        return float(-np.log(np.maximum(found, 1e-9)).mean())

    found = minimize_scalar(surprise, bounds=(0.05, 20), method="bounded")
    return float(found.fun), float(found.x)


def _fitted(
    matrix: sparse.csr_matrix, truth: np.ndarray, classes: list[str], strictness: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and intercepts, a column for each class; of two classes the first speaks against the second."""
    fitted = LinearSVC(C=strictness, random_state=seed).fit(matrix, truth)
    weights, intercepts = fitted.coef_.T, fitted.intercept_
    if len(classes) == 2:
        return np.hstack([-weights, weights]) / 2, np.concatenate([-intercepts, intercepts]) / 2
    return weights, intercepts


def _softmax(margins: np.ndarray) -> np.ndarray:
    raised = np.exp(margins - margins.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _packed(strings: Sequence[str]) -> np.ndarray:
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def _unpacked(packed: np.ndarray) -> list[str]:
    text = packed.tobytes().decode()
    return text.split("\n") if text else []
