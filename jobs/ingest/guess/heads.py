"""The first part of a file, cut where a record ends, so that the readers of ingest take it as a whole file.

Nothing beyond it is read or decompressed: a file of many gigabytes costs what a small one does.
"""

from __future__ import annotations

import io
import json
import mmap
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.archives import content, members
from jobs.ingest.formats.compression import GZIP, ZSTD, gunzip, unzstd
from jobs.ingest.formats.content import BrokenFile, Data
from jobs.ingest.formats.csv_lines import dialect

HEAD = 1 << 20
"""Bytes of content that are looked at."""
ZIP = (".zip",)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
CLOSES = {"[": "]", "{": "}"}


class Unreadable(Exception):
    """Nobody can tell what is in a file. The message says in one line why and what to do."""


def head_of(path: Path, size: int = HEAD) -> tuple[bytes, bool]:
    """The first bytes of what is in a file, decompressed, and whether that is all of it.

    Raises Unreadable for what is no file, is empty or cannot be decompressed.
    """
    if not path.is_file():
        raise Unreadable("this is a folder; name the files in it" if path.is_dir() else "the file does not exist")
    if not path.stat().st_size:
        raise Unreadable("the file is empty; export it again, with its header")
    try:
        with path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as data:
            return _taken(_content(path.name.lower(), data), size)
    except BrokenFile as error:
        raise Unreadable(str(error)) from None
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror or type(error).__name__})") from None


def _content(name: str, data: Data) -> Iterator[bytes]:
    if name.endswith(GZIP):
        return gunzip(data)
    if name.endswith(ZSTD):
        return unzstd(data)
    if name.endswith(ZIP):
        inside = members(data, Limits())
        if len(inside) != 1:
            raise BrokenFile(f"the archive holds {len(inside):,} data files; unpack it and name them one by one")
        return content(data, inside[0], Limits())
    return iter((data[: 64 * HEAD],))


def _taken(chunks: Iterator[bytes], size: int) -> tuple[bytes, bool]:
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) > size:
            return held[:size], False
    return held, True


def whole_lines(text: str, quote: str = '"') -> str:
    """The text up to the end of its last line that is surely whole: no quoted field reaches beyond it."""
    end = len(text)
    while (end := text.rfind("\n", 0, end)) > 0:
        if not quote or text.count(quote, 0, end) % 2 == 0:
            return text[: end + 1]
    raise Unreadable(f"its first line is longer than {HEAD >> 20} MB, or a quote in it is never closed")


def whole_document(text: str) -> str:
    """The start of a JSON document as a document: up to the last item of a list that is whole, and then closed."""
    open_, last, kept = [], 0, ""
    for found in TOKEN.finditer(text):
        sign = found[0]
        if sign in CLOSES:
            open_.append(sign)
        elif sign in "]}":
            if not open_:
                break
            open_.pop()
            if open_ and open_[-1] == "[":
                last, kept = found.end(), "".join(open_)
        if not open_:
            return text
    if not last:
        raise Unreadable(f"its first record is longer than {HEAD >> 20} MB; nothing to guess from")
    return text[:last] + "".join(CLOSES[sign] for sign in reversed(kept))


def rows_of(text: str, delimiter: str, lines: int) -> list[list[str]]:
    """The first rows of a CSV text."""
    import csv

    from jobs.config.sources.formats import Format

    reader = csv.reader(io.StringIO(text, newline=""), **dialect(Format(delimiter=delimiter)))
    found = []
    try:
        for row in reader:
            found.append(row)
            if len(found) == lines:
                break
    except csv.Error:
        return found
    return found


def is_json(text: str) -> bool:
    """Whether the text begins as a JSON object or list does."""
    return re.match(r'\s*(\{\s*("|\})|\[\s*[\[{"\]\d-])', text) is not None


def first_value(text: str) -> int | None:
    """Where the first JSON value ends, if it is whole; None if not."""
    try:
        return json.JSONDecoder().raw_decode(text, len(text) - len(text.lstrip()))[1]
    except (ValueError, RecursionError):
        return None
