"""The lake: every table, read at a fixed version and written in transactions. The only module that knows paths.

A step is a transaction. `Lake.transaction` fixes the versions of the tables the step reads and gives the step an id:
a fingerprint of its job, day, code, configuration and the files it reads. Each commit records that id in the Delta
log under the step's name, and a write that finds its own id there as the newest for that name changes nothing. So:

- a retry, or a second copy of one attempt, is a no-op; of two that race, one commits and the other finds its id;
- another configuration, other code or other input is another id, so the step runs again, also when a setting goes
  from A to B and back to A: only the newest id counts;
- `replace` and `upsert` compare with the state the transaction began from: an attempt that started before another
  one published is refused (StaleWrite), it never hides newer rows. `append` adds keys that are new at the moment of
  its commit; `delete` removes what matches at that moment.

The name an id is filed under is the job for tables that are replaced as a whole or only grow, and job and day for
tables that are replaced day by day: there, each day has a newest id of its own.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from jobs import delta_rows, schemas
from jobs.delta_log import Conflict, DataFile, DeltaLog, LakeError, SchemaMismatch, Snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.settings import Settings

__all__ = ["Commit", "Lake", "LakeError", "SchemaMismatch", "StaleWrite", "Txn"]

log = logging.getLogger(__name__)
ATTEMPTS = 30


class StaleWrite(LakeError):
    """Another attempt published since this one began; its result would be older than what is there."""


@dataclass(frozen=True)
class Commit:
    """What a write did. `applied` is False if the table already had it; the counts are then those of that commit."""

    version: int
    rows: int
    duplicates: int
    applied: bool


@dataclass(frozen=True)
class Txn:
    """The identity of one step's writes, and the versions it reads."""

    app: str
    version: int
    day: dt.date | None = None
    lake: Lake | None = field(default=None, repr=False, compare=False)
    pins: dict[str, int | None] = field(default_factory=dict, repr=False, compare=False)
    base: dict[str, int | None] = field(default_factory=dict, repr=False, compare=False)

    def read(self, name: str, day: dt.date | None = None) -> DataFrame:
        """The table as it was when the transaction began."""
        lake, version = self._pinned(name)
        return lake.empty(name) if version is None else lake.read(name, day=day, version=version)

    def arrow(self, name: str, columns: Sequence[str] | None = None, day: dt.date | None = None) -> pa.Table:
        """The table as it was when the transaction began, without the engine."""
        lake, version = self._pinned(name)
        if version is None:
            schema = schemas.get(name).arrow_schema()
            return schema.empty_table().select(list(columns) if columns else schema.names)
        return lake.arrow(name, columns=columns, day=day, version=version)

    def done(self, *tables: str) -> bool:
        """Whether all these outputs already carry this transaction, so that there is nothing to do."""
        if self.lake is None:
            raise LakeError(f"transaction {self.app}: made without a lake, so it cannot look at tables")
        return all(self.lake.has(name, self) for name in tables)

    def part(self, name: str) -> Txn:
        """A transaction for one of several writes of this step to the same table."""
        return dataclasses.replace(self, app=f"{self.app}/{name}")

    def app_for(self, dataset: schemas.Dataset) -> str:
        return f"{self.app}/{self.day}" if self.day and dataset.scope == "day" else self.app

    def _pinned(self, name: str) -> tuple[Lake, int | None]:
        if self.lake is None or name not in self.pins:
            listed = ", ".join(sorted(self.pins)) or "none"
            raise LakeError(f"transaction {self.app}: table {name} is not among its reads ({listed}); list it there")
        return self.lake, self.pins[name]


