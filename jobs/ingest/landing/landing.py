"""The landing area of a source: which files are there, when they arrived, and which are complete."""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jobs.config.settings import Settings
from jobs.config.sources.places import Ready
from jobs.errors import StepFailed
from jobs.ingest.formats.archives import archive_pattern
from jobs.ingest.formats.content import CHUNK, Snapshot, hashed, keep
from jobs.ingest.landing.archive_files import ArchiveFiles
from jobs.ingest.landing.patterns import glob_expression, nfc
from jobs.ingest.landing.places import Found, Place, place_of

log = logging.getLogger(__name__)

UNFINISHED = re.compile(r"(^|/)([.~][^/]*|[^/]*\.(part|partial|tmp|temp|filepart|crdownload))$", re.IGNORECASE)


@dataclass(frozen=True)
class LandedFile:
    """One file: `path` is below the landing root, or a whole address; `found` is what its place tells of it."""

    path: str
    found: Found
    arrived: date

    @property
    def size(self) -> int:
        return self.found.size

    @property
    def modified(self) -> datetime:
        return self.found.modified


@dataclass(frozen=True)
class Waiting:
    """A file that is not complete yet, and why."""

    path: str
    why: str


class Landing:
    """The landing folder of one source, as it was when this was made."""

    def __init__(self, source: str, settings: Settings):
        self._place, self._prefix = landing_place(source, settings)
        self.place = self._place.uri
        self._now = datetime.now(UTC)
        try:
            pulled = any(dataset.pulled for dataset in settings.sources[source].datasets.values())
            by_itself = pulled or source == settings.feedback.source  # nobody has to make its folder
            self._found = {found.path: found for found in self._place.listing(may_be_empty=by_itself)}
            self._archives = ArchiveFiles(self._place, settings.general.limits)
            self._found |= {found.path: found for found in self._archives.list(self._reached(source, settings))}
        except StepFailed as error:
            raise StepFailed(f"source {source!r}: {error}") from None

    @property
    def paths(self) -> set[str]:
        """Paths of all files there are, as the ledger writes them."""
        return {self._prefix + path for path in self._found}

    def files(self, pattern: str, day: date, ready: Ready | None = None) -> list[LandedFile]:
        """Complete files matching `pattern` that arrived up to `day`, oldest first.

        `{day}` in the pattern is the arrival day; without it a file arrived on the day it is first seen.
        """
        arrivals = self._arrivals(pattern, day, ready or Ready())
        return sorted((file for file, why in arrivals if why is None), key=lambda file: (file.arrived, file.path))

    def waiting(self, pattern: str, day: date, ready: Ready | None = None) -> list[Waiting]:
        """Files like those of `files` that are not complete yet."""
        return [Waiting(file.path, why) for file, why in self._arrivals(pattern, day, ready or Ready()) if why]

    def unclaimed(self, datasets: list[tuple[str, Ready]]) -> list[str]:
        """Files that no dataset's pattern takes, whatever their day: probably a pattern or a folder name is wrong."""
        expressions = [glob_expression(pattern) for pattern, _ in datasets]
        expressions += [marker_expression(ready) for _, ready in datasets if ready.marker]
        names = (path for path in self._found if not UNFINISHED.search(path) and path not in self._archives.archives)
        return sorted(name for name in names if not any(expression.fullmatch(nfc(name)) for expression in expressions))

    @contextmanager
    def open(self, file: LandedFile) -> Iterator[Snapshot]:
        """A snapshot of the file: hashing and parsing see the same bytes even if the file changes meanwhile.

        Raises Changed if it is no longer the file that was listed.
        """
        with tempfile.TemporaryFile() as copy:
            digest = hashlib.sha256()
            with self._archives.open(file.found) as stream:
                data, size = keep(hashed(iter(lambda: stream.read(CHUNK), b""), digest), copy)
            yield Snapshot(file.path, digest.hexdigest(), size, data)

    def fingerprint(self, file: LandedFile) -> str:
        """SHA-256 of the file. Raises Changed if it is no longer the file that was listed."""
        digest = hashlib.sha256()
        with self._archives.open(file.found) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def _reached(self, source: str, settings: Settings) -> list[Found]:
        """Archives that a dataset's pattern reaches into."""
        datasets = settings.sources[source].datasets.values()
        files = [pattern for dataset in datasets for pattern in dataset.patterns]
        patterns = [inner[0] for pattern in files if (inner := archive_pattern(pattern))]
        expressions = [glob_expression(pattern) for pattern in patterns]
        return [
            found
            for path, found in self._found.items()
            if not UNFINISHED.search(path) and any(expression.fullmatch(nfc(path)) for expression in expressions)
        ]

    def _arrivals(self, pattern: str, day: date, ready: Ready) -> Iterator[tuple[LandedFile, str | None]]:
        """Each file of the pattern up to `day`, with why it is not complete yet."""
        expression, inside = glob_expression(pattern), archive_pattern(pattern)
        archive = glob_expression(inside[0]) if inside else None
        markers = marker_expression(ready)
        for path, info in self._found.items():
            upload = UNFINISHED.search(path)
            name = nfc(_final_name(path) if upload else path)
            found = expression.fullmatch(name)
            if archive and path in self._archives.broken:  # read as a whole, it says why it is set aside
                found = archive.fullmatch(name)
            if not found or (ready.marker and markers.fullmatch(path)):
                continue
            arrived = _arrival(found.groupdict().get("day"), day)
            if arrived is None:
                log.warning("%s: its arrival day is not a day of the calendar; the file is not read", path)
            elif arrived <= day:
                why = "its name says that it is still being uploaded" if upload else self._incomplete(info, ready)
                yield LandedFile(self._prefix + path, info, arrived), why

    def _incomplete(self, info: Found, ready: Ready) -> str | None:
        if ready.marker and _marker(info.path, ready) not in self._found:
            return f"its marker {_marker(info.path, ready)} is not there"
        if ready.quiet_seconds and self._now - info.modified < timedelta(seconds=ready.quiet_seconds):
            return f"it changed less than {ready.quiet_seconds} seconds ago"
        return None


