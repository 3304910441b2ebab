"""Compressed files: gzip, zstd and zip, expanded piece by piece and never further than the limits allow."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.content import CHUNK, MB, BrokenFile, Data

GZIP = (".gz", ".gzip")
ZSTD = (".zst", ".zstd")
HONEST = 256 << 20
"""Bytes that a compressed file may become whatever its own size: only beyond them its ratio says something."""
PIECE = 8 * CHUNK
"""The most that is expanded at a time."""
ZSTD_PIECE = 2048
"""Bytes given to zstd at a time: it expands all it is given, a block of four bytes to 128 KB."""


def capped(chunks: Iterator[bytes], size: int, limits: Limits) -> Iterator[bytes]:
    """The chunks of something that has `size` bytes compressed, as long as it expands like honest data."""
    expansion = Expansion(size, limits)
    for chunk in chunks:
        expansion.add(len(chunk))
        yield chunk


class Expansion:
    """How far something that has `size` bytes compressed has expanded."""

    def __init__(self, size: int, limits: Limits):
        self._size, self._limits, self._produced = size, limits, 0

    def add(self, produced: int) -> None:
        """Count so many bytes. Raises BrokenFile if they are more than honest data has, or than `limits` allow."""
        self._produced += produced
        if self._produced > max(HONEST, self._limits.expansion * self._size):
            raise BrokenFile(
                f"expands to more than {self._limits.expansion} times its size; if that is right, send it in smaller "
                "files or raise general.limits.expansion"
            )
        if self._produced > self._limits.expanded_mb * MB:
            raise BrokenFile(
                f"expands to more than {self._limits.expanded_mb:,} MB; send it in smaller files or raise "
                "general.limits.expanded_mb"
            )


def inflated(data: Data, start: int, end: int) -> Iterator[bytes]:
    """Raw deflate data, as a zip holds it. Raises BrokenFile if it is damaged or does not end where it should."""
    expander = zlib.decompressobj(wbits=-15)
    position = start
    while not expander.eof:
        piece = expander.unconsumed_tail
        if not piece:
            piece = data[position : min(position + CHUNK, end)]
            position += len(piece)
            if not piece:
                raise BrokenFile("a file in the archive is cut off before its end; send the archive again")
        try:
            chunk = expander.decompress(piece, PIECE)
        except zlib.error:
            raise BrokenFile(f"a file in the archive is damaged near byte {position}; send the archive again") from None
        if chunk:
            yield chunk


def gunzip(data: Data) -> Iterator[bytes]:
    """The members of a gzip file, one after the other. Zeros after the last one are padding."""
    expander = zlib.decompressobj(wbits=31)
    position = 0
    while position < len(data) or expander.unconsumed_tail:
        try:
            chunk = expander.decompress(expander.unconsumed_tail or data[position : position + CHUNK], PIECE)
        except zlib.error as error:
            raise BrokenFile(
                f"not a readable gzip file (damaged near byte {position}: {error}); send the file again"
            ) from None
        if not expander.unconsumed_tail:
            position = min(position + CHUNK, len(data))
        if chunk:
            yield chunk
        if expander.eof:
            position -= len(expander.unused_data)
            if _only_zeros(data, position):
                return
            expander = zlib.decompressobj(wbits=31)
    if not expander.eof:
        raise BrokenFile("the gzip file is cut off before its end; send the file again")


def unzstd(data: Data) -> Iterator[bytes]:
    """The frames of a zstd file, one after the other."""
    import zstandard

    position = 0
    while position < len(data):
        # a frame may ask for this much memory at most: 128 MB, what the zstd tool allows without being told more
        expander = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        while not expander.eof:
            piece = data[position : position + ZSTD_PIECE]
            if not piece:
                raise BrokenFile("the zstd file is cut off before its end; send the file again")
            try:
                chunk = expander.decompress(piece)
            except zstandard.ZstdError as error:
                raise BrokenFile(
                    f"not a readable zstd file (damaged near byte {position}: {error}); send the file again"
                ) from None
            position += len(piece)
            if chunk:
                yield chunk
        position -= len(expander.unused_data)


def _only_zeros(data: Data, position: int) -> bool:
    return not data[position : position + 1024].strip(b"\0")
