"""Ingest: landed files become rows of the raw tables, each file once, with a ledger of what became of it."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from jobs import schemas
from jobs.config_formats import Limits
from jobs.config_sources import Source, SourceDataset
from jobs.errors import DataStopped
from jobs.ingest import pull
from jobs.ingest.columns import Seen, rename
from jobs.ingest.content import BrokenFile, Snapshot
from jobs.ingest.drift import Drift
from jobs.ingest.file_events import Events
from jobs.ingest.files import Entry, Ledger, NewFile, as_table, changing
from jobs.ingest.landing import LandedFile, Landing, Waiting
from jobs.ingest.places import Changed
from jobs.ingest.raw_rows import RawRows
from jobs.ingest.readers import read
from jobs.ingest.records import Chunk, Reject
from jobs.lake import Lake
from jobs.settings import Settings

log = logging.getLogger(__name__)

DONE = {"quarantine": "the file is set aside", "stop": "it and the files after it wait"}
"""What is done about changed columns that are not let in."""
IN_MEMORY = 256 << 20
"""Bytes of content above which a file is read twice (first to see that it is whole) instead of being held."""


def run(source: str, day: date, settings: Settings) -> dict[str, Any]:
    """Pull what `source` pulls, then load its files that arrived up to `day` and are not in the ledger yet.

    Raw rows and refused lines are committed first and the ledger last, all keyed by file and line: a run that was
    killed anywhere is repaired by the next one. Raises StepFailed if the source cannot be reached or read, and
    DataStopped, with all other files loaded, if the columns of a file changed in a way that `changes` stops for: that
    file and those of its dataset that came after it wait.
    """
    lake = Lake.of(settings)
    pulled = pull.run(source, day, settings, lake)
    landing = Landing(source, settings)
    ledger = Ledger(lake, source)
    events = Events(lake, source, day, ledger)
    entries: list[Entry] = []
    stops: list[str] = []
    for name, dataset in settings.sources[source].datasets.items():
        complete = landing.files(dataset.files, day, dataset.ready)
        files, unsettled = ledger.new_files(name, landing, complete)
        load = _Load(source, name, dataset, files, lake, ledger, settings.general.limits)
        if files:
            events.of_new_files(name, dataset, files)
            entries += _load(lake, day, landing, load)
            events.of_columns(name, load.changed)
            stops += load.stops
        events.of_waiting(name, [*landing.waiting(dataset.files, day, dataset.ready), *unsettled, *load.waiting])
    events.of_gone(landing.paths)
    noted = events.write()
    if entries:
        txn = lake.transaction(f"ingest_{source}", day, config=[entry.file_id for entry in entries])
        lake.append("ops/files", as_table(entries), txn)
    unclaimed = landing.unclaimed([(d.files, d.ready) for d in _datasets_in(settings.sources[source], settings)])
    if unclaimed:
        log.warning(
            "%s: %d files match no dataset of source %s and are not read, such as %s",
            landing.place,
            len(unclaimed),
            source,
            ", ".join(unclaimed[:3]),
        )
    if stops:
        raise DataStopped("; ".join(stops))
    states = Counter(entry.state for entry in entries)
    return {
        "pulled": pulled,
        "files": len(entries),
        "loaded": states["loaded"],
        "repeated": states["duplicate"],
        "set_aside": states["quarantined"],
        "unclaimed": len(unclaimed),
        "events": noted,
        "rows_in": sum(entry.rows_in for entry in entries),
    }


def _datasets_in(source: Source, settings: Settings) -> list[SourceDataset]:
    """The datasets of all sources that read the same folder."""
    here = source.folder or source.source
    sharing = [other for other in settings.sources.values() if (other.folder or other.source) == here]
    return [dataset for other in sharing for dataset in other.datasets.values()]


class ChangedColumns(Exception):
    """The columns of a file changed in a way that `changes` of its dataset does not let in."""

    def __init__(self, message: str, stops: bool):
        super().__init__(message)
        self.stops = stops


@dataclass(frozen=True)
class Reread:
    """A landed file that is read again. Take all `rows`: only then `entry` and `refused` are known."""

    rows: Iterator[pa.RecordBatch]
    _load: _Load

    @property
    def entry(self) -> Entry | None:
        """What the ledger would say of it; None if it was changed while it was being read."""
        return self._load.entries[0] if self._load.entries else None

    @property
    def refused(self) -> list[dict[str, Any]]:
        """Rows of quarantine/rows: lines that are no record, or the file as a whole."""
        return self._load.refused

    @property
    def stops(self) -> list[str]:
        """Why its columns stop the dataset."""
        return self._load.stops

    @property
    def columns(self) -> pa.Table | None:
        """New rows of ops/columns."""
        return self._load.drift.table() if self._load.drift.added else None


def reread(lake: Lake, landing: Landing, entry: Entry, settings: Settings) -> Reread | None:
    """The file of a ledger entry, with the present configuration; None if it is gone or holds something else now."""
    dataset = settings.sources[entry.source].datasets[entry.dataset]
    for file in landing.files(dataset.files, entry.arrived):
        if file.path == entry.path and _holds(landing, file, entry.sha256):
            new = NewFile(file, entry.file_id, entry.sha256, None)
            load = _Load(
                entry.source, entry.dataset, dataset, [new], lake, Ledger(lake, entry.source), settings.general.limits
            )
            return Reread(_raw_rows(landing, load), load)
    return None


def _holds(landing: Landing, file: LandedFile, sha256: str) -> bool:
    with contextlib.suppress(Changed):
        return landing.fingerprint(file) == sha256
    return False


@dataclass
class _Load:
    """The loading of the new files of one dataset: what goes in, and what has come out so far."""

    source: str
    name: str
    dataset: SourceDataset
    files: list[NewFile]
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


def _load(lake: Lake, day: date, landing: Landing, load: _Load) -> list[Entry]:
    """Commit raw rows and refused lines of the new files; return the ledger entries."""
    raw = f"raw/{load.source}_{load.name}"
    ids = [new.file_id for new in load.files]
    txn = lake.transaction(f"ingest_{load.source}_{load.name}", day, config=[ids, load.dataset])
    rows = _raw_rows(landing, load)
    lake.append(raw, rows, txn)
    for _ in rows:  # a retry finds its rows committed and reads none, but the ledger still needs their counts
        pass
    if load.refused:
        schema = schemas.get("quarantine/rows").arrow_schema()
        lake.append("quarantine/rows", pa.Table.from_pylist(load.refused, schema=schema), txn)
    if load.drift.added:
        lake.append("ops/columns", load.drift.table(), txn)
    for entry in load.entries:
        if entry.state == "quarantined":
            log.warning("%s: set aside as a whole: %s", entry.path, entry.reason)
    return load.entries


def _raw_rows(landing: Landing, load: _Load) -> Iterator[pa.RecordBatch]:
    """Rows of the raw table, file after file; `load` collects what became of each file on the way."""
    with duckdb.connect() as database:
        waiting = RawRows(database, load.source)
        for new in load.files:
            if new.same_as is not None:
                _note_twin(load, new)
                continue
            for chunk in _chunks(database, landing, load, new):
                yield from waiting.add(new, chunk)
            if load.stops:
                break
        yield from waiting.flush()


def _note_twin(load: _Load, new: NewFile) -> None:
    """A file with the content of an earlier one: it repeats its rows, or is as broken as that one."""
    earlier = [e for e in load.entries if e.sha256 == new.sha256] or load.ledger.loaded(load.name, new.sha256)
    if earlier and earlier[0].state == "quarantined":
        _set_aside(load, new, earlier[0].reason or "")
    elif earlier:
        load.note(new, "duplicate", earlier[0].rows_in, f"same content as {new.same_as}")


def _set_aside(load: _Load, new: NewFile, reason: str, rule: str = "file:broken") -> None:
    """The whole file counts as one row: how many it would have had cannot be known."""
    load.note(new, "quarantined", 1, reason)
    load.refuse(new, Reject(0, rule, reason, ""))


def _chunks(database: duckdb.DuckDBPyConnection, landing: Landing, load: _Load, new: NewFile) -> Iterator[Chunk]:
    """The records of a file that can be read to its end; nothing of a file that cannot."""
    try:
        if new.file.size > load.limits.file_mb << 20:
            raise BrokenFile(
                f"larger than {load.limits.file_mb:,} MB; send it in smaller files, or raise general.limits.file_mb"
            )
        with landing.open(new.file) as snapshot:
            if snapshot.sha256 != new.sha256:
                raise Changed
            rows, rejects = 0, []
            for chunk in _whole(database, snapshot, load, new):
                rows += len(chunk.lines)
                rejects += chunk.rejects
                yield chunk
    except Changed:
        load.waiting.append(changing(new.file))
        return
    except ChangedColumns as error:
        if error.stops:
            load.stops.append(f"{load.source}.{load.name} is stopped: {new.file.path}: {error}")
        else:
            _set_aside(load, new, str(error), "file:columns")
        return
    except BrokenFile as error:
        _set_aside(load, new, str(error))
        return
    for reject in rejects:
        load.refuse(new, reject)
    load.note(new, "loaded", rows + len(rejects))


def _whole(database: duckdb.DuckDBPyConnection, snapshot: Snapshot, load: _Load, new: NewFile) -> Iterator[Chunk]:
    """All chunks of a file, the first one only after the last one is known to be readable and its columns are."""
    form, seen = load.dataset.format, load.drift.seen(new)
    with snapshot.content(form, load.limits) as content:
        chunks = list(read(database, content, form, load.limits)) if len(content) <= IN_MEMORY else None
        for chunk in chunks or read(database, content, form, load.limits):
            seen.look(chunk)
        names = load.admit(new, seen)
        for chunk in chunks or read(database, content, form, load.limits):
            yield rename(chunk, names)
