"""The landing area: which files are there, when they arrived, and what is in them, each read once.

This is the only module that opens landed files. It goes through `pyarrow.fs`, so a landing root may be a folder
or any URI that `pyarrow.fs` knows.
"""

from __future__ import annotations

import codecs
import hashlib
import logging
import mmap
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import IO, Any

from pyarrow import fs

from jobs.errors import StepFailed
from jobs.settings import Settings

log = logging.getLogger(__name__)

CHUNK = 1 << 20
IN_MEMORY = 256 << 20
"""Bytes a file may have in memory; what is larger is kept in a temporary file and mapped."""
EXPANSION = 500
"""How many times larger than itself a compressed file may become once it is over IN_MEMORY."""
UNFINISHED = re.compile(r"(^|/)([.~][^/]*|[^/]*\.(part|partial|tmp|temp|filepart|crdownload))$", re.IGNORECASE)


class BrokenFile(Exception):
    """A file cannot be trusted as a whole. The message says what is wrong and what to do, never a value of it."""


@dataclass(frozen=True)
class LandedFile:
    """One file: `path` is below the landing root, `place` is where the file system finds it."""

    path: str
    place: str
    arrived: date
    size: int
    modified: datetime | None = None


Content = bytes | mmap.mmap
"""What is in a file, decompressed; text is UTF-8."""


class Landing:
    """The landing folder of one source."""

    def __init__(self, source: str, settings: Settings):
        folder = settings.sources[source].folder or source
        root = settings.landing.rstrip("/")
        self._files, base = fs.FileSystem.from_uri(root) if "://" in root else (fs.LocalFileSystem(), root)
        self._root = base.rstrip("/")
        self.place = f"{root}/{folder}"
        if self._files.get_file_info(f"{self._root}/{folder}").type is not fs.FileType.Directory:
            raise StepFailed(
                f"source {source!r}: the landing folder {self.place} does not exist; create it and put the source's "
                f"files there, or correct `landing` in {settings.folder}/settings.yaml"
            )
        self._folder = f"{self._root}/{folder}"
        selector = fs.FileSelector(self._folder, recursive=True)
        self._found = [info for info in self._files.get_file_info(selector) if info.type is fs.FileType.File]

    def files(self, pattern: str, day: date) -> list[LandedFile]:
        """Files matching `pattern` that arrived up to `day`, oldest first.

        `{day}` in the pattern is the arrival day; without it a file arrived on the day it is first seen.
        """
        expression = glob_expression(pattern)
        matching = []
        for info in self._found:
            found = expression.fullmatch(info.path[len(self._folder) + 1 :])
            if not found or UNFINISHED.search(info.path):
                continue
            arrived = _arrival(found.groupdict().get("day"), day)
            if arrived is None:
                log.warning("%s: its arrival day is not a day of the calendar; the file is not read", info.path)
            elif arrived <= day:
                path = info.path[len(self._root) + 1 :]
                matching.append(LandedFile(path, info.path, arrived, info.size, info.mtime))
        return sorted(matching, key=lambda file: (file.arrived, file.path))

    def unclaimed(self, patterns: list[str]) -> list[str]:
        """Files that no pattern takes, whatever their day: probably a pattern or a folder name is wrong."""
        expressions = [glob_expression(pattern) for pattern in patterns]
        names = (info.path[len(self._folder) + 1 :] for info in self._found if not UNFINISHED.search(info.path))
        return sorted(name for name in names if not any(expression.fullmatch(name) for expression in expressions))

    @contextmanager
    def open(self, file: LandedFile) -> Iterator[Snapshot]:
        """A snapshot of the file: hashing and parsing see the same bytes even if the file changes meanwhile."""
        with tempfile.TemporaryFile() as copy:
            digest = hashlib.sha256()
            with self._files.open_input_stream(file.place, compression=None) as stream:
                data, size = _keep(_hashed(iter(lambda: stream.read(CHUNK), b""), digest), copy)
            yield Snapshot(file.path, digest.hexdigest(), size, data)

    def fingerprint(self, file: LandedFile) -> tuple[str, int]:
        """SHA-256 of the file as it is now, and its size."""
        digest, size = hashlib.sha256(), 0
        try:
            with self._files.open_input_stream(file.place, compression=None) as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
        except PermissionError:
            raise StepFailed(f"{file.place}: not allowed to read this file; give the user of this run access") from None
        return digest.hexdigest(), size


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
            yield _keep(chunks, copy)[0]


def glob_expression(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within a folder, `**` crosses folders, `{day}` is any ISO day."""
    pieces = {
        "{day}": r"(?P<day>\d{4}-\d{2}-\d{2})",
        "**/": "(?:.*/)?",
        "**": ".*",
        "*": "[^/]*",
        "?": "[^/]",
    }
    parts = re.split(r"(\{day\}|\*\*/|\*\*|\*|\?)", pattern)
    expression = "".join(pieces.get(part, re.escape(part)) for part in parts)
    first, *rest = expression.split(pieces["{day}"])
    return re.compile(pieces["{day}"].join([first, *rest[:1]]) + "".join(f"(?P=day){part}" for part in rest[1:]))


def _arrival(text: str | None, day: date) -> date | None:
    if text is None:
        return day
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _keep(chunks: Iterator[bytes], copy: IO[bytes]) -> tuple[Content, int]:
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


def _hashed(chunks: Iterator[bytes], digest: Any) -> Iterator[bytes]:
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
