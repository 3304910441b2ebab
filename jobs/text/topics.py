"""What texts are about: themes that words keep coming together in (non-negative matrix factorisation on TF-IDF).

Learn them from masked texts: the words of a theme name it, and nobody's name may.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import sparse
from sklearn.decomposition import NMF

from jobs.text.listed import listed
from jobs.text.tokens import column, tokens

WORDS = 5_000
"""Words, at most, that themes are made of: the most frequent ones."""

AT_MOST = 0.6
"""Share of texts from which on a word is in too many to tell anything."""

TEXTS_PER_TOPIC = 20
"""Texts there must be for each theme."""

CLEAR = 0.3
"""Share of the leading theme in all themes of a text below which it is about nothing in particular."""

ORDINARY = listed("ordinary")
"""Words that are in texts about anything."""


class TooFewTexts(ValueError):
    """There are not enough texts to find themes in."""


@dataclass(frozen=True)
class Topics:
    """Themes as numbers: how much each word belongs to each."""

    names: list[str]
    """Of each theme its three strongest words, the strongest first."""

    words: list[str]
    idf: np.ndarray
    strength: np.ndarray
    """A row per theme, a column per word."""

    def shares(self, texts: Iterable[str | None] | pa.Array) -> np.ndarray:
        """Share of each theme in each text, a row per text; only zeros for a text with no word of any."""
        matrix = _matrix(texts, self.words, self.idf)
        model = NMF(len(self.names), init="custom", tol=1e-4, max_iter=200)
        model.components_, model.n_components_, model.n_features_in_ = self.strength, len(self.names), len(self.words)
        told = np.diff(matrix.indptr) > 0
        found = np.zeros((matrix.shape[0], len(self.names)))
        if told.any():
            found[told] = model.transform(matrix[told])
        total = found.sum(axis=1, keepdims=True)
        return found / np.where(total > 0, total, 1)

    def of(self, texts: Iterable[str | None] | pa.Array) -> list[str | None]:
        """The theme that leads in each text; None where none does."""
        shares = self.shares(texts)
        best = shares.argmax(axis=1)
        return [self.names[n] if row[n] >= CLEAR else None for n, row in zip(best, shares, strict=True)]

    def to_bytes(self) -> bytes:
        """As a file of arrays (npz), without code."""
        file = io.BytesIO()
        packed = (np.frombuffer("\n".join(part).encode(), dtype=np.uint8) for part in (self.names, self.words))
        names, words = packed
        np.savez_compressed(file, names=names, words=words, idf=self.idf, strength=self.strength)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Topics:
        """Read back. Raises ValueError for anything that is not such a file; never runs what is in it."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                names, words = (file[part].tobytes().decode().split("\n") for part in ("names", "words"))
                found = cls(names, words, file["idf"], file["strength"])
        except (OSError, KeyError, EOFError, UnicodeDecodeError, zipfile.BadZipFile) as error:
            raise ValueError(f"this is no file of themes ({type(error).__name__})") from error
        if found.strength.shape != (len(names), len(words)) or found.idf.shape != (len(words),):
            raise ValueError("this file of themes does not hold together: strengths and words differ in number")
        return found


def learn(texts: Iterable[str | None] | pa.Array, how_many: int, seed: int = 1) -> Topics:
    """So many themes of these texts. Raises TooFewTexts."""
    every = column(texts)
    found = tokens(every)
    counts = found.counts()
    in_texts = np.diff(counts.tocsc().indptr)
    says = [word.isalpha() and len(word) > 1 and word not in ORDINARY for word in found.words]
    usual = (in_texts >= 3) & (in_texts <= max(3, AT_MOST * len(every))) & np.array(says, dtype=bool)
    order = sorted(np.flatnonzero(usual), key=lambda n: (-in_texts[n], found.words[n]))[:WORDS]
    told = int((np.diff(counts[:, order].indptr) > 0).sum()) if order else 0
    if told < TEXTS_PER_TOPIC * how_many or len(order) < how_many:
        wanted = TEXTS_PER_TOPIC * how_many
        raise TooFewTexts(f"{how_many} themes need {wanted} texts with words that come back; there are {told}")
    words = [found.words[n] for n in order]
    idf = np.log((1 + len(every)) / (1 + in_texts[order])) + 1
    matrix = _matrix(every, words, idf)
    model = NMF(how_many, init="nndsvda", random_state=seed, tol=1e-4, max_iter=300).fit(matrix)
    return Topics(_named(model.components_, words), words, idf, model.components_)


def _named(strength: np.ndarray, words: list[str]) -> list[str]:
    """A name per theme, each another."""
    found: list[str] = []
    for row in strength:
        order = np.argsort(-row, kind="stable")
        size = 3
        while (name := ", ".join(words[n] for n in order[:size])) in found:
            size += 1
        found.append(name)
    return found


def _matrix(texts: Iterable[str | None] | pa.Array, words: list[str], idf: np.ndarray) -> sparse.csr_matrix:
    found = tokens(texts)
    place = {word: n for n, word in enumerate(words)}
    pairs = [(n, place[word]) for n, word in enumerate(found.words) if word in place]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    known = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(found.words), len(words)))
    matrix = (found.counts() @ known).tocsr() if found.words else sparse.csr_matrix((found.texts, len(words)))
    matrix.data = (1 + np.log(matrix.data)) * idf[matrix.indices]
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.diags(1 / np.where(length > 0, length, 1)) @ matrix
