"""What is in a landed file: its bytes as they landed, decompressed, and as UTF-8 text."""

from __future__ import annotations

import codecs
import mmap
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

CHUNK = 1 << 20
IN_MEMORY = 256 << 20
"""Bytes a file may have in memory; what is larger is kept in a temporary file and mapped."""
EXPANSION = 500
"""How many times larger than itself a compressed file may become once it is over IN_MEMORY."""


class BrokenFile(Exception):
    """A file cannot be trusted as a whole. The message says what is wrong and what to do, never a value of it."""


Content = bytes | mmap.mmap
"""What is in a file, decompressed; text is UTF-8."""


@dataclass(frozen=True)
class Snapshot:
    """The bytes of a file as they landed."""

    path: str
    sha256: str
    size: int
    data: Content

    @contextmanager
    def content(self, encoding: str | None) -> Iterator[Content]:
        """The content, decompressed, and if `encoding` is given, as UTF-8 without byte order mark.

        Raises BrokenFile if it cannot be decompressed to its end or is not text in that encoding.
        """
        compressed = self.path.lower().endswith((".gz", ".gzip"))
        chunks = _gunzip(self.data) if compressed else _slices(self.data)
        if encoding:
            chunks = _as_utf8(chunks, encoding)
        with tempfile.TemporaryFile() as copy:
            yield keep(chunks, copy)[0]


def keep(chunks: Iterator[bytes], copy: IO[bytes]) -> tuple[Content, int]:
    """All chunks and their size: as bytes, or, when they are many, as a map of `copy`."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        held.append(chunk)
        if size > IN_MEMORY:
            copy.writelines(held)
            held = []
    if size <= IN_MEMORY:
        return b"".join(held), size
    copy.flush()
    return mmap.mmap(copy.fileno(), 0, access=mmap.ACCESS_READ), size


def _slices(data: Content) -> Iterator[bytes]:
    for position in range(0, len(data), CHUNK):
        yield data[position : position + CHUNK]


def hashed(chunks: Iterator[bytes], digest: Any) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8. Raises BrokenFile at the first byte that `encoding` does not have, or a NUL."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    for chunk in chain(chunks, [None]):
        try:
            text = decoder.decode(chunk or b"", final=chunk is None)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise BrokenFile(
                f"line {line} is not {encoding} text; save the file as {encoding}, or correct the dataset's `encoding`"
            ) from None
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise BrokenFile(f"line {line} holds a NUL byte, so this is no text file, or a damaged one; send it again")
        line += text.count("\n")
        if text:
            yield text.removeprefix("\ufeff").encode()


def _gunzip(data: Content) -> Iterator[bytes]:
    """The members of a gzip file, decompressed. Raises BrokenFile if cut off, damaged or absurdly expanding."""
    expander = zlib.decompressobj(wbits=31)
    produced = position = 0
    while position < len(data) or expander.unconsumed_tail:
        try:
            chunk = expander.decompress(expander.unconsumed_tail or data[position : position + CHUNK], CHUNK * 8)
        except zlib.error as error:
            raise BrokenFile(
                f"not a readable gzip file (damaged near byte {position}: {error}); send the file again"
            ) from None
        if not expander.unconsumed_tail:
            position = min(position + CHUNK, len(data))
        produced += len(chunk)
        if produced > max(IN_MEMORY, EXPANSION * len(data)):
            raise BrokenFile(
                f"expands to more than {EXPANSION} times its size; if that is right, send it in smaller files"
            )
        if chunk:
            yield chunk
        if expander.eof:
            rest = expander.unused_data
            position -= len(rest)
            if not data[position : position + 1024].strip(b"\0"):
                return
            expander = zlib.decompressobj(wbits=31)
    if not expander.eof:
        raise BrokenFile("the gzip file is cut off before its end; send the file again")