class Lake:
    """All tables below one root: a local folder or `s3://bucket/prefix`."""

    def __init__(self, root: str) -> None:
        self.root = root if "://" in root else str(Path(root).absolute())
        self._logs: dict[str, DeltaLog] = {}

    @classmethod
    def of(cls, settings: Settings) -> Lake:
        return cls(settings.lake)

    def exists(self, name: str) -> bool:
        return self.version(name) is not None

    def version(self, name: str) -> int | None:
        return self._log(name).latest_version()

    def rows(self, name: str, day: dt.date | None = None) -> int:
        """Number of rows, from the log alone unless a file mixes days."""
        files = self._files(name, day)
        column = schemas.get(name).day_column
        if day is None or all(file.holds_only(str(column), day) for file in files):
            return sum(file.rows for file in files)
        return int(self._log(name).scan(files).count_rows(filter=ds.field(column) == pa.scalar(day, pa.date32())))

    def read(self, name: str, day: dt.date | None = None, version: int | None = None) -> DataFrame:
        """The rows, or those of one day. A table that does not exist yet is empty."""
        from pyspark.sql import functions as F

        frame = delta_rows.read_frame(self._log(name), self._files(name, day, version))
        return frame if day is None else frame.where(F.col(str(schemas.get(name).day_column)) == F.lit(day))

    def empty(self, name: str) -> DataFrame:
        return delta_rows.read_frame(self._log(name), [])

    def arrow(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        day: dt.date | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """The rows as an Arrow table, read without the engine; for tables that fit in memory."""
        scan = self._log(name).scan(self._files(name, day, version))
        condition = None if day is None else ds.field(schemas.get(name).day_column) == pa.scalar(day, pa.date32())
        return scan.to_table(columns=list(columns) if columns else None, filter=condition)

    def dataset(self, name: str, version: int | None = None) -> ds.Dataset:
        """The table for other readers of Arrow, such as DuckDB, which then read only what a query needs."""
        return self._log(name).scan(self._files(name, version=version))

    def transaction(
        self,
        job: str,
        day: dt.date,
        reads: Sequence[str] = (),
        config: Any = None,
        previous: Sequence[str] = (),
    ) -> Txn:
        """Begin a step: fix the versions of `reads`, and note the state of every table it might write.

        `previous` are tables the step both reads and writes: fixed like `reads`, but not part of the id, since
        otherwise the step's own result would make it run again.
        """
        names = {*schemas.DATASETS, *reads, *previous}
        with ThreadPoolExecutor(16) as pool:
            versions = dict(zip(sorted(names), pool.map(self.version, sorted(names)), strict=True))
        inputs = {name: self._content_id(name, versions[name]) for name in sorted(set(reads))}
        identity = [job, day.isoformat(), code_fingerprint(), inputs, config]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=_plain).encode()).digest()
        pins = {name: versions[name] for name in {*reads, *previous}}
        return Txn(job, int.from_bytes(digest[:8], "big") >> 1, day, self, pins, versions)

    def has(self, name: str, txn: Txn) -> bool:
        """Whether the newest write of this step to the table is this very transaction."""
        snapshot = self._log(name).snapshot()
        return snapshot is not None and snapshot.transaction(txn.app_for(schemas.get(name))) == txn.version

    def append(self, name: str, data: delta_rows.Data, txn: Txn) -> Commit:
        """Add the rows whose key is new; of rows that share a key the one that arrived first stays."""
        table = self._log(name)
        staged: delta_rows.Staged | None = None

        def build(before: Snapshot | None) -> _Change:
            nonlocal staged
            staged = staged or self._stage_keyed(table, data)
            existing = _overlapping(table, before.files if before else [], staged.files)
            new = delta_rows.count_new_keys(table, staged, existing)
            unchanged = new == staged.rows
            fresh = staged if unchanged else delta_rows.stage_new_keys(table, staged, existing)
            return _Change(fresh.files, [], rows=fresh.rows, duplicates=staged.rows - fresh.rows)

        return self._publish(table, txn, build)

    def replace(self, name: str, data: delta_rows.Data, txn: Txn, day: dt.date | None = None) -> Commit:
        """Put `data` in the place of the whole table, or of the rows of one day."""
        table = self._log(name)
        column = table.dataset.day_column
        if day is not None and column is None:
            raise LakeError(f"{name}: has no day column, so the rows of one day cannot be replaced")
        staged: delta_rows.Staged | None = None

        def build(before: Snapshot | None) -> _Change:
            nonlocal staged
            self._refuse_stale(table, txn, before, day)
            if staged is None:
                staged = self._stage_keyed(table, data)
                _refuse_repeats(table, staged)
                if day is not None and not all(file.holds_only(str(column), day) for file in staged.files):
                    raise LakeError(f"{name}: rows to write for {day} have other values in {column}")
            gone = _of_day(table, before.files if before else [], day)
            mixed = [file for file in gone if day is not None and not file.holds_only(str(column), day)]
            kept = delta_rows.stage_other_days(table, mixed, day).files if mixed else []
            return _Change([*staged.files, *kept], gone, rows=staged.rows)

        return self._publish(table, txn, build)

    def upsert(self, name: str, data: delta_rows.Data, txn: Txn) -> Commit:
        """Write rows by key: a row in the place of the one with its key, or a new one."""
        table = self._log(name)
        staged: delta_rows.Staged | None = None

        def build(before: Snapshot | None) -> _Change:
            nonlocal staged
            self._refuse_stale(table, txn, before, None, files=False)
            if staged is None:
                staged = self._stage_keyed(table, data)
                _refuse_repeats(table, staged)
            candidates = _overlapping(table, before.files if before else [], staged.files)
            keys = delta_rows.staged_keys(table, staged)
            touched = delta_rows.files_with(table, candidates, keys)
            kept = delta_rows.stage_without(table, touched, keys).files if touched else []
            return _Change([*staged.files, *kept], touched, rows=staged.rows)

        return self._publish(table, txn, build)

    def delete(self, name: str, keys: delta_rows.Data, txn: Txn) -> Commit:
        """Remove the rows that match `keys` in all its columns (any columns of the table)."""
        table = self._log(name)
        wanted = delta_rows.distinct_keys(table, keys)

        def build(before: Snapshot | None) -> _Change:
            touched = delta_rows.files_with(table, before.files if before else [], wanted)
            if not touched:
                return _Change([], [])
            kept = delta_rows.stage_without(table, touched, wanted)
            return _Change(kept.files, touched, rows=sum(file.rows for file in touched) - kept.rows)

        return self._publish(table, txn, build)

    def compact(self, name: str, target_size: int = 128_000_000) -> int:
        """Merge small files, day by day for tables replaced by day; the rows stay the same. Returns files saved."""
        table = self._log(name)
        before = table.snapshot()
        if before is None:
            return 0
        groups = _small_files(table.dataset, before.files, target_size)
        gone = [file for group in groups for file in group]
        merged = [file for group in groups for file in delta_rows.merge(table, group).files]
        if gone:
            try:
                table.commit(before, merged, gone, None, 0, {"operation": "compact"}, data_change=False)
            except Conflict:
                log.info("%s: written to while being compacted; left for the next time", name)
                return 0
        before.delta.update_incremental()
        before.delta.create_checkpoint()
        before.delta.cleanup_metadata()
        return len(gone) - len(merged)

    def vacuum(self, name: str, hours: int = 168) -> int:
        """Delete files no version younger than `hours` uses; keep it longer than the longest step. Returns how many."""
        snapshot = self._log(name).snapshot()
        if snapshot is None:
            return 0
        return len(
            snapshot.delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)
        )

    def content_hash(self, name: str, exclude: Sequence[str] = ()) -> str:
        """Hash of the rows, whatever their order, files or the engine that wrote them."""
        from jobs.content_hash import hash_rows

        columns = [c for c in schemas.get(name).columns if c.name not in exclude]
        return hash_rows(self._log(name).scan(self._files(name)), columns)

    def _log(self, name: str) -> DeltaLog:
        if name not in self._logs:
            self._logs[name] = DeltaLog(self.root, schemas.get(name))
        return self._logs[name]

    def _files(self, name: str, day: dt.date | None = None, version: int | None = None) -> list[DataFile]:
        table = self._log(name)
        if day is not None and table.dataset.day_column is None:
            raise LakeError(f"{name}: has no day column, so the rows of one day cannot be read")
        snapshot = table.snapshot(version)
        return _of_day(table, snapshot.files if snapshot else [], day)

    def _content_id(self, name: str, version: int | None) -> str:
        """Identity of the rows of a version. File names are unique, so upkeep commits do not change it."""
        if version is None:
            return ""
        return hashlib.sha256("\n".join(f.path for f in self._files(name, version=version)).encode()).hexdigest()

    def _stage_keyed(self, table: DeltaLog, data: delta_rows.Data) -> delta_rows.Staged:
        staged = delta_rows.stage(table, data)
        delta_rows.refuse_null_keys(table, staged)
        return staged

    def _refuse_stale(
        self, table: DeltaLog, txn: Txn, now: Snapshot | None, day: dt.date | None, files: bool = True
    ) -> None:
        """Refuse to write over what someone published after this transaction began.

        With `files`, any change of the rows to be replaced counts; otherwise only a later write of the same step.
        """
        name, app = table.dataset.name, txn.app_for(table.dataset)
        base = txn.base.setdefault(name, now.version if now else None)
        if now is None or base == now.version:
            return
        then = table.snapshot(base) if base is not None else None
        moved = files and _of_day(table, now.files, day) != _of_day(table, then.files if then else [], day)
        if moved or now.transaction(app) != (then.transaction(app) if then else None):
            raise StaleWrite(
                f"{name}: {app} began at version {base}, and version {now.version} has since replaced what it wants "
                "to write; nothing was written. Run the step again to work on the newest data"
            )

    def _publish(self, table: DeltaLog, txn: Txn, build: Callable[[Snapshot | None], _Change]) -> Commit:
        """Commit what `build` makes of the newest version; if another writer is first, look again."""
        app = txn.app_for(table.dataset)
        for _ in range(ATTEMPTS):
            before = table.snapshot()
            if before and before.transaction(app) == txn.version:
                info = table.commit_info(before, app, txn.version)
                return Commit(
                    info.get("version", before.version), info.get("rows", 0), info.get("duplicates", 0), False
                )
            change = build(before)
            info = {"app": app, "id": txn.version, "rows": change.rows, "duplicates": change.duplicates}
            try:
                version = table.commit(before, change.add, change.remove, app, txn.version, info)
            except Conflict:
                log.info("%s: another writer committed first; looking again", table.dataset.name)
                continue
            if txn.base.get(table.dataset.name, -1) == (before.version if before else None):
                txn.base[table.dataset.name] = version  # a later write of this step follows its own result
            return Commit(version, change.rows, change.duplicates, True)
        raise LakeError(f"{table.dataset.name}: {ATTEMPTS} other writers committed first; run fewer at the same time")


