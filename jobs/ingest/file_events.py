"""What happened to landed files beside being loaded: replaced, late, gone and so on, as rows of ops/file_events."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.sources.source import SourceDataset
from jobs.ingest.landing.landing import Waiting
from jobs.ingest.ledger import Entry, Ledger, NewFile
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)


class Event(NamedTuple):
    """A row of ops/file_events."""

    day: date
    source: str
    dataset: str
    path: str
    sha256: str
    event: str
    detail: str


class Events:
    """The events of one source: those known, and those this run adds. Each is told once, whatever is run again."""

    def __init__(self, lake: Lake, source: str, day: date, ledger: Ledger):
        rows = lake.arrow("ops/file_events")
        self._known = [Event(**row) for row in rows.filter(pc.equal(rows["source"], source)).to_pylist()]
        self._lake, self._source, self._day, self._ledger = lake, source, day, ledger
        self._added: list[Event] = []

    def of_new_files(self, dataset: str, config: SourceDataset, files: Iterable[NewFile]) -> None:
        """Note which new files replace, repeat or come after others. Call this before they are in the ledger."""
        entries = [entry for entry in self._ledger.entries if entry.dataset == dataset]
        before = {entry.path: entry for entry in entries}
        newest = max((entry.arrived for entry in entries if entry.state == "loaded"), default=date.min)
        told = {(event.path, event.sha256, event.event) for event in self._known if event.dataset == dataset}
        for new in files:
            for name, detail in _events(new, before.get(new.file.path), newest, "{day}" in config.files):
                if (new.file.path, new.sha256, name) not in told:
                    self._add(dataset, new.file.path, new.sha256, name, detail)

    def of_waiting(self, dataset: str, waiting: Iterable[Waiting]) -> None:
        """Note files that are not complete, once a day: what waits for days is stuck."""
        for file in waiting:
            log.warning("%s: %s; it is read when it is complete", file.path, file.why)
            self._add(dataset, file.path, "", "unfinished", f"{file.why}; it is read when it is complete")

    def of_columns(self, dataset: str, changed: Iterable[tuple[NewFile, str]]) -> None:
        """Note files whose columns are not those of the files before, and what was done about it."""
        for new, detail in changed:
            self._add(dataset, new.file.path, new.sha256, "changed_columns", detail)

    def of_gone(self, paths: set[str]) -> None:
        """Note files that were loaded and are no longer among `paths`, and those that are there again."""
        gone = self._gone()
        newest = {(entry.dataset, entry.path): entry for entry in self._ledger.entries if entry.state == "loaded"}
        for (dataset, path), entry in newest.items():
            if path not in paths and (dataset, path) not in gone:
                detail = "the file is no longer there; its rows stay"
                self._add(dataset, path, entry.sha256, "withdrawn", detail)
            elif path in paths and (dataset, path) in gone:
                self._add(dataset, path, entry.sha256, "returned", "the file is there again")

    def write(self) -> int:
        """Commit what was noted; returns how many events are new."""
        known = {event[:6] for event in self._known}
        added = [event for event in self._added if event[:6] not in known]
        if added:
            schema = catalogue.get("ops/file_events").arrow_schema()
            config = [list(map(str, added))]
            txn = self._lake.transaction(f"file_events_{self._source}", self._day, config=config, code=__name__)
            self._lake.append("ops/file_events", pa.Table.from_pylist([e._asdict() for e in added], schema), txn)
        return len(added)

    def _gone(self) -> set[tuple[str, str]]:
        """Files whose newest event of the two is `withdrawn`: withdrawn and returned take turns."""
        balance: dict[tuple[str, str], int] = {}
        for event in self._known:
            step = {"withdrawn": 1, "returned": -1}.get(event.event, 0)
            balance[event.dataset, event.path] = balance.get((event.dataset, event.path), 0) + step
        return {file for file, count in balance.items() if count > 0}

    def _add(self, dataset: str, path: str, sha256: str, event: str, detail: str) -> None:
        self._added.append(Event(self._day, self._source, dataset, path, sha256, event, detail))


def _events(new: NewFile, before: Entry | None, newest: date, dated: bool) -> Iterator[tuple[str, str]]:
    if before is not None:
        yield (
            "replaced",
            f"other content than before ({before.sha256[:12]}); rows that are the same count as duplicates",
        )
    if new.same_as is not None and new.same_as != new.file.path:
        yield "repeated", f"same content as {new.same_as}; not loaded again"
    if dated and new.file.arrived < newest:
        yield "late", f"arrived for {new.file.arrived}, after files of {newest} were loaded"
