"""What was added to a table between two of its versions: the rows a step has not seen yet.

Only appends can be followed. Where rows were removed or rewritten, or where the log that tells is gone, the answer is
None, and the step works on the whole table instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pyarrow.fs import FileType

from jobs.lake.files import DataFile, LakeError
from jobs.lake.log import DeltaLog
from jobs.lake.rows import read_frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Added:
    """`new`: files that hold only rows added since. `before`: the files of the table that were there already."""

    new: list[DataFile]
    before: list[DataFile]


def added(table: DeltaLog, since: int | None, until: int | None) -> Added | None:
    """The files with rows added after version `since`, up to `until`; versions are None for: no table yet.

    Files that a compaction merged count as there already, unless it merged added ones: then the answer is None, as it
    is when rows were removed. A later compaction does not matter.
    """
    now = table.snapshot(until) if until is not None else None
    files = now.files if now else []
    if since is None or until is None:
        return Added(files, []) if since is None else None
    names: set[str] = set()
    for version in range(since + 1, until + 1):
        actions = _actions(table, version)
        if actions is None or any(action.get("remove", {}).get("dataChange") for action in actions):
            return None
        names |= {action["add"]["path"] for action in actions if action.get("add", {}).get("dataChange")}
    if names - {file.path for file in files}:
        return None
    return Added([f for f in files if f.path in names], [f for f in files if f.path not in names])


def differing(table: DeltaLog, since: int | None, until: int | None) -> tuple[list[DataFile], list[DataFile]]:
    """Files that only version `since` has, and files that only `until` has: all rows in which they differ, and more.

    Raises LakeError if `since` cannot be read any more.
    """
    if not readable(table, since):
        raise LakeError(f"{table.dataset.name}: vacuum deleted rows of version {since}")
    then, now = (
        {file.path: file for file in snapshot.files}
        if version is not None and (snapshot := table.snapshot(version))
        else {}
        for version in (since, until)
    )
    gone = [file for path, file in then.items() if path not in now]
    return gone, [file for path, file in now.items() if path not in then]


def arrived(table: DeltaLog, since: int | None, until: int | None, after: date, as_of: date) -> DataFrame | None:
    """Rows of files added that arrived up to `as_of`, and rows of earlier files that arrived after `after`."""
    from pyspark.sql import functions as F

    found = added(table, since, until)
    if found is None:
        return None
    day = F.col("arrived")
    later = [file for file in found.before if file.may_hold("arrived", after + timedelta(days=1), as_of)]
    rows = read_frame(table, found.new).where(day <= F.lit(as_of))
    if not later or after >= as_of:
        return rows
    return rows.unionByName(read_frame(table, later).where((day > F.lit(after)) & (day <= F.lit(as_of))))


def readable(table: DeltaLog, version: int | None) -> bool:
    """Whether all files of a version are still there."""
    try:
        snapshot = table.snapshot(version) if version is not None else None
    except LakeError:  # its log was cleaned
        return False
    paths = [f"{table.folder}/{file.path}" for file in snapshot.files] if snapshot else []
    return all(info.type != FileType.NotFound for info in table.filesystem.get_file_info(paths))


def _actions(table: DeltaLog, version: int) -> list[dict[str, Any]] | None:
    """What one commit did; None if its entry in the log was cleaned up."""
    try:
        with table.filesystem.open_input_stream(f"{table.folder}/_delta_log/{version:020d}.json") as entry:
            return [json.loads(line) for line in entry.read().decode().splitlines() if line.strip()]
    except FileNotFoundError:
        return None