@dataclass(frozen=True)
class _Change:
    add: list[DataFile]
    remove: list[DataFile]
    rows: int = 0
    duplicates: int = 0


def _of_day(table: DeltaLog, files: Sequence[DataFile], day: dt.date | None) -> list[DataFile]:
    """Files that may hold rows of `day`, judged by their statistics."""
    if day is None:
        return list(files)
    return [file for file in files if file.may_hold(str(table.dataset.day_column), day, day)]


def _overlapping(table: DeltaLog, files: Sequence[DataFile], others: Sequence[DataFile]) -> list[DataFile]:
    """Those of `files` that may share a key with one of `others`."""

    def may_share(file: DataFile, other: DataFile) -> bool:
        return all(file.may_hold(column, other.low.get(column), other.high.get(column)) for column in table.dataset.key)

    return [file for file in files if any(may_share(file, other) for other in others)]


def _refuse_repeats(table: DeltaLog, staged: delta_rows.Staged) -> None:
    repeats = staged.rows - delta_rows.count_new_keys(table, staged, [])
    if repeats:
        raise LakeError(
            f"{table.dataset.name}: {repeats} of {staged.rows} rows to write repeat the key of another row; "
            f"the table holds {table.dataset.grain} (key {', '.join(table.dataset.key)})"
        )


def _small_files(dataset: schemas.Dataset, files: Sequence[DataFile], target_size: int) -> list[list[DataFile]]:
    """Groups of small files worth merging, each about `target_size` together."""
    groups: list[list[DataFile]] = []
    by_day: dict[Any, list[DataFile]] = {}
    for file in files:
        day = file.low.get(dataset.day_column or "") if dataset.scope == "day" else None
        if file.size < target_size // 2:
            by_day.setdefault(day, []).append(file)
    for same_day in by_day.values():
        group: list[DataFile] = []
        for file in same_day:
            if group and sum(f.size for f in group) + file.size > target_size:
                groups.append(group)
                group = []
            group.append(file)
        groups.append(group)
    return [group for group in groups if len(group) > 1]


@cache
def code_fingerprint() -> str:
    """Hash of the source of the jobs, so that a step runs again after its code changed."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """Settings as JSON, for the fingerprint; anything without a stable text form is refused."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dt.date | Path):
        return str(value)
    raise TypeError(f"config of a transaction cannot hold {type(value).__name__}; give settings, numbers or text")
