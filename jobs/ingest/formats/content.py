"""What is in a landed file: its bytes as they landed, decompressed, and as UTF-8 text.

Bytes that are no text do not make a file unreadable: they are written as `\\xNN`, and the reader sets aside the
records that hold one.
"""

from __future__ import annotations

import codecs
import json
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, Any

from jobs.config.sources.formats import Format, Limits

CHUNK = 1 << 20
IN_MEMORY = 256 << 20
"""Bytes a file may have in memory; what is larger is kept in a temporary file and mapped."""
MB = 1 << 20
MAX_REFUSED = 100_000
"""Lines of one file that are set aside one by one; when there are more, something is wrong with all of it."""
MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
"""Encodings by which a file says itself in which order its bytes are."""
BAD = re.compile("[\udc00-\udcff\0]")
"""How `_as_surrogates` hands on a byte that is no text, and NUL."""


class BrokenFile(Exception):
    """A file cannot be trusted as a whole. The message says what is wrong and what to do, never a value of it."""


Data = bytes | mmap.mmap


@dataclass(frozen=True)
class Damage:
    """The first place of a line that is no text: `position` is its byte in the content."""

    position: int
    rule: str
    reason: str


@dataclass(frozen=True)
class Content:
    """What is in a file, decompressed; text is UTF-8 without byte order mark, with the lines that are damaged."""

    data: Data
    damage: list[Damage] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.data)


@dataclass(frozen=True)
class Snapshot:
    """The bytes of a file as they landed."""

    path: str
    sha256: str
    size: int
    data: Data


def keep(chunks: Iterator[bytes], copy: IO[bytes]) -> tuple[Data, int]:
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


def slices(data: Data) -> Iterator[bytes]:
    for position in range(0, len(data), CHUNK):
        yield data[position : position + CHUNK]


def hashed(chunks: Iterator[bytes], digest: Any) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def as_text(data: Data, form: Format, limits: Limits, copy: IO[bytes]) -> Content:
    encoding = _encoding(data, form.encoding)
    if _is_clean(data, encoding):
        content = Content(data)
    else:
        converted = _Converted(encoding)
        content = Content(keep(converted.chunks(data), copy)[0], converted.damage)
    return content if form.type == "json" else _without_giants(content, form, limits)


def _encoding(data: Data, configured: str) -> str:
    """A byte order mark of UTF-16 or UTF-32 cannot be anything else in UTF-8, and so is believed."""
    name = codecs.lookup(configured).name.removesuffix("-sig")
    if name == "utf-8":
        if data[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
            return "utf-32"
        if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    if name in MARKS and not bytes(data[:4]).startswith(MARKS[name]):
        raise BrokenFile(
            f"no byte order mark at its start, as {name} has; set the dataset's `encoding` to {name}-le (as Windows "
            f"writes it) or {name}-be, or send the file again"
        )
    return name


def _is_clean(data: Data, encoding: str) -> bool:
    """Whether the bytes are UTF-8 text already, with nothing to set aside. Looks at each byte once, without copying."""
    ascii_only = encoding.startswith(("ascii", "iso8859", "cp125", "koi8", "mac"))
    if encoding != "utf-8" and not ascii_only:
        return False
    if data[:3] == codecs.BOM_UTF8:
        return False
    rest = b""
    for chunk in slices(data):
        if b"\0" in chunk:
            return False
        if not rest and chunk.isascii():
            continue
        if ascii_only:
            return False
        try:
            used = codecs.utf_8_decode(rest + chunk, "strict", False)[1]
        except UnicodeDecodeError:
            return False
        rest = (rest + chunk)[used:]
    return not rest


class _Converted:
    """Text of any encoding on its way to UTF-8; notes the first bad place of each line."""

    def __init__(self, encoding: str):
        self._encoding = encoding
        self._size = 0  # of what has been written
        self._column = 0  # how much of it is after the last line break
        self._noted = False  # whether a place of this line is noted already
        self.damage: list[Damage] = []

    def chunks(self, data: Data) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._encoding)("klantreis.surrogates")
        first = True
        for chunk in chain(slices(data), [None]):
            text = decoder.decode(chunk or b"", final=chunk is None)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            if text:
                yield self._utf8(text)

    def _utf8(self, text: str) -> bytes:
        pieces = []
        end = 0
        for found in BAD.finditer(text):
            pieces.append(self._good(text[end : found.start()]))
            pieces.append(self._shown(found.group()))
            end = found.end()
        pieces.append(self._good(text[end:]))
        return b"".join(pieces)

    def _good(self, text: str) -> bytes:
        data = text.encode()
        after = len(data) - max(data.rfind(b"\n"), data.rfind(b"\r")) - 1
        if after < len(data):
            self._column, self._noted = after, False
        else:
            self._column += len(data)
        self._size += len(data)
        return data

    def _shown(self, bad: str) -> bytes:
        shown = f"\\x{ord(bad) & 0xFF:02x}".encode()
        if not self._noted:
            self._note(bad)
        self._size += len(shown)
        self._column += len(shown)
        return shown

    def _note(self, bad: str) -> None:
        if len(self.damage) == MAX_REFUSED:
            raise BrokenFile(
                f"more than {MAX_REFUSED:,} lines hold bytes that are not {self._encoding} text; "
                "correct the dataset's `encoding`, or save the file in that one and send it again"
            )
        where = f"at byte {self._column + 1:,} of the line" + (" (in UTF-8)" if self._encoding != "utf-8" else "")
        if bad == "\0":
            self.damage.append(
                Damage(self._size, "record:nul", f"a NUL byte {where}; remove it and send the line again")
            )
        else:
            what = f"not {self._encoding} text {where}"
            todo = f"save it as {self._encoding} and send it again, or correct the dataset's `encoding`"
            self.damage.append(Damage(self._size, "record:encoding", f"{what}; {todo}"))
        self._noted = True


