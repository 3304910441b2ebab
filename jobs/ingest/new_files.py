"""Reading the new files of one dataset: the rows of those that can be trusted, and what became of each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from jobs.config.sources.formats import Limits
from jobs.config.sources.source import SourceDataset
from jobs.ingest.columns import Seen, rename
from jobs.ingest.drift import Drift
from jobs.ingest.formats.content import BrokenFile, Snapshot
from jobs.ingest.formats.csv_files import without_separator_line
from jobs.ingest.formats.readers import opened, read
from jobs.ingest.formats.records import Chunk, Reject
from jobs.ingest.landing.landing import Landing, Waiting
from jobs.ingest.landing.places import Changed
from jobs.ingest.ledger import Entry, Ledger, NewFile, changing
from jobs.ingest.raw_rows import RawRows
from jobs.lake.database import database_of
from jobs.lake.lake import Lake

log = logging.getLogger(__name__)

DONE = {"quarantine": "the file is set aside", "stop": "it and the files after it wait"}
"""What is done about changed columns that are not let in."""
IN_MEMORY = 256 << 20
"""Bytes of content above which a file is read twice (first to see that it is whole) instead of being held."""


class ChangedColumns(Exception):
    """The columns of a file changed in a way that `changes` of its dataset does not let in."""

    def __init__(self, message: str, stops: bool):
        super().__init__(message)
        self.stops = stops


@dataclass
class NewFiles:
    """The new files of one dataset as they are read: what goes in, and what has come out so far."""

    source: str
    name: str
    dataset: SourceDataset
    new: list[NewFile]
    lake: Lake
    ledger: Ledger
    limits: Limits
    entries: list[Entry] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    changed: list[tuple[NewFile, str]] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)

    @cached_property
    def drift(self) -> Drift:
        return Drift.of(self.lake, self.source, self.name, self.dataset, self.ledger.entries)

    def admit(self, new: NewFile, seen: Seen) -> dict[str, str]:
        """Let the file in with the columns it has; returns those that are to be read by another name.

        Raises ChangedColumns if their change is one for which the file is set aside or the dataset stopped.
        """
        judged = self.drift.judge(new, seen)
        if judged.policy in ("quarantine", "stop"):
            self.changed.append((new, f"{judged.detail}; {DONE[judged.policy]}"))
            raise ChangedColumns(judged.detail, stops=judged.policy == "stop")
        if judged.detail:
            self.changed.append((new, judged.detail))
        if judged.policy == "warn":
            log.warning("%s: %s", new.file.path, judged.detail)
        return judged.names

    def note(self, new: NewFile, state: str, rows_in: int, reason: str | None = None) -> None:
        self.entries.append(
            Entry(
                new.file_id,
                self.source,
                self.name,
                new.file.path,
                new.file.arrived,
                new.file.size,
                new.file.modified,
                new.file.found.version,
                new.sha256,
                state,
                reason,
                rows_in,
            )
        )

    def refuse(self, new: NewFile, reject: Reject) -> None:
        self.refused.append(
            {
                **asdict(reject),
                "source": self.source,
                "dataset": self.name,
                "file_id": new.file_id,
                "path": new.file.path,
                "arrived": new.file.arrived,
                "rules": [reject.rule],
            }
        )


def raw_rows(landing: Landing, files: NewFiles) -> Iterator[pa.RecordBatch]:
    """Rows of the raw table, file after file; `files` collects what became of each file on the way."""
    with database_of() as database:
        waiting = RawRows(database, files.source)
        for new in files.new:
            if new.same_as is not None:
                _note_twin(files, new)
                continue
            for chunk in _chunks(database, landing, files, new):
                yield from waiting.add(new, chunk)
            if files.stops:
                break
        yield from waiting.flush()


def _note_twin(files: NewFiles, new: NewFile) -> None:
    """A file with the content of an earlier one: it repeats its rows, or is as broken as that one."""
    earlier = [e for e in files.entries if e.sha256 == new.sha256] or files.ledger.loaded(files.name, new.sha256)
    if earlier and earlier[0].state == "quarantined":
        _set_aside(files, new, earlier[0].reason or "")
    elif earlier:
        files.note(new, "duplicate", earlier[0].rows_in, f"same content as {new.same_as}")


def _set_aside(files: NewFiles, new: NewFile, reason: str, rule: str = "file:broken") -> None:
    """The whole file counts as one row: how many it would have had cannot be known."""
    files.note(new, "quarantined", 1, reason)
    files.refuse(new, Reject(0, rule, reason, ""))


def _chunks(database: duckdb.DuckDBPyConnection, landing: Landing, files: NewFiles, new: NewFile) -> Iterator[Chunk]:
    """The records of a file that can be read to its end; nothing of a file that cannot."""
    try:
        if new.file.size > files.limits.file_mb << 20:
            raise BrokenFile(
                f"larger than {files.limits.file_mb:,} MB; send it in smaller files, or raise general.limits.file_mb"
            )
        with landing.open(new.file) as snapshot:
            if snapshot.sha256 != new.sha256:
                raise Changed
            rows, rejects = 0, []
            for chunk in _whole(database, snapshot, files, new):
                rows += len(chunk.lines)
                rejects += chunk.rejects
                yield chunk
    except Changed:
        files.waiting.append(changing(new.file))
        return
    except ChangedColumns as error:
        if error.stops:
            files.stops.append(f"{files.source}.{files.name} is stopped: {new.file.path}: {error}")
        else:
            _set_aside(files, new, str(error), "file:columns")
        return
    except BrokenFile as error:
        _set_aside(files, new, str(error))
        return
    for reject in rejects:
        files.refuse(new, reject)
    files.note(new, "loaded", rows + len(rejects))


def _whole(database: duckdb.DuckDBPyConnection, snapshot: Snapshot, files: NewFiles, new: NewFile) -> Iterator[Chunk]:
    """All chunks of a file, the first one only after the last one is known to be readable and its columns are."""
    form, seen = files.dataset.format, files.drift.seen(new, files.limits.columns)
    with opened(snapshot, form, files.limits) as content:
        form, told = without_separator_line(content, form)
        if told:
            log.warning("%s: %s", new.file.path, told)
        chunks = list(read(database, content, form, files.limits)) if len(content) <= IN_MEMORY else None
        for chunk in chunks or read(database, content, form, files.limits):
            seen.look(chunk)
        names = files.admit(new, seen)
        for chunk in chunks or read(database, content, form, files.limits):
            yield rename(chunk, names)
