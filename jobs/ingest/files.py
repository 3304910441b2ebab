"""The file ledger: which landed files are new, and what became of each."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from jobs import schemas
from jobs.ingest.landing import LandedFile, Landing
from jobs.lake import Lake

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NewFile:
    """A file that no ledger entry of its dataset knows. `same_as` is the path of a file with the same content."""

    file: LandedFile
    file_id: str
    sha256: str
    same_as: str | None


@dataclass(frozen=True)
class Entry:
    """What became of one file: a row of ops/files."""

    file_id: str
    source: str
    dataset: str
    path: str
    arrived: date
    size: int
    modified: datetime | None
    sha256: str
    state: str
    reason: str | None
    rows_in: int


def file_id(source: str, dataset: str, path: str, sha256: str) -> str:
    """Names a file as one dataset sees it: one file may feed several datasets."""
    return hashlib.sha256("\n".join((source, dataset, path, sha256)).encode()).hexdigest()[:32]


class Ledger:
    """What is known of the files of one source."""

    def __init__(self, lake: Lake, source: str):
        rows = lake.arrow("ops/files")
        self._entries = [Entry(**row) for row in rows.filter(pc.equal(rows["source"], source)).to_pylist()]
        self._source = source

    def new_files(self, dataset: str, landing: Landing, files: Iterable[LandedFile]) -> list[NewFile]:
        """Files whose path and content together are not in the ledger, in the order given.

        A file whose content was loaded before, or is earlier in this list, is named `same_as` that one.
        """
        known = {entry.file_id for entry in self._entries}
        loaded = {entry.sha256: entry.path for entry in self._entries if _holds(entry, dataset)}
        found = []
        for file in files:
            sha256, size = landing.fingerprint(file)
            if size != file.size:
                log.warning("%s is still being written; it is read in the next run", file.path)
                continue
            new = NewFile(file, file_id(self._source, dataset, file.path, sha256), sha256, loaded.get(sha256))
            if new.file_id not in known:
                found.append(new)
                loaded.setdefault(sha256, file.path)
        return found

    def loaded(self, dataset: str, sha256: str) -> list[Entry]:
        """The loaded file with that content, if there is one."""
        return [entry for entry in self._entries if _holds(entry, dataset) and entry.sha256 == sha256]


def _holds(entry: Entry, dataset: str) -> bool:
    return entry.dataset == dataset and entry.state == "loaded"


def as_table(entries: Iterable[Entry]) -> pa.Table:
    """Ledger entries as rows of ops/files."""
    return pa.Table.from_pylist([vars(entry) for entry in entries], schema=schemas.get("ops/files").arrow_schema())
