"""The file ledger: which landed files are new, and what became of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
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
    """A file that no ledger entry of its dataset knows. `same_as` is the path of the file that it only repeats."""

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


def file_id(source: str, dataset: str, path: str, sha256: str, again: int = 0) -> str:
    """Names a file as one dataset sees it: one file may feed several datasets.

    `again` is how often the place had this content before, with other content in between.
    """
    told = (source, dataset, path, sha256, *([str(again)] if again else ()))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def list_of(path: str) -> str:
    """The list that a file is a delivery of: its path without dates, numbers and random parts."""
    return re.sub(r"[0-9a-fA-F]{8}[0-9a-fA-F-]*|\d+", "#", path)


class Deliveries:
    """The files of one dataset that were loaded or repeat such a file, by the list that each is a delivery of.

    Those of a list have an order: by the day they arrived, their path, and when they were written.
    """

    def __init__(self, entries: Iterable[Entry]):
        self._of: dict[str, list[tuple[date, str, float, str, bool]]] = {}
        for entry in entries:
            if entry.state in ("loaded", "duplicate"):
                self.add(entry, entry.sha256, entry.state == "loaded")

    def add(self, file: LandedFile | Entry, sha256: str, loaded: bool) -> None:
        self._of.setdefault(list_of(file.path), []).append((*_order(file), sha256, loaded))

    def again(self, file: LandedFile, sha256: str) -> int:
        """How often a place had this content before the other that it had last; 0 if it had it last."""
        here = [one for one in self._of.get(list_of(file.path), []) if one[1] == file.path]
        return 0 if not here or max(here)[3] == sha256 else sum(one[3] == sha256 for one in here)

    def back(self, file: LandedFile | Entry, sha256: str) -> bool:
        """Whether a list had this content before, and other content since."""
        before = [one for one in self._of.get(list_of(file.path), []) if one[:3] < _order(file)]
        same = [one for one in before if one[3] == sha256]
        return bool(same) and any(one > max(same) and one[3] != sha256 and one[4] for one in before)

    def before(self, file: LandedFile, sha256: str) -> bool:
        """Whether a list had this content, and first on a day after the file's."""
        same = [one[0] for one in self._of.get(list_of(file.path), []) if one[3] == sha256]
        return bool(same) and min(same) > file.arrived


def _order(file: LandedFile | Entry) -> tuple[date, str, float]:
    return file.arrived, file.path, file.modified.timestamp() if file.modified else 0.0


class Ledger:
    """What is known of the files of one source."""

    def __init__(self, lake: Lake, source: str):
        rows = lake.arrow("ops/files")
        self.entries = [Entry(**row) for row in rows.filter(pc.equal(rows["source"], source)).to_pylist()]
        self._source = source

    def new_files(
        self, dataset: str, landing: Landing, files: Iterable[LandedFile], states: bool
    ) -> tuple[list[NewFile], list[Waiting]]:
        """Files whose path and content together are not in the ledger, in the order given; those being written wait.

        A file that its place calls by the same version as when it was read is not opened. One whose content was
        loaded before, or is earlier in this list, is named `same_as` that one; not so of `states`, which may come
        back: if other content came in between, it is loaded again, also if that lands later than what it is between.
        """
        entries = [entry for entry in self.entries if entry.dataset == dataset]
        known = {entry.file_id for entry in entries}
        held = {(entry.path, entry.sha256) for entry in entries}  # not told by file_id: erasing rewrites a file
        versions = {(entry.path, entry.size, entry.version) for entry in entries if entry.version is not None}
        loaded = {entry.sha256: entry.path for entry in entries if entry.state == "loaded"}
        deliveries = Deliveries(entries)
        new_files, waiting = [], []
        there = {}
        for file in files:
            there[file.path] = file
            if (file.path, file.size, file.found.version) in versions:
                continue
            try:
                sha256 = landing.fingerprint(file)
            except Changed:
                waiting.append(changing(file))
                continue
            again = deliveries.again(file, sha256) if states else 0
            name = file_id(self._source, dataset, file.path, sha256, again)
            if name in known or (not again and (file.path, sha256) in held):
                continue
            back = states and sha256 in loaded and (deliveries.back(file, sha256) or deliveries.before(file, sha256))
            new = NewFile(file, name, sha256, None if back else loaded.get(sha256))
            new_files.append(new)
            loaded.setdefault(sha256, file.path)
            deliveries.add(file, sha256, new.same_as is None)
        if states and new_files:
            new_files += self._back_now(dataset, entries, there, deliveries)
        return new_files, waiting

    def _back_now(
        self, dataset: str, entries: list[Entry], there: Mapping[str, LandedFile], deliveries: Deliveries
    ) -> Iterator[NewFile]:
        """Files that repeated the one before, and no more: other content for a day in between landed since."""
        known = {(entry.path, entry.sha256) for entry in entries if entry.state == "loaded"}
        for entry in entries:
            if entry.state != "duplicate" or (entry.path, entry.sha256) in known:
                continue
            file = there.get(entry.path)
            same = file is not None and (file.size, file.found.version) == (entry.size, entry.version)
            if file is not None and same and deliveries.back(entry, entry.sha256):
                name = file_id(self._source, dataset, entry.path, entry.sha256, again=1)
                yield NewFile(file, name, entry.sha256, None)

    def loaded(self, dataset: str, sha256: str) -> list[Entry]:
        """The loaded file with that content, if there is one."""
        return [e for e in self.entries if e.dataset == dataset and e.state == "loaded" and e.sha256 == sha256]


def changing(file: LandedFile) -> Waiting:
    """A file that changed between being listed and being read to its end."""
    return Waiting(file.path, "it changed while it was being read")


def as_table(entries: Iterable[Entry]) -> pa.Table:
    """Ledger entries as rows of ops/files."""
    return pa.Table.from_pylist([vars(entry) for entry in entries], schema=catalogue.get("ops/files").arrow_schema())
