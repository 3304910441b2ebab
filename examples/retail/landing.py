"""Write the files of a feed below the landing folder, and keep account of what each holds."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from examples.retail.faults import FILE_FAULTS, OVERLAP, FileFault, Rows
from examples.retail.feeds import WHOLE_LINE, Columns, Feed, header_line, write_rows

CHUNK_ROWS = 200_000
EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Landed:
    """One file: `state` is what must become of it; `rows` and `bad` count its rows if it can be read."""

    path: str
    source: str
    dataset: str
    arrived: str
    state: str
    rows: int
    bad: int


@dataclass(frozen=True)
class Planted:
    """One planted fault: `line` 0 is the whole file."""

    path: str
    line: int
    kind: str
    expected: str


@dataclass
class Account:
    """What was written: the truth about files and faults."""

    files: list[Landed] = field(default_factory=list)
    faults: list[Planted] = field(default_factory=list)
    contents: set[bytes] = field(default_factory=set)


@dataclass(frozen=True)
class _File:
    """One planned file: the rows `start` to `stop` of the delivery."""

    day: int
    late: int
    start: int
    stop: int


def land(feed: Feed, rows: Rows, root: Path, account: Account) -> None:
    """Write every file of the feed below `root`, planted file faults included."""
    files = _files(rows)
    planned = _plan(feed, files)
    renamed = {day + 1 for day, fault in planned.items() if fault.kind == "again"}
    writer = _Writer(feed, rows, root, account)
    for chunk in _chunks(files):
        base, stop = chunk[0].start, chunk[-1].stop
        columns, broken = _columns(feed, rows, base, stop)
        data, offsets = write_rows(columns, feed.layout, broken)
        for file in chunk:
            body = header_line(columns, feed.layout) + data[offsets[file.start - base] : offsets[file.stop - base]]
            fault = planned.get(file.day) if not file.late else None
            name = _name(feed.file, f"late_{_date(file.late)}" if file.late else "2" if file.day in renamed else "")
            if fault:
                part = {key: values[file.start - base : file.stop - base] for key, values in columns.items()}
                writer.write_faulty(file, name, body, fault, part)
            else:
                writer.write(file, file.day, name, body)


@dataclass
class _Writer:
    feed: Feed
    rows: Rows
    root: Path
    account: Account

    def write(self, file: _File, day: int, name: str, body: bytes, kind: str = "", level: int = 4) -> None:
        """A file that can be read. `kind` marks a file that repeats another."""
        content = _encoded(self.feed, body)
        content = gzip.compress(content, level, mtime=0) if name.endswith(".gz") else content
        path, seen = self._put(day, name, content), self._seen(content)
        fault = self.rows.fault[file.start : file.stop]
        # A small file may hold nothing but the overlap with the day before, and so be a copy of it by chance.
        kind = "copy" if seen and not kind else kind
        state = "duplicate" if seen else "loaded"
        self._record(path, day, state, len(fault), int((fault > 0).sum()))
        if kind:
            self.account.faults.append(Planted(path, 0, kind, "duplicate"))
        if state == "loaded":
            self._record_rows(path, fault)

    def write_faulty(self, file: _File, name: str, body: bytes, fault: FileFault, columns: Columns) -> None:
        """A file with a fault of its own, and what follows from it."""
        if fault.kind == "copy":
            self.write(file, file.day, name, body)
            self.write(file, file.day, _name(name, "copy"), body, "copy")
        elif fault.kind == "again":
            self.write(file, file.day, name, body)
            self.write(file, file.day + fault.days_later, name, body, "again")
        elif fault.kind == "recompressed":
            self.write(file, file.day, name, body)
            self.write(file, file.day + fault.days_later, _name(name, "again"), body, "recompressed", level=1)
        else:
            path = self._put(file.day, name, _damage(self.feed, fault, body, columns))
            self._record(path, file.day, "quarantined", 0, 0)
            self.account.faults.append(Planted(path, 0, fault.kind, "quarantined file"))
            self.write(file, file.day + fault.days_later, _name(name, "corrected"), body)

    def _put(self, day: int, name: str, content: bytes) -> str:
        path = f"{self.feed.source}/{_date(day)}/{name}"
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return path

    def _seen(self, content: bytes) -> bool:
        """Whether a file with this content landed before."""
        digest = hashlib.sha256(content).digest()
        seen = digest in self.account.contents
        self.account.contents.add(digest)
        return seen

    def _record(self, path: str, day: int, state: str, rows: int, bad: int) -> None:
        self.account.files.append(Landed(path, self.feed.source, self.feed.dataset, _date(day), state, rows, bad))

    def _record_rows(self, path: str, fault: np.ndarray) -> None:
        first_line = 2 if self.feed.layout.type == "csv" else 1
        for position in np.flatnonzero(fault):
            number = fault[position]
            kind = "overlap" if number == OVERLAP else self.feed.faults[number - 1].kind
            expected = "duplicate" if number == OVERLAP else "quarantined row"
            self.account.faults.append(Planted(path, int(position) + first_line, kind, expected))


def _damage(feed: Feed, fault: FileFault, body: bytes, columns: Columns) -> bytes:
    if fault.kind == "truncated":
        content = gzip.compress(body, 4, mtime=0)
        return content[: len(content) * 3 // 5]
    if fault.kind == "wrong_encoding":
        return body.decode().encode("cp500", "replace")  # as a mainframe writes it: no line of it can be told apart
    rest = {key: values for key, values in columns.items() if key != fault.column}
    content, _ = write_rows(rest, feed.layout, {})
    return _encoded(feed, header_line(rest, feed.layout) + content)


def _encoded(feed: Feed, content: bytes) -> bytes:
    """The content in the encoding of the source; letters it does not have become question marks."""
    return content if feed.layout.encoding == "utf-8" else content.decode().encode(feed.layout.encoding, "replace")


def _columns(feed: Feed, rows: Rows, start: int, stop: int) -> tuple[Columns, dict[int, str]]:
    """The rows `start` to `stop` as text with their faults in place, and the lines replaced as a whole."""
    columns = feed.render(rows.row[start:stop])
    fault = rows.fault[start:stop]
    broken: dict[int, str] = {}
    for number in np.unique(fault[fault > 0]):
        what = feed.faults[number - 1]
        mask = fault == number
        if what.column == WHOLE_LINE:
            broken |= {int(row): what.value for row in np.flatnonzero(mask)}
            continue
        values = columns[what.column]
        text = pa.scalar(what.value or None, values.type)
        columns[what.column] = pc.if_else(pa.array(mask), text, values)
    return columns, broken


def _files(rows: Rows) -> list[_File]:
    if not len(rows.day):
        return []
    change = np.flatnonzero((np.diff(rows.day) != 0) | (np.diff(rows.file) != 0)) + 1
    bounds = np.r_[0, change, len(rows.day)]
    return [_File(int(rows.day[a]), int(rows.file[a]), int(a), int(b)) for a, b in pairwise(bounds)]


def _chunks(files: list[_File]) -> Iterator[list[_File]]:
    chunk: list[_File] = []
    for file in files:
        if chunk and file.stop - chunk[0].start > CHUNK_ROWS:
            yield chunk
            chunk = []
        chunk.append(file)
    if chunk:
        yield chunk


def _plan(feed: Feed, files: list[_File]) -> dict[int, FileFault]:
    """Day to the fault of its file: the nearest day from the planned one on that has a file, else before it."""
    days = np.array(sorted({file.day for file in files if not file.late}))
    planned: dict[int, FileFault] = {}
    for fault in FILE_FAULTS:
        if fault.feed != feed.name or not len(days):
            continue
        wanted = (dt.date.fromisoformat(fault.day) - EPOCH).days
        taken = [day for done in planned for day in (done - 1, done, done + 1)]
        free = days[(days + fault.days_later <= days[-1]) & ~np.isin(days, taken)]
        if len(free):
            after = free[free >= wanted]
            planned[int(after[0] if len(after) else free[-1])] = fault
    return planned


def _name(file: str, suffix: str) -> str:
    stem, _, extension = file.partition(".")
    return f"{stem}_{suffix}.{extension}" if suffix else file


def _date(day: int) -> str:
    return (EPOCH + dt.timedelta(days=day)).isoformat()
