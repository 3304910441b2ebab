"""Upkeep of one Delta table: few files instead of many small ones, and none that nobody needs."""

from __future__ import annotations

import logging

from jobs.lake import rows as table_rows
from jobs.lake.files import groups_to_merge
from jobs.lake.log import Conflict, DeltaLog

log = logging.getLogger(__name__)
TARGET_FILE_SIZE = 128_000_000  # bytes


def compact(table: DeltaLog, target_size: int) -> int:
    """Merge files smaller than `target_size` bytes and shorten the log; returns by how many files there are fewer."""
    before = table.snapshot()
    if before is None:
        return 0
    groups = groups_to_merge(table.dataset, before.files, target_size)
    gone = [file for group in groups for file in group]
    merged = [file for group in groups for file in table_rows.merge(table, group).files]
    if gone:
        try:
            table.commit(before, merged, gone, None, {"operation": "compact"}, data_change=False)
        except Conflict:
            log.info("%s: written to while being compacted; left for the next time", table.dataset.name)
            return 0
    table.tidy_log()
    return len(gone) - len(merged)


def vacuum(table: DeltaLog, hours: int) -> int:
    """Delete files that no version younger than `hours` needs; returns how many."""
    snapshot = table.snapshot()
    if snapshot is None:
        return 0
    return len(snapshot.delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True))


def forget_versions(table: DeltaLog) -> int:
    """Delete all files that only earlier versions use, and the log entries that described them; returns how many.

    Only files that the log names: what a running step has staged stays. A reader of an earlier version is stopped.
    """
    snapshot = table.snapshot()
    if snapshot is None:
        return 0
    gone = snapshot.delta.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    table.cut_log()
    return len(gone)
