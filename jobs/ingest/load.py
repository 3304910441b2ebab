"""Ingest: landed files become rows of the raw tables, each file once, with a ledger of what became of it."""

from __future__ import annotations

import contextlib
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from jobs.config.settings import Settings
from jobs.config.sources.source import Source
from jobs.errors import DataStopped
from jobs.ingest.file_events import Events
from jobs.ingest.landing.landing import LandedFile, Landing
from jobs.ingest.landing.places import Changed
from jobs.ingest.ledger import Entry, Ledger, NewFile, as_table
from jobs.ingest.lookups import has_states, inputs
from jobs.ingest.new_files import NewFiles, raw_rows
from jobs.ingest.pull import pull
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

log = logging.getLogger(__name__)


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
    for name, dataset in inputs(settings.sources[source]).items():
        complete = landing.files(dataset.files, day, dataset.ready)
        new, unsettled = ledger.new_files(name, landing, complete, has_states(name, dataset))
        files = NewFiles(source, name, dataset, new, lake, ledger, settings.general.limits)
        if new:
            events.of_new_files(name, dataset, new)
            entries += _load(lake, day, landing, files)
            events.of_columns(name, files.changed)
            stops += files.stops
        events.of_waiting(name, [*landing.waiting(dataset.files, day, dataset.ready), *unsettled, *files.waiting])
    events.of_gone(landing.paths)
    noted = events.write()
    if entries:
        txn = lake.transaction(f"ingest_{source}", day, config=[entry.file_id for entry in entries], code=__name__)
        lake.append("ops/files", as_table(entries), txn)
    unclaimed = _unclaimed(landing, settings.sources[source], settings)
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


def _unclaimed(landing: Landing, source: Source, settings: Settings) -> list[str]:
    """Files of the folder that no dataset takes, which are told; of sources that share a folder the first tells it."""
    here = source.folder or source.source
    sharing = [other for other in settings.sources.values() if (other.folder or other.source) == here]
    if sharing[0].source != source.source:
        return []
    found = landing.unclaimed([(one.files, one.ready) for other in sharing for one in inputs(other).values()])
    if found:
        names = ", ".join(sorted(other.source for other in sharing))
        said = "%s: %d files match no dataset of %s and are not read, such as %s"
        log.warning(said, landing.place, len(found), names, ", ".join(found[:3]))
    return found


@dataclass(frozen=True)
class Reread:
    """A landed file that is read again. Take all `rows`: only then `entry` and `refused` are known."""

    rows: Iterator[pa.RecordBatch]
    _files: NewFiles

    @property
    def entry(self) -> Entry | None:
        """What the ledger would say of it; None if it was changed while it was being read."""
        return self._files.entries[0] if self._files.entries else None

    @property
    def refused(self) -> list[dict[str, Any]]:
        """Rows of quarantine/rows: lines that are no record, or the file as a whole."""
        return self._files.refused

    @property
    def stops(self) -> list[str]:
        """Why its columns stop the dataset."""
        return self._files.stops

    @property
    def columns(self) -> pa.Table | None:
        """New rows of ops/columns."""
        return self._files.drift.table() if self._files.drift.added else None


def reread(lake: Lake, landing: Landing, entry: Entry, settings: Settings) -> Reread | None:
    """The file of a ledger entry, with the present configuration; None if it is gone or holds something else now."""
    dataset = inputs(settings.sources[entry.source])[entry.dataset]
    for file in landing.files(dataset.files, entry.arrived):
        if file.path == entry.path and _holds(landing, file, entry.sha256):
            new = NewFile(file, entry.file_id, entry.sha256, None)
            files = NewFiles(
                entry.source, entry.dataset, dataset, [new], lake, Ledger(lake, entry.source), settings.general.limits
            )
            return Reread(raw_rows(landing, files), files)
    return None


def _holds(landing: Landing, file: LandedFile, sha256: str) -> bool:
    with contextlib.suppress(Changed):
        return landing.fingerprint(file) == sha256
    return False


def _load(lake: Lake, day: date, landing: Landing, files: NewFiles) -> list[Entry]:
    """Commit raw rows and refused lines of the new files; return the ledger entries."""
    raw = f"raw/{files.source}_{files.name}"
    ids = [new.file_id for new in files.new]
    txn = lake.transaction(f"ingest_{files.source}_{files.name}", day, config=[ids, files.dataset], code=__name__)
    rows = raw_rows(landing, files)
    lake.append(raw, rows, txn)
    for _ in rows:  # a retry finds its rows committed and reads none, but the ledger still needs their counts
        pass
    if files.refused:
        schema = catalogue.get("quarantine/rows").arrow_schema()
        lake.append("quarantine/rows", pa.Table.from_pylist(files.refused, schema=schema), txn)
    if files.drift.added:
        lake.append("ops/columns", files.drift.table(), txn)
    for entry in files.entries:
        if entry.state == "quarantined":
            kind = re.sub(r"'[^']*'|\d+", "", str(entry.reason))  # files with the same fault are told together
            log.warning("%s: set aside as a whole: %s", entry.path, entry.reason, extra={"rule": kind})
    return files.entries
