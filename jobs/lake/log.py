"""The Delta log of one table: which files it has, and commits that cannot collide.

Used by jobs/lake/lake.py only. Data files are written first, under `data/` of the table (vacuum skips names that begin
with `_`), and count only once a commit names them.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions
from pyarrow import fs

from jobs.lake import machine
from jobs.lake.data_files import refuse_damaged, with_checksum
from jobs.lake.files import DataFile, LakeError, check_schema, from_footer, from_log, stats_json
from jobs.lake.tables.contract import Column, Dataset, extended, spark_type_name

CONFIGURATION = {
    "delta.dataSkippingNumIndexedCols": "-1",  # of all columns: files are chosen by the last ones, too
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}


GROUP_ROWS, GROUP_BYTES = 100_000, 64 * 1024 * 1024
"""A row group has no more than these and one batch: what is gathered in memory before it is written."""


class Conflict(Exception):
    """Another writer committed first. Look at the table again, then decide."""


@dataclass(frozen=True)
class Snapshot:
    """One version of a table."""

    delta: DeltaTable
    version: int

    @cached_property
    def files(self) -> list[DataFile]:
        rows = pa.table(self.delta.get_add_actions(flatten=True)).to_pylist()
        return sorted((from_log(row) for row in rows), key=lambda file: file.path)

    def transaction(self, app: str) -> int | None:
        return self.delta.transaction_version(app)

    def written_since(self, version: int) -> set[str]:
        """The steps that wrote after a version, as far as the log still tells."""
        since = (entry.get("klantreis") or {} for entry in self.delta.history() if entry["version"] > version)
        return {info["app"] for info in since if "app" in info}


class DeltaLog:
    """The folder of one table, local or on S3."""

    def __init__(self, root: str, dataset: Dataset, store: tuple[fs.FileSystem, str], as_stored: bool = False) -> None:
        """With `as_stored` a table to which a configuration adds columns has those it was last written with."""
        self.dataset = dataset
        self.uri = f"{root.rstrip('/')}/{dataset.name}"
        self.filesystem, base = store
        self.folder = f"{base.rstrip('/')}/{dataset.name}"
        if dataset.open and as_stored and (stored := self.snapshot()):
            known = set(dataset.column_names)
            added = [f for f in pa.schema(stored.delta.schema().to_arrow()) if f.name not in known]
            self.dataset = extended(dataset, tuple(Column(f.name, spark_type_name(f.type), f.name) for f in added))

    def latest_version(self) -> int | None:
        """Number of the newest commit, by listing the log: cheaper than reading it."""
        return max(self._entries(), default=None)

    def _entries(self) -> dict[int, int]:
        """Number of each commit to the size of its entry in the log."""
        selector = fs.FileSelector(f"{self.folder}/_delta_log", allow_not_found=True)
        try:
            infos = self.filesystem.get_file_info(selector)
        except OSError as error:
            raise machine.told(error) or self._unreachable() from error
        json = (info for info in infos if len(info.base_name) == 25 and info.base_name.endswith(".json"))
        return {int(info.base_name[:20]): info.size for info in json}

    def snapshot(self, version: int | None = None) -> Snapshot | None:
        """The table at `version` (default: newest); None if it does not exist yet."""
        try:
            delta = DeltaTable(self.uri, version=version, storage_options=storage_options(self.uri))
        except TableNotFoundError:
            if version is None:
                return None
            raise LakeError(f"{self.dataset.name}: version {version} is not in {self.uri}") from None
        except DeltaError as error:
            raise machine.told(error) or self._damaged(version) from error
        except OSError as error:
            raise machine.told(error) or self._unreachable() from error
        opened = delta.version()
        # delta-rs takes an entry that was cut to nothing for a commit of nothing
        if any(size == 0 for number, size in self._entries().items() if number <= opened):
            raise self._damaged(version)
        return Snapshot(delta, opened)

    def _damaged(self, version: int | None) -> LakeError:
        """What to say of a version that cannot be opened: its own entry is broken, or one before it is gone."""
        if version is None:
            newest = self.latest_version()
            entry = f"{self.uri}/_delta_log/{newest or 0:020d}.json"
            return LakeError(
                f"{self.dataset.name}: the newest entry of its log, {entry}, or one before it cannot be read; copy the "
                "folder _delta_log from a backup, or go back with `klantreis lake restore "
                f"{self.dataset.name} --to VERSION` (`klantreis lake verify` says which versions can be read)"
            )
        return LakeError(
            f"{self.dataset.name}: version {version} cannot be opened in {self.uri}; its log may have been cleaned"
        )

    def _unreachable(self) -> LakeError:
        hint = "check that the folder can be read"
        if self.uri.startswith("s3://"):
            hint = "check the bucket, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        return LakeError(f"{self.dataset.name}: {self.uri} cannot be read; {hint}")

    def new_folder(self) -> str:
        """A fresh folder for data files, relative to the table."""
        return f"data/{uuid.uuid4().hex}"

    def staged(self, folder: str) -> list[DataFile]:
        """The Parquet files written in `folder`, with statistics, each checked against the table's schema."""
        infos = self.filesystem.get_file_info(
            fs.FileSelector(f"{self.folder}/{folder}", allow_not_found=True, recursive=True)
        )
        files = sorted((i for i in infos if i.is_file and i.base_name.endswith(".parquet")), key=lambda i: i.path)
        found = (self._inspect(info) for info in files)
        return [file for file in found if file.rows]

    def discard(self, folder: str) -> None:
        """Remove staged files no commit names. What a crash leaves behind, vacuum removes."""
        path = f"{self.folder}/{folder}"
        if self.filesystem.get_file_info(path).type == fs.FileType.Directory:
            self.filesystem.delete_dir(path)

    def _inspect(self, info: fs.FileInfo) -> DataFile:
        path = with_checksum(self.filesystem, info).removeprefix(f"{self.folder}/")
        metadata = pq.read_metadata(f"{self.folder}/{path}", filesystem=self.filesystem)
        check_schema(self.dataset, metadata.schema.to_arrow_schema(), f"{self.uri}/{path}")
        return from_footer(self.dataset, path, info.size, metadata)

    def scan(self, files: Sequence[DataFile]) -> ds.Dataset:
        """An Arrow dataset over exactly these files. Raises LakeError if one is missing or changed."""
        refuse_damaged(self, files)
        paths = [f"{self.folder}/{file.path}" for file in files]
        schema = self.dataset.arrow_schema()
        if not paths:
            return ds.dataset(schema.empty_table())
        return ds.dataset(paths, schema=schema, format="parquet", filesystem=self.filesystem)

    def uris(self, files: Iterable[DataFile]) -> list[str]:
        return [f"{self.uri}/{file.path}" for file in files]

    def write(self, folder: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Write Arrow batches to `folder`, a file per million rows, so memory stays bounded."""
        schema, writer, written, number = self.dataset.arrow_schema(), None, 0, 0
        self.filesystem.create_dir(f"{self.folder}/{folder}", recursive=True)
        try:
            for rows in _row_groups(batches):
                if writer is None:
                    target = f"{self.folder}/{folder}/part-{number:05d}.parquet"
                    writer = pq.ParquetWriter(target, schema, filesystem=self.filesystem, compression="zstd")
                writer.write_table(rows)
                written += rows.num_rows
                if written >= 1_000_000:
                    writer.close()
                    writer, written, number = None, 0, number + 1
        finally:
            if writer is not None:
                writer.close()

    def commit(
        self,
        before: Snapshot | None,
        add: Sequence[DataFile],
        remove: Sequence[DataFile],
        transaction: tuple[str, int] | None,
        info: dict[str, Any],
        data_change: bool = True,
        steps: Mapping[str, int] | None = None,
    ) -> int:
        """Publish as the version right after `before`, or raise Conflict: nobody's commit is ever passed over.

        `steps` are ids of newest writes to note beside that of `transaction`.
        """
        now = int(time.time() * 1000)
        adds = [AddAction(f.path, f.size, {}, now, data_change, stats_json(f)) for f in add]
        removes = [RemoveAction(f.path, data_change, now, f.size, {}) for f in remove]
        noted = [*(steps or {}).items(), *([transaction] if transaction else [])]
        transactions = [Transaction(app, version, now) for app, version in noted]
        properties = CommitProperties(
            custom_metadata={"klantreis": info}, app_transactions=transactions, max_commit_retries=0
        )
        try:
            if before is None:
                self._create(adds, properties)
                return 0
            schema = before.delta.schema()
            if self.dataset.open and schema != (wanted := Schema.from_arrow(self.dataset.arrow_schema())):
                # overwriting is how delta-rs changes the columns of a table; it removes every file by itself
                before.delta.create_write_transaction([*adds], "overwrite", wanted, commit_properties=properties)
            else:
                before.delta.create_write_transaction([*removes, *adds], "append", schema, commit_properties=properties)
            return before.version + 1
        except CommitFailedError as error:
            raise Conflict(str(error)) from error

    def _create(self, adds: list[AddAction], properties: CommitProperties) -> None:
        if "://" not in self.uri:
            os.makedirs(self.uri, exist_ok=True)
        try:
            create_table_with_add_actions(
                self.uri,
                Schema.from_arrow(self.dataset.arrow_schema()),
                adds,
                mode="error",
                name=self.dataset.name,
                description=self.dataset.grain,
                configuration=CONFIGURATION,
                storage_options=storage_options(self.uri),
                commit_properties=properties,
            )
        except DeltaError as error:
            if "already exists" in str(error):
                raise Conflict(str(error)) from error
            raise

    def tidy_log(self) -> None:
        """Write a checkpoint, so that opening reads one file, and drop log entries past their retention."""
        delta = DeltaTable(self.uri, storage_options=storage_options(self.uri))
        delta.create_checkpoint()
        delta.cleanup_metadata()

    def cut_log(self) -> None:
        """Write a checkpoint of the newest version and drop every entry before it, whatever its age."""
        delta = DeltaTable(self.uri, storage_options=storage_options(self.uri))
        delta.create_checkpoint()
        newest = delta.version()
        entries = self.filesystem.get_file_info(fs.FileSelector(f"{self.folder}/_delta_log"))
        for info in entries:
            number = info.base_name[:20]
            if info.is_file and number.isdigit() and int(number) < newest:
                self.filesystem.delete_file(info.path)

    def commit_info(self, snapshot: Snapshot, app: str, version: int) -> dict[str, Any]:
        """What the commit of that transaction recorded about itself; empty once the log was cleaned."""
        for entry in snapshot.delta.history():
            info = entry.get("klantreis") or {}
            if info.get("app") == app and info.get("id") == version:
                return dict(info)
        return {}


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """What is written as one row group each: batches one after another, until they are enough.

    A reader pays for each group, so that a thousand batches of a row each would take it seconds.
    """
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if not batch.num_rows:  # would become a row group without statistics
            continue
        gathered.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield pa.Table.from_batches(gathered)
            gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered)


def filesystem(root: str) -> tuple[fs.FileSystem, str]:
    """Arrow's file system for a lake root, and the root's path in it."""
    if not root.startswith("s3://"):
        return fs.LocalFileSystem(), os.path.abspath(root)
    endpoint = _endpoint()
    scheme, _, host = endpoint.rpartition("://")
    options = {"endpoint_override": host, "scheme": scheme or "https"} if endpoint else {}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return fs.S3FileSystem(region=region, **options), root.removeprefix("s3://")


def storage_options(uri: str) -> dict[str, str] | None:
    """How delta-rs reaches the lake; keys and secrets it takes from the environment itself."""
    if not uri.startswith("s3://"):
        return None
    options = {"aws_conditional_put": "etag"}
    if _endpoint():
        options["aws_endpoint"] = _endpoint()
        options["aws_allow_http"] = str(_endpoint().startswith("http://")).lower()
    return options


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name].rstrip("/") for name in names if os.environ.get(name)), "")
