"""The landing area: which files are there, when they arrived, and what is in them, each read once.

This is the only module that opens landed files. It goes through `pyarrow.fs`, so a landing root may be a folder
or any URI that `pyarrow.fs` knows.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from pyarrow import fs

from jobs.errors import StepFailed
from jobs.ingest.content import CHUNK, Snapshot, hashed, keep
from jobs.settings import Settings

log = logging.getLogger(__name__)

UNFINISHED = re.compile(r"(^|/)([.~][^/]*|[^/]*\.(part|partial|tmp|temp|filepart|crdownload))$", re.IGNORECASE)


@dataclass(frozen=True)
class LandedFile:
    """One file: `path` is below the landing root, `place` is where the file system finds it."""

    path: str
    place: str
    arrived: date
    size: int
    modified: datetime | None = None


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
                data, size = keep(hashed(iter(lambda: stream.read(CHUNK), b""), digest), copy)
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
