"""Files inside landed zip archives, listed and opened as if the archive were a folder."""

from __future__ import annotations

import hashlib
import io
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.archives import Member, members, packed
from jobs.ingest.formats.content import CHUNK, MB, BrokenFile, Data, keep
from jobs.ingest.landing.places import Changed, Found, Place, Stream

log = logging.getLogger(__name__)


class ArchiveFiles:
    """The members of the archives of a place. An archive is copied once, when it is listed."""

    def __init__(self, place: Place, limits: Limits):
        self._place, self._limits = place, limits
        self._inside: dict[str, tuple[Found, Member]] = {}
        self._copied: tuple[Found, Data] | None = None
        self.archives: set[str] = set()
        self.broken: set[str] = set()

    def list(self, archives: Iterable[Found]) -> Iterator[Found]:
        """The members of these archives. One that cannot be trusted has none and is noted in `broken`."""
        for archive in archives:
            self.archives.add(archive.path)
            try:
                yield from self._members(archive)
            except BrokenFile:
                self.broken.add(archive.path)
            except Changed:
                log.warning("%s changes while it is read; its files are read in the next run", archive.path)

    @contextmanager
    def open(self, file: Found) -> Iterator[Stream]:
        """A file of an archive, as it is packed, or any other file of the place."""
        if file.path not in self._inside:
            with self._place.open(file) as stream:
                yield stream
            return
        archive, member = self._inside[file.path]
        yield io.BytesIO(packed(self._copy(archive), member))

    def _members(self, archive: Found) -> Iterator[Found]:
        if archive.size > self._limits.file_mb * MB:
            raise BrokenFile("too large")
        found = members(self._copy(archive), self._limits)
        if not found:
            raise BrokenFile("empty")
        for member in found:
            path = f"{archive.path}/{member.name}"
            self._inside[path] = archive, member
            yield Found(path, member.packed, archive.modified, _version(archive, member))

    def _copy(self, archive: Found) -> Data:
        if self._copied is None or self._copied[0] != archive:
            with tempfile.TemporaryFile() as copy, self._place.open(archive) as stream:
                data = keep(iter(lambda: stream.read(CHUNK), b""), copy)[0]
            self._copied = archive, data
        return self._copied[1]


def _version(archive: Found, member: Member) -> str | None:
    """Names the content of a member, if the place names that of its archive."""
    if archive.version is None:
        return None
    return hashlib.sha256(f"{archive.version} {member.crc} {member.size}".encode()).hexdigest()[:32]