def landing_place(source: str, settings: Settings) -> tuple[Place, str]:
    """The place of a source's files, and what comes before a file's path there in the ledger."""
    config = settings.sources[source]
    folder = config.folder or source
    hint = "create it and put the source's files there, or correct "
    if "://" in folder:
        hint += f"`folder` in {settings.folder}/sources/{source}.yaml"
        return place_of(folder.rstrip("/"), config.connection, hint), folder.rstrip("/") + "/"
    hint += f"`landing` in {settings.folder}/settings.yaml"
    return place_of(f"{settings.landing.rstrip('/')}/{folder}", "", hint), folder + "/"


def _arrival(text: str | None, day: date) -> date | None:
    if text is None:
        return day
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _final_name(path: str) -> str:
    """The name of an upload once it is complete: without the dot before it and the ending such as .part."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + re.sub(r"\.(part|partial|tmp|temp|filepart|crdownload)$", "", name.lstrip(".~"), flags=re.I)


def _marker(path: str, ready: Ready) -> str:
    """Where the marker of a file is; that of a file in an archive is beside the archive."""
    inside = archive_pattern(path)
    path = inside[0] if inside else path
    return ready.marker.replace("{file}", path).replace("{folder}", path.rpartition("/")[0]).lstrip("/")


def marker_expression(ready: Ready) -> re.Pattern[str]:
    """What every marker looks like, that of a file that is still to come too."""
    expression = re.escape(ready.marker).replace(r"\{file\}", ".+").replace(r"\{folder\}/", "(?:.*/)?")
    return re.compile(expression.replace(r"\{folder\}", ".*"))