def _as_surrogates(error: UnicodeError) -> tuple[str, int]:
    """Each byte that cannot be decoded as a lone surrogate, which no encoding decodes to: so it is found again."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("klantreis.surrogates", _as_surrogates)


def _without_giants(content: Content, form: Format, limits: Limits) -> Content:
    """A line longer than a record may be becomes a short damaged line, if it surely is a record of its own."""
    data, cap = content.data, limits.record_mb * MB
    giants: list[tuple[int, int]] = []
    position = 0
    while position + cap < len(data):
        end = data.rfind(b"\n", position, position + cap) + 1
        if not end:
            end = data.find(b"\n", position) + 1 or len(data)
            if end - position > cap and not (form.type == "jsonl" and _holds_several(data[position : position + cap])):
                giants.append((position, end))
        position = end
    if not giants:
        return content
    if form.type != "jsonl" and form.quote and not _apart(data, form.quote.encode(), giants):
        raise BrokenFile(
            f"a record is longer than {limits.record_mb} MB and its quotes may reach over several lines, or one of "
            "them is never closed; correct it and send the file again, or raise general.limits.record_mb"
        )
    return _cut(content, giants, limits)


def _holds_several(start: bytes) -> bool:
    """Whether the start of a line of JSON holds a whole record: then the line is long because it has many."""
    try:
        json.JSONDecoder().raw_decode(start.decode(errors="ignore").lstrip("[, \t\r"))
    except (ValueError, RecursionError):
        return False
    return True


def _apart(data: Data, quote: bytes, giants: list[tuple[int, int]]) -> bool:
    """Whether no quoted field reaches into or out of these lines: the quotes before and in each are pairs."""
    last = 0
    for start, end in giants:
        before = sum(piece.count(quote) for piece in slices(memoryview(data)[last:start].tobytes()))
        if before % 2 or data[start:end].count(quote) % 2:
            return False
        last = end
    return True


def _cut(content: Content, giants: list[tuple[int, int]], limits: Limits) -> Content:
    pieces, damage, last, size = [], [], 0, 0
    remaining = list(content.damage)
    for start, end in [*giants, (len(content.data), len(content.data))]:
        while remaining and remaining[0].position < start:
            found = remaining.pop(0)
            damage.append(Damage(found.position - last + size, found.rule, found.reason))
        pieces.append(content.data[last:start])
        size += start - last
        if start < end:
            while remaining and remaining[0].position < end:
                remaining.pop(0)
            shown = f"(a line of {end - start:,} bytes)".encode()
            reason = f"longer than {limits.record_mb} MB; send it shorter, or raise general.limits.record_mb"
            damage.append(Damage(size, "record:size", reason))
            pieces.append(shown + (b"\n" if content.data[end - 1 : end] == b"\n" else b""))
            size += len(pieces[-1])
        last = end
    return Content(b"".join(pieces), damage)
