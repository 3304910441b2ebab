"""What a linear model sees of a text: words, pairs of words and pieces of words, each weighed by how telling it is.

Term frequency times inverse document frequency, sublinear and brought to length one for words (with pairs) and for
pieces each, as scikit-learn's TfidfVectorizer does for `word` 1-2 and `char_wb` 2-5. Pieces are cut once for every
different word of a batch and not once for every word of a text, which is what makes it fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
from scipy import sparse

from jobs.text.tokens import Tokens, column, tokens

PIECES = (2, 5)
"""Shortest and longest piece of a word in letters; a space stands for its begin and end."""

LONGEST_WORD = 60
"""Letters of a word that pieces are cut from: longer ones are keys, hashes and noise."""

BATCH = 20_000
"""Texts that are looked at together."""


@dataclass(frozen=True)
class Vocabulary:
    """Words, pairs and pieces that a model knows, with their weights. Sorted, so that equal texts give equal models."""

    words: list[str]
    pairs: np.ndarray
    """Pairs of words, as place of the first times the number of words plus place of the second; in order."""

    pieces: list[str]
    weights: np.ndarray
    """Inverse document frequency of words, pairs and pieces, in that order."""

    @classmethod
    def learned(cls, texts: Iterable[str | None] | pa.Array, at_least: int = 1) -> Vocabulary:
        """The vocabulary of `texts`: what is in at least so many of them."""
        found = tokens(texts, framed=True)
        counts = found.counts()
        in_texts = np.diff(counts.tocsc().indptr)
        order = np.array(sorted(range(len(found.words)), key=found.words.__getitem__), dtype=np.int64)
        order = order[in_texts[order] >= at_least] if len(order) else order
        words = [found.words[place] for place in order]
        codes = _places(found.words, words)[found.codes]
        keys, text = _pairs(codes, found, len(words))
        pairs, seen_in = np.unique(np.unique(np.stack([keys, text]), axis=1)[0], return_counts=True)
        pairs, seen_in = pairs[seen_in >= at_least], seen_in[seen_in >= at_least]
        cut = [_cut(word) for word in found.words]
        pieces = sorted(set(chain.from_iterable(cut)))
        of_text = (counts @ _cut_matrix(cut, {piece: n for n, piece in enumerate(pieces)})).tocsc()
        pieces_in = np.diff(of_text.indptr)
        kept = pieces_in >= at_least
        pieces = [piece for piece, keep in zip(pieces, kept, strict=True) if keep]
        frequency = np.concatenate([in_texts[order], seen_in, pieces_in[kept]])
        return cls(words, pairs, pieces, np.log((1 + found.texts) / (1 + frequency)) + 1)

    def name(self, place: int) -> str:
        """The word or pair in that place."""
        if place < len(self.words):
            return self.words[place]
        first, second = divmod(int(self.pairs[place - len(self.words)]), len(self.words))
        return f"{self.words[first]} {self.words[second]}"

    def matrix(self, texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> sparse.csr_matrix:
        """A row per text, a column per word, pair and piece."""
        every = column(texts)
        parts = [self._matrix(tokens(every.slice(at, BATCH), framed=True)) for at in range(0, len(every), BATCH)]
        return sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((0, len(self.weights)))

    def _matrix(self, found: Tokens) -> sparse.csr_matrix:
        codes = _places(found.words, self.words)[found.codes]
        keys, in_text = _pairs(codes, found, len(self.words))
        at = np.searchsorted(self.pairs, keys)
        known = at < len(self.pairs)
        known[known] = self.pairs[at[known]] == keys[known]
        rows = np.concatenate([found.text_of()[codes >= 0], in_text[known]])
        columns = np.concatenate([codes[codes >= 0], at[known] + len(self.words)])
        ones = np.ones(len(rows))
        whole = sparse.csr_matrix((ones, (rows, columns)), shape=(found.texts, len(self.words) + len(self.pairs)))
        places = {piece: n for n, piece in enumerate(self.pieces)}
        pieces = found.counts() @ _cut_matrix([_cut(word) for word in found.words], places)
        split = len(self.words) + len(self.pairs)
        parts = _weighed(whole, self.weights[:split]), _weighed(pieces, self.weights[split:])
        return sparse.hstack(parts, format="csr")


def _places(words: list[str], among: list[str]) -> np.ndarray:
    """The place of each word among the known ones, -1 for a word that is not known."""
    known = {word: n for n, word in enumerate(among)}
    return np.array([known.get(word, -1) for word in words], dtype=np.int64)


def _pairs(codes: np.ndarray, found: Tokens, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Each two known words that follow on each other in a text, as one number, with the text."""
    text = found.text_of()
    follow = (text[1:] == text[:-1]) & (codes[1:] >= 0) & (codes[:-1] >= 0) if len(codes) else np.zeros(0, bool)
    return codes[:-1][follow] * words + codes[1:][follow], text[1:][follow]


def _cut(word: str) -> list[str]:
    """The pieces of one word; a word shorter than a piece is one itself, once."""
    framed = f" {word[:LONGEST_WORD]} "
    shortest, longest = PIECES
    found = []
    for size in range(shortest, longest + 1):
        found += [framed[at : at + size] for at in range(max(1, len(framed) - size + 1))]
        if size >= len(framed):
            break
    return found


def _cut_matrix(cut: list[list[str]], places: dict[str, int]) -> sparse.csr_matrix:
    """How often each piece is in each word."""
    found = np.fromiter((places.get(piece, -1) for piece in chain.from_iterable(cut)), np.int64)
    rows = np.repeat(np.arange(len(cut)), np.fromiter(map(len, cut), np.int64, len(cut)))
    known = found >= 0
    shape = (len(cut), len(places))
    return sparse.csr_matrix((np.ones(int(known.sum())), (rows[known], found[known])), shape=shape)


def _weighed(counts: sparse.csr_matrix, weights: np.ndarray) -> sparse.csr_matrix:
    """Counts as weights, each row of length one; a row of nothing stays so."""
    found = counts.tocsr().astype(np.float32)
    found.sum_duplicates()
    found.data = (1 + np.log(found.data)) * weights.astype(np.float32)[found.indices]
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    length = np.sqrt(np.bincount(rows, weights=found.data.astype(np.float64) ** 2, minlength=found.shape[0]))
    found.data = (found.data / np.where(length > 0, length, 1)[rows]).astype(np.float32)
    return found
