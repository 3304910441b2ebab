"""A landed file without some of its lines, every other line under the number it had.

A line of text is emptied and its line break stays: raw rows, quarantine and the file go on naming the same lines.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Collection
from typing import Any

import duckdb

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats.archives import expanded, is_packed
from jobs.ingest.formats.compression import GZIP, ZSTD
from jobs.ingest.formats.content import MARKS, BrokenFile, Content, Snapshot, as_text, keep
from jobs.ingest.formats.csv_files import without_separator_line
from jobs.ingest.formats.csv_lines import FileLines
from jobs.ingest.formats.readers import read


class CannotRewrite(Exception):
    """A file of this kind cannot be written again without some of its records."""


def without_lines(
    database: duckdb.DuckDBPyConnection, snapshot: Snapshot, form: Format, limits: Limits, lines: Collection[int]
) -> bytes:
    """The bytes of the file, packed and encoded as it was, without the records on these lines.

    The result is read again: it must hold exactly the other records, on the lines they had. Raises CannotRewrite for a
    file of records without lines (JSON documents, Parquet, Avro), for one inside an archive, and if that check fails.
    """
    if not (form.delimited or form.type == "jsonl") or is_packed(snapshot.path, snapshot.data):
        raise CannotRewrite
    if snapshot.path.lower().endswith(".zip"):
        raise CannotRewrite
    with tempfile.TemporaryFile() as copy:
        chunks = expanded(snapshot.path, snapshot.data, limits)
        data = bytes(snapshot.data if chunks is None else keep(chunks, copy)[0])
    before = _lines(database, data, form, limits)
    wanted = set(lines) & before
    after = _emptied(data, form, limits, wanted, sorted(before))
    try:
        same = _lines(database, after, form, limits) == before - wanted
    except BrokenFile:  # a file that has no record left, or one of another kind now
        same = before == wanted
    if not same:
        raise CannotRewrite
    return _packed(snapshot.path, after)


def _lines(database: duckdb.DuckDBPyConnection, data: bytes, form: Format, limits: Limits) -> set[int]:
    """The lines on which records begin, those that cannot be read too."""
    found: set[int] = set()
    with tempfile.TemporaryFile() as text:
        content, form = _content(data, form, limits, text)
        for chunk in read(database, content, form, limits):
            found |= set(chunk.lines.to_pylist()) | {reject.line for reject in chunk.rejects}
    return found


def _content(data: bytes, form: Format, limits: Limits, text: Any) -> tuple[Content, Format]:
    content = as_text(data, form, limits, text)
    return content, without_separator_line(content, form)[0]


def _emptied(data: bytes, form: Format, limits: Limits, wanted: set[int], every: list[int]) -> bytes:
    wide = _wide(data, form)
    with tempfile.TemporaryFile() as text:
        content = bytes(as_text(data, form, limits, text).data) if wide else data
    file = FileLines(Content(content))
    following = dict(zip(every, [*every[1:], None], strict=True))
    pieces, position = [], 0
    for line in sorted(wanted):
        after = following[line]
        start, end = file.offset(line), len(content) if after is None else file.offset(after)
        pieces += [content[position:start], _breaks(content[start:end])]
        position = end
    emptied = b"".join([*pieces, content[position:]])
    return emptied.decode().encode(wide) if wide else emptied


def _wide(data: bytes, form: Format) -> str:
    """The encoding of a file in which a line break is more than one byte; empty for all others."""
    for name, marks in MARKS.items():
        if data[:4].startswith(marks):
            return name
    named = form.encoding.lower()
    return named if named.startswith(("utf-16", "utf-32", "utf16", "utf32")) else ""


def _breaks(record: bytes) -> bytes:
    """The line breaks of a record, also those inside its fields."""
    return bytes(sign for sign in record if sign in b"\r\n")


def _packed(path: str, data: bytes) -> bytes:
    name = path.lower()
    if name.endswith(GZIP):
        return gzip.compress(data, mtime=0)
    if name.endswith(ZSTD):
        import zstandard

        return zstandard.ZstdCompressor().compress(data)
    return data
