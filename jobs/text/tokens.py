"""Texts as tokens, in columns: whatever was typed (markup, emoji, other scripts, megabytes) becomes words and marks.

A token is a word, in small letters, or a run of marks such as `!!` or an emoji. What differs in every text but means
the same is one token: addresses, names of accounts, digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

LONGEST = 20_000
"""Characters of a text that are read; what follows is the same person going on, or no text of a person at all."""

BEGIN, END = "^", "$"
"""Tokens that stand for the begin and end of a text: a lone `yes` is another thing than one in a sentence."""

RULES = (
    (r"(?is)<(script|style)\b.*?</(script|style)\s*>", " "),
    (r"(?s)<!--.*?-->", " "),
    (r"</?[A-Za-z][^<>]{0,1000}>", " "),
    (r"&nbsp;|&#160;", " "),
    (r"&amp;", "&"),
    (r"&lt;|&gt;|&quot;|&#?[A-Za-z0-9]{1,10};", " "),
    (r"(?i)\b(https?://|www\.)\S+", " urlhere "),
    (r"\S+@\S+\.\S+", " mailhere "),
    (r"(^|[^\p{L}\p{N}_])@[\p{L}\p{N}_]+", "$1 userhere "),
    (r"[’`´]", "'"),
    (r"\p{N}", "0"),
    (r"(^|[^\p{L}\p{N}])'+|'+([^\p{L}\p{N}]|$)", "$1 $2"),
    (r"([^\p{L}\p{N}\p{M}_'\s]+)", " $1 "),
)
"""Regular expressions (RE2) and what takes their place, in order."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of some texts: of text i those from `starts[i]` up to `starts[i + 1]`, as places in `words`."""

    words: list[str]
    codes: np.ndarray
    starts: np.ndarray

    @property
    def texts(self) -> int:
        return len(self.starts) - 1

    def text_of(self) -> np.ndarray:
        """The number of the text that each token is in."""
        return np.repeat(np.arange(self.texts), np.diff(self.starts))

    def counts(self) -> sparse.csr_matrix:
        """How often each word is in each text: a row per text, a column per word."""
        ones = np.ones(len(self.codes), dtype=np.float64)
        found = sparse.csr_matrix((ones, self.codes, self.starts), shape=(self.texts, len(self.words)))
        found.sum_duplicates()
        return found


def column(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts as one column; a missing text is an empty one."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if not isinstance(texts, pa.Array):
        plain = [text.encode("utf-8", "replace").decode() if text else "" for text in texts]
        texts = pa.array(plain, pa.large_string())
    return pc.fill_null(texts.cast(pa.large_string()), "")


def plain(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts without markup, in small letters, with spaces between words and marks."""
    found = pc.utf8_normalize(pc.utf8_slice_codeunits(column(texts), 0, LONGEST), "NFKC")
    for pattern, replacement in RULES:
        found = pc.replace_substring_regex(found, pattern, replacement.replace("$", "\\"))
    return pc.utf8_trim_whitespace(pc.utf8_lower(found))


def tokens(texts: Iterable[str | None] | pa.Array | pa.ChunkedArray, framed: bool = False) -> Tokens:
    """The tokens of each text; none of an empty one. `framed` puts BEGIN and END around each, empty ones too."""
    typed = plain(texts)
    if framed:
        begin, end, blank = (pa.scalar(mark, pa.large_string()) for mark in (BEGIN, END, " "))
        typed = pc.binary_join_element_wise(begin, typed, end, blank)
    parts = pc.utf8_split_whitespace(typed)
    starts = parts.offsets.to_numpy().astype(np.int64)
    found = parts.values.slice(starts[0], starts[-1] - starts[0])
    starts = starts - starts[0]
    empty = pc.equal(found, "").to_numpy(zero_copy_only=False)
    if empty.any():
        kept = np.concatenate([[0], np.cumsum(~empty)])
        found, starts = found.filter(pa.array(~empty)), kept[starts]
    coded = found.dictionary_encode()
    return Tokens(coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64), starts)
