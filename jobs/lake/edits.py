"""What an edit by key makes of the newest version of a table: the files it adds and those it removes.

Used by jobs/lake/lake.py only, which commits it and asks again if another writer was first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobs.lake import new_keys
from jobs.lake import rows as table_rows
from jobs.lake.files import DataFile, sharing_keys
from jobs.lake.log import DeltaLog, Snapshot
from jobs.lake.transactions import StaleWrite, Txn


@dataclass(frozen=True)
class Change:
    """What a commit adds and removes. `spent` is a folder of staged files it does not use."""

    add: list[DataFile]
    remove: list[DataFile]
    rows: int = 0
    duplicates: int = 0
    spent: str | None = None


Build = Callable[[Snapshot | None], Change]
"""From the newest version to the change; asked again if another writer was first."""


def upsert(table: DeltaLog, data: table_rows.Data, txn: Txn) -> Build:
    """Rows in the place of those with their key, or new."""
    staged: table_rows.Staged | None = None

    def build(before: Snapshot | None) -> Change:
        nonlocal staged
        refuse_stale(table, txn, before, lambda files: [])
        if staged is None:
            staged = _staged(table, data)
        candidates = sharing_keys(table.dataset, before.files if before else [], staged.files)
        keys = table_rows.staged_keys(table, staged, candidates)
        touched = table_rows.files_with(table, candidates, keys)
        kept = table_rows.stage_without(table, touched, keys).files if touched else []
        return Change([*staged.files, *kept], touched, rows=staged.rows)

    return build


def revise(table: DeltaLog, gone: table_rows.Data, data: table_rows.Data, txn: Txn) -> Build:
    """Rows without those with the keys `gone`, and with `data`."""
    keys = gone.select(list(table.dataset.key))
    something = table_rows.is_frame(keys) or keys.num_rows
    staged: table_rows.Staged | None = None

    def build(before: Snapshot | None) -> Change:
        nonlocal staged
        refuse_stale(table, txn, before, lambda files: files)
        if staged is None:
            staged = _staged(table, data)
        touched = table_rows.files_with(table, before.files, keys) if before and something else []
        kept = table_rows.stage_without(table, touched, keys).files if touched else []
        return Change([*staged.files, *kept], touched, rows=staged.rows)

    return build


def delete(table: DeltaLog, keys: table_rows.Data) -> Build:
    """Rows without those that equal a row of `keys`."""
    wanted = table_rows.distinct_keys(table, keys)

    def build(before: Snapshot | None) -> Change:
        touched = table_rows.files_with(table, before.files if before else [], wanted)
        if not touched:
            return Change([], [])
        kept = table_rows.stage_without(table, touched, wanted)
        return Change(kept.files, touched, rows=sum(file.rows for file in touched) - kept.rows)

    return build


def _staged(table: DeltaLog, data: table_rows.Data) -> table_rows.Staged:
    staged = table_rows.stage(table, data)
    table_rows.refuse_null_keys(table, staged)
    new_keys.refuse_repeated_keys(table, staged)
    return staged


def refuse_stale(
    table: DeltaLog, txn: Txn, now: Snapshot | None, region: Callable[[list[DataFile]], list[DataFile]]
) -> None:
    """Refuse to write over what was published after this transaction began.

    That is: another write of this step, or any change of the files `region` picks.
    """
    name, app = table.dataset.name, txn.app_for(table.dataset)
    base = txn.base.setdefault(name, now.version if now else None)
    if now is None or base == now.version:
        return
    then = table.snapshot(base) if base is not None else None
    moved = region(now.files) != region(then.files if then else [])
    if moved or now.transaction(app) != (then.transaction(app) if then else None):
        raise StaleWrite(
            f"{name}: {app} began at version {base}, and version {now.version} has since replaced what it wants to "
            "write; nothing was written. Run the step again to work on the newest data"
        )
