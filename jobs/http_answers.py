"""What a server on the network answers, piece by piece: a small answer never becomes a large one in memory.

Libraries unpack whatever arrived at once: 2 KB of gzip inside gzip, or 130 KB of zstd, take gigabytes before anybody
can count them. So only what was asked for is unpacked, and of that a piece at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

PACKED = {"Accept-Encoding": "gzip"}
"""The header of a request whose answer `pieces` reads."""
PIECE = 1 << 20
"""Bytes that are unpacked at a time."""


def pieces(response: httpx.Response) -> Iterator[bytes]:
    """The content of a streamed answer, unpacked, at most PIECE bytes at a time.

    Raises httpx.DecodingError if it is packed in a way that was not asked for, is damaged, or ends before its end.
    """
    packed = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packed == "identity":
        yield from response.iter_raw()  # as it comes: whoever counts the seconds sees each part of a slow answer
        return
    if packed not in ("gzip", "x-gzip"):
        raise httpx.DecodingError("packed in a way that was not asked for")
    expander = zlib.decompressobj(wbits=31)
    for raw in response.iter_raw():
        left = raw
        while left:
            if expander.eof:  # a gzip of several members is one content
                expander = zlib.decompressobj(wbits=31)
            try:
                yield expander.decompress(left, PIECE)
            except zlib.error:
                raise httpx.DecodingError("damaged while packed") from None
            left = expander.unused_data if expander.eof else expander.unconsumed_tail
    if not expander.eof:
        raise httpx.DecodingError("ends before its end")
