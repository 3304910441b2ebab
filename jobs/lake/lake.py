"""The lake: every table, read at a fixed version and written in transactions. The only module that knows paths.

Tables are Delta tables: data files are written by the engine or by Arrow, commits are made by delta-rs, and any Delta
reader can read them. How retries, copies of one attempt and late attempts are kept apart: jobs/lake/transactions.py.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import FileType

from jobs.lake import changes, edits, new_keys, upkeep
from jobs.lake import rows as table_rows
from jobs.lake.code import code_fingerprint
from jobs.lake.edits import Change, refuse_stale
from jobs.lake.files import DataFile, LakeError, SchemaMismatch, of_day, sharing_keys
from jobs.lake.log import Conflict, DeltaLog, Snapshot, filesystem
from jobs.lake.place import Place
from jobs.lake.scratch import Scratch
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset
from jobs.lake.tables.roots import cannot_be_at
from jobs.lake.transactions import Before, Commit, StaleWrite, Txn, basis, fingerprint

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Commit", "Lake", "LakeError", "SchemaMismatch", "StaleWrite", "Txn"]

log = logging.getLogger(__name__)
ATTEMPTS = 50


class Lake:
    """All tables below one root: a local folder or `s3://bucket/prefix`."""

    def __init__(
        self, root: str, contracts: Mapping[str, Dataset] | None = None, elsewhere: Mapping[str, str] | None = None
    ) -> None:
        """`contracts` are the tables to which the configuration adds columns; default: those the tables have.

        `elsewhere` names zones that are at another root.
        """
        self._contracts = contracts or {}
        self._elsewhere = elsewhere or {}
        self.root = root.rstrip("/") if "://" in root else str(Path(root).absolute())
        if why := cannot_be_at(self.root):
            raise LakeError(why)
        self._store = filesystem(self.root)
        self._logs: dict[str, DeltaLog] = {}

    @classmethod
    def of(cls, place: Place) -> Lake:
        return cls(place.lake, place.contracts, place.elsewhere)

    def exists(self, name: str) -> bool:
        return self.version(name) is not None

    def version(self, name: str) -> int | None:
        """Number of the newest commit; None if the table does not exist yet."""
        return self._log(name).latest_version()

    def contract(self, name: str) -> Dataset:
        """The table's columns and their meaning, those that the configuration adds included."""
        return self._log(name).dataset

    def rows(self, name: str, day: dt.date | None = None) -> int:
        """Number of rows, from the log alone unless a file mixes days."""
        files = self._files(name, day)
        column = str(catalogue.get(name).day_column)
        if day is None or all(file.holds_only(column, day) for file in files):
            return sum(file.rows for file in files)
        return int(self._log(name).scan(files).count_rows(filter=table_rows.is_day(column, day)))

    def read(self, name: str, day: dt.date | None = None, version: int | None = None) -> DataFrame:
        """The rows, or those of one day. A table that does not exist yet is empty."""
        from pyspark.sql import functions as F

        frame = table_rows.read_frame(self._log(name), self._files(name, day, version))
        return frame if day is None else frame.where(F.col(str(catalogue.get(name).day_column)) == F.lit(day))

    def read_between(self, name: str, low: Mapping[str, Any], high: Mapping[str, Any]) -> DataFrame:
        """The rows of the files that may hold values between these bounds of columns, by their statistics."""
        files = [f for f in self._files(name) if all(f.may_hold(column, low[column], high[column]) for column in low)]
        return table_rows.read_frame(self._log(name), files)

    def added(self, name: str, since: int | None, until: int | None, after: dt.date, as_of: dt.date) -> Any:
        """The rows a step that stood at version `since` and day `after` has not seen at version `until` and `as_of`.

        These are the rows of files added in between that arrived up to `as_of`, and rows of earlier files that arrived
        after `after`: a DataFrame, or None if rows were removed or the log does not tell, see jobs/lake/changes.py.
        """
        return changes.arrived(self._log(name), since, until, after, as_of)

    def added_files(self, name: str, since: int | None, until: int | None) -> changes.Added | None:
        """The files behind `added`, for `read_files`; None if they cannot be told apart from those of before."""
        return changes.added(self._log(name), since, until)

    def read_files(self, name: str, files: Sequence[DataFile]) -> DataFrame:
        return table_rows.read_frame(self._log(name), files)

    def readable(self, name: str, version: int | None) -> bool:
        """Whether the rows of a version are still there: vacuum deletes those of old ones."""
        return changes.readable(self._log(name), version)

    def differing_files(self, name: str, since: int | None, until: int | None) -> tuple[list[DataFile], list[DataFile]]:
        """Files that only the first of two versions has, and that only the second has, for `read_files`."""
        return changes.differing(self._log(name), since, until)

    def scratch(self, name: str) -> Scratch:
        """A place beside the data of a table for results that a step uses more than once."""
        return Scratch(self._log(name))

    def arrow_between(self, name: str, columns: Sequence[str], column: str, low: Any, high: Any) -> pa.Table:
        """The rows between two values of a column, both included, from the files that may hold any."""
        files = [file for file in self._files(name) if file.may_hold(column, low, high)]
        inside = (ds.field(column) >= pa.scalar(low)) & (ds.field(column) <= pa.scalar(high))
        return self._log(name).scan(files).to_table(columns=list(columns), filter=inside)

    def empty(self, name: str) -> DataFrame:
        return table_rows.read_frame(self._log(name), [])

    def arrow(
        self, name: str, columns: Sequence[str] | None = None, day: dt.date | None = None, version: int | None = None
    ) -> pa.Table:
        """The rows as an Arrow table, read without the engine; for tables that fit in memory."""
        condition = None if day is None else table_rows.is_day(str(catalogue.get(name).day_column), day)
        scan = self._log(name).scan(self._files(name, day, version))
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
        code: str | Sequence[str] = (),
        state: Mapping[str, str] | None = None,
    ) -> Txn:
        """Begin a step: fix the versions of `reads`, and note the state of every table it might write.

        `job` names what writes: two that can run at the same time, such as two sources, need two names. `previous`:
        tables the step reads and writes, fixed but not part of the id: its own result must not make it run again.
        `code`: the modules that make the result, the step's `__name__` and what it imports by a computed name, with all
        they import; none named: the whole product. `state` is part of the id and kept with the commits, but no
        configuration: a run with another one can go on from where the last run ended (`Txn.before`).
        """
        names = sorted({*catalogue.DATASETS, *reads, *previous})
        with ThreadPoolExecutor(16) as pool:
            base = dict(zip(names, pool.map(self.version, names), strict=True))
        pins = {name: base[name] for name in {*reads, *previous}}
        inputs = {name: self._content_id(name, base[name]) for name in reads}
        kept, source = dict(state or {}), code_fingerprint(code)
        version = fingerprint(job, day, source, inputs, [config, kept] if kept else config)
        return Txn(job, version, day, self, pins, base, basis(job, source, config), kept)

    def has(self, name: str, txn: Txn) -> bool:
        """Whether the newest write of this step to the table is this very transaction."""
        snapshot = self._log(name).snapshot()
        return snapshot is not None and snapshot.transaction(txn.app_for(catalogue.get(name))) == txn.version

    def append(self, name: str, data: table_rows.Data, txn: Txn) -> Commit:
        """Add the rows whose key is new; of rows that share a key the one that arrived first stays."""
        table = self._log(name)
        staged: table_rows.Staged | None = None

        def build(before: Snapshot | None) -> Change:
            nonlocal staged
            if staged is None:
                staged = table_rows.stage(table, data)
                table_rows.refuse_null_keys(table, staged)
            existing = sharing_keys(table.dataset, before.files if before else [], staged.files)
            if new_keys.count_new_keys(table, staged, existing) == staged.rows:
                return Change(staged.files, [], rows=staged.rows)
            new = new_keys.stage_new_keys(table, staged, existing)
            return Change(new.files, [], rows=new.rows, duplicates=staged.rows - new.rows, spent=staged.folder)

        return self._publish(table, txn, build)

    def replace(self, name: str, data: table_rows.Data, txn: Txn, day: dt.date | None = None) -> Commit:
        """Put `data` in the place of the whole table, or of the rows of one day.

        Raises StaleWrite if those rows changed since the transaction began.
        """
        table = self._log(name)
        column = str(table.dataset.day_column)
        staged: table_rows.Staged | None = None

        def build(before: Snapshot | None) -> Change:
            nonlocal staged
            gone = of_day(table.dataset, before.files if before else [], day)
            refuse_stale(table, txn, before, lambda files: of_day(table.dataset, files, day))
            if staged is None:
                staged = table_rows.stage(table, data)
                table_rows.refuse_null_keys(table, staged)
                new_keys.refuse_repeated_keys(table, staged)
                if day is not None and not all(file.holds_only(column, day) for file in staged.files):
                    raise LakeError(f"{name}: rows to write for {day} have other values in {column}")
            mixed = [file for file in gone if day is not None and not file.holds_only(column, day)]
            kept = table_rows.stage_other_days(table, mixed, day).files if mixed else []
            return Change([*staged.files, *kept], gone, rows=staged.rows)

        return self._publish(table, txn, build)

    def upsert(self, name: str, data: table_rows.Data, txn: Txn) -> Commit:
        """Write rows by key: a row in the place of the one with its key, or a new one.

        Writers of different steps follow one another, the last one wins for its keys. Raises StaleWrite if another
        attempt of this same step published since the transaction began.
        """
        table = self._log(name)
        return self._publish(table, txn, edits.upsert(table, data, txn))

    def revise(self, name: str, gone: table_rows.Data, data: table_rows.Data, txn: Txn) -> Commit:
        """Remove the rows with the keys `gone` and add `data`, in one commit; only files with such rows are rewritten.

        Keys of `data` that the table has must be among `gone`; both come as Arrow, or both from the engine. Raises
        StaleWrite if the table changed since the transaction began.
        """
        table = self._log(name)
        return self._publish(table, txn, edits.revise(table, gone, data, txn))

    def delete(self, name: str, keys: table_rows.Data, txn: Txn) -> Commit:
        """Remove the rows that equal a row of `keys` in all its columns, which can be any columns of the table.

        Earlier versions keep the rows until `vacuum`. The commit's `rows` are those removed.
        """
        table = self._log(name)
        return self._publish(table, txn, edits.delete(table, keys))

    def last_run(self, name: str, txn: Txn) -> Before | None:
        """The newest run of the step of `txn` that wrote this table, as far as its log still tells."""
        table, app = self._log(name), txn.app_for(catalogue.get(name))
        snapshot = table.snapshot()
        number = snapshot.transaction(app) if snapshot else None
        known = table.commit_info(snapshot, app, number) if snapshot and number is not None else {}
        return Before(number, known["basis"], known["pins"], known["state"]) if number and "basis" in known else None

    def last_step(self, name: str, app: str) -> int | None:
        """The id of the newest write of a step to the table, see jobs/lake/transactions.py."""
        return snapshot.transaction(app) if (snapshot := self._log(name).snapshot()) else None

    def remove_elsewhere(self) -> None:
        """Delete the zones that are at another root, with all their versions."""
        for root in set(self._elsewhere.values()):
            store, folder = filesystem(root)
            if store.get_file_info(folder).type == FileType.Directory:
                store.delete_dir(folder)

    def compact(self, name: str, target_size: int = upkeep.TARGET_FILE_SIZE) -> int:
        """Merge small files and shorten the log; the rows stay the same. Returns by how many files there are fewer.

        A writer that is faster goes first: then nothing is merged this time.
        """
        return upkeep.compact(self._log(name), target_size)

    def vacuum(self, name: str, hours: int = 168) -> int:
        """Delete files no version younger than `hours` needs, and what crashes left behind. Returns how many.

        Keep `hours` above the longest step: a reader of an older version would lose its files, a writer its own.
        """
        return upkeep.vacuum(self._log(name), hours)

    def forget_versions(self, name: str) -> int:
        """Delete all that only earlier versions use, now; returns how many files. A step that reads them is stopped."""
        return upkeep.forget_versions(self._log(name))

    def content_hash(self, name: str, exclude: Sequence[str] = ()) -> str:
        """Hash of the rows, whatever their order, files or the engine that wrote them."""
        from jobs.lake.content_hash import hash_rows

        return hash_rows(self.dataset(name), [c for c in self._log(name).dataset.columns if c.name not in exclude])

    def _log(self, name: str) -> DeltaLog:
        if name not in self._logs:
            dataset = self._contracts.get(name, catalogue.get(name))
            root = self._elsewhere.get(dataset.zone, self.root)
            store = self._store if root == self.root else filesystem(root)
            self._logs[name] = DeltaLog(root, dataset, store, as_stored=name not in self._contracts)
        return self._logs[name]

    def _files(self, name: str, day: dt.date | None = None, version: int | None = None) -> list[DataFile]:
        snapshot = self._log(name).snapshot(version)
        return of_day(catalogue.get(name), snapshot.files if snapshot else [], day)

    def _content_id(self, name: str, version: int | None) -> str:
        """Identity of the rows of a version. File names are unique, so commits without rows do not change it."""
        if version is None:
            return ""
        return hashlib.sha256("\n".join(f.path for f in self._files(name, version=version)).encode()).hexdigest()

    def _publish(self, table: DeltaLog, txn: Txn, build: Callable[[Snapshot | None], Change]) -> Commit:
        """Commit what `build` makes of the newest version; if another writer is first, look again."""
        name, app = table.dataset.name, txn.app_for(table.dataset)
        for attempt in range(ATTEMPTS):
            before = table.snapshot()
            if before and before.transaction(app) == txn.version:
                known = table.commit_info(before, app, txn.version)
                return Commit(before.version, known.get("rows", 0), known.get("duplicates", 0), applied=False)
            change = build(before)
            info = {"app": app, "id": txn.version, "rows": change.rows, "duplicates": change.duplicates}
            info |= {"basis": txn.basis, "pins": txn.pins, "state": txn.state} if txn.basis else {}
            try:
                version = table.commit(before, change.add, change.remove, (app, txn.version), info)
            except Conflict:
                log.info("%s: another writer committed first; looking again", name)
                time.sleep(random.uniform(0, 0.01 * (attempt + 1)))
                continue
            if txn.base.get(name, -1) == (before.version if before else None):
                txn.base[name] = version  # a later write of this step follows its own result
            if change.spent:
                table.discard(change.spent)
            return Commit(version, change.rows, change.duplicates, applied=True)
        raise LakeError(f"{name}: {ATTEMPTS} other writers committed first; run fewer at the same time")
