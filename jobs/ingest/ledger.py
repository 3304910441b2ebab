"""The file ledger: which landed files are new, and what became of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from jobs.ingest.landing.landing import LandedFile, Landing, Waiting
from jobs.ingest.landing.places import Changed
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue


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
    version: str | None
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
        self.entries = [Entry(**row) for row in rows.filter(pc.equal(rows["source"], source)).to_pylist()]
        self._source = source

    def new_files(
        self, dataset: str, landing: Landing, files: Iterable[LandedFile]
    ) -> tuple[list[NewFile], list[Waiting]]:
        """Files whose path and content together are not in the ledger, in the order given; those being written wait.

        A file that its place calls by the same version as when it was read is not opened. One whose content was
        loaded before, or is earlier in this list, is named `same_as` that one.
        """
        entries = [entry for entry in self.entries if entry.dataset == dataset]
        known = {entry.file_id for entry in entries}
        versions = {(entry.path, entry.size, entry.version) for entry in entries if entry.version is not None}
        loaded = {entry.sha256: entry.path for entry in entries if entry.state == "loaded"}
        new_files, waiting = [], []
        for file in files:
            if (file.path, file.size, file.found.version) in versions:
                continue
            try:
                sha256 = landing.fingerprint(file)
            except Changed:
                waiting.append(changing(file))
                continue
            new = NewFile(file, file_id(self._source, dataset, file.path, sha256), sha256, loaded.get(sha256))
            if new.file_id not in known:
                new_files.append(new)
                loaded.setdefault(sha256, file.path)
        return new_files, waiting

    def loaded(self, dataset: str, sha256: str) -> list[Entry]:
        """The loaded file with that content, if there is one."""
        return [e for e in self.entries if e.dataset == dataset and e.state == "loaded" and e.sha256 == sha256]


def changing(file: LandedFile) -> Waiting:
    """A file that changed between being listed and being read to its end."""
    return Waiting(file.path, "it changed while it was being read")


def as_table(entries: Iterable[Entry]) -> pa.Table:
    """Ledger entries as rows of ops/files."""
    return pa.Table.from_pylist([vars(entry) for entry in entries], schema=catalogue.get("ops/files").arrow_schema())
