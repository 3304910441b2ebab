"""What was added to a table between two of its versions: the rows a step has not seen yet.

Only appends can be followed. Where rows were removed or rewritten, or where the log that tells is gone, the answer is
None, and the step works on the whole table instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from jobs.lake.files import DataFile
from jobs.lake.log import DeltaLog


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


def _actions(table: DeltaLog, version: int) -> list[dict[str, Any]] | None:
    """What one commit did; None if its entry in the log was cleaned up."""
    try:
        with table.filesystem.open_input_stream(f"{table.folder}/_delta_log/{version:020d}.json") as entry:
            return [json.loads(line) for line in entry.read().decode().splitlines() if line.strip()]
    except FileNotFoundError:
        return None
