"""Rows of one table on their way to a commit: cast, staged, compared by key. Used by jobs/lake/lake.py only.

Data that comes as a DataFrame is handled by the engine, wherever that runs. Arrow data is handled in this process,
with only its key columns in memory, so that small bookkeeping writes need no engine at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from jobs.lake.data_files import refuse_damaged
from jobs.lake.files import DataFile, LakeError, SchemaMismatch
from jobs.lake.log import DeltaLog

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Data = Any
"""A DataFrame, a pa.Table or an iterable of pa.RecordBatch."""

SMALL = 1_000_000  # bytes
FEW = 100_000
"""Rows whose keys this process compares itself, whoever wrote them: to ask the engine takes longer."""
INTEGERS = ("tinyint", "smallint", "int", "bigint")


@dataclass(frozen=True)
class Staged:
    """Data files that no commit names yet."""

    folder: str
    files: list[DataFile]
    by_engine: bool

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


def few(staged: Staged, others: Sequence[DataFile]) -> bool:
    """Whether staged rows, and those of files to compare them with, are so few that their keys are compared here."""
    return staged.rows + sum(file.rows for file in others) <= FEW


def is_frame(data: Data) -> bool:
    return hasattr(data, "sparkSession")


def read_frame(log: DeltaLog, files: Sequence[DataFile]) -> DataFrame:
    """The rows of exactly these files, with the table's schema. Raises LakeError if one is missing or changed."""
    from jobs.lake.engine import get_spark, path_for_engine

    schema = log.dataset.spark_schema()
    if not files:
        return get_spark().createDataFrame([], schema)
    refuse_damaged(log, files)
    return get_spark().read.schema(schema).parquet(*[path_for_engine(uri) for uri in log.uris(files)])


def stage(log: DeltaLog, data: Data) -> Staged:
    """Write `data` as files of the table that no reader sees yet, with its columns in order and typed."""
    if is_frame(data):
        return stage_frame(log, _typed_frame(log, data))
    return stage_arrow(log, _typed_batches(log, data))


def stage_frame(log: DeltaLog, frame: DataFrame) -> Staged:
    """Write by the engine. Many small files, one of each of its partitions, become one file."""
    from jobs.lake.engine import path_for_engine

    folder = log.new_folder()
    with _whole_or_gone(log, folder):
        frame.write.parquet(path_for_engine(f"{log.uri}/{folder}"))
        files = log.staged(folder)
    if len(files) > 1 and sum(file.size for file in files) < len(files) * SMALL:
        merged = merge(log, files)
        log.discard(folder)
        return Staged(merged.folder, merged.files, by_engine=True)
    return Staged(folder, files, by_engine=True)


def stage_arrow(log: DeltaLog, batches: Iterable[pa.RecordBatch]) -> Staged:
    folder = log.new_folder()
    with _whole_or_gone(log, folder):
        log.write(folder, batches)
        return Staged(folder, log.staged(folder), by_engine=False)


@contextmanager
def _whole_or_gone(log: DeltaLog, folder: str) -> Iterator[None]:
    """Removes what a write left that was cut short: a disk that is full would stay full."""
    try:
        yield
    except BaseException:
        with suppress(OSError):  # of two errors the first one is told
            log.discard(folder)
        raise


def _typed_frame(log: DeltaLog, frame: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    found = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    columns = []
    for column in log.dataset.columns:
        if column.name not in found:
            raise SchemaMismatch(f"{log.dataset.name}: column {column.name!r} is missing from the rows to write")
        type_ = found[column.name]
        if type_ == column.type:
            columns.append(F.col(f"`{column.name}`"))
        elif _casts(type_, column.type):
            columns.append(F.col(f"`{column.name}`").cast(column.type).alias(column.name))
        else:
            raise SchemaMismatch(
                f"{log.dataset.name}: column {column.name!r} is {type_}, expected {column.type}; cast it first"
            )
    return frame.select(*columns)


def _casts(found: str, expected: str) -> bool:
    """Whether the lake casts by itself: never what would round, cut or guess.

    A number too large for its type fails the write, since both engines run in ANSI mode.
    """
    if found == "void":
        return True
    if found in INTEGERS:
        return expected in INTEGERS or expected == "double" or expected.startswith("decimal")
    if found.startswith("decimal") and expected.startswith("decimal"):
        return _scale(found) <= _scale(expected)
    return found == "float" and expected == "double"


def _scale(decimal: str) -> int:
    return int(decimal.rstrip(")").split(",")[1])


def _typed_batches(log: DeltaLog, data: pa.Table | Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    schema = log.dataset.arrow_schema()
    tables = [data] if isinstance(data, pa.Table) else (pa.Table.from_batches([batch]) for batch in data)
    for table in tables:
        missing = [name for name in schema.names if name not in table.column_names]
        if missing:
            raise SchemaMismatch(f"{log.dataset.name}: column {missing[0]!r} is missing from the rows to write")
        arrays = []
        for column in schema:
            try:
                arrays.append(table[column.name].cast(column.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                # Arrow's own message may quote a value, which can be personal data.
                raise SchemaMismatch(
                    f"{log.dataset.name}: column {column.name!r} is {table[column.name].type}, "
                    f"and a value does not fit {column.type}"
                ) from None
        yield from pa.Table.from_arrays(arrays, schema=schema).to_batches(max_chunksize=128_000)


def refuse_null_keys(log: DeltaLog, staged: Staged) -> None:
    """A row without its key could never be found again, so it is not accepted."""
    for column in log.dataset.key:
        if any(file.nulls.get(column) != 0 for file in staged.files):
            raise LakeError(
                f"{log.dataset.name}: key column {column!r} is empty in rows to write; "
                f"the key is {', '.join(log.dataset.key)}"
            )


def take(log: DeltaLog, files: Sequence[DataFile], positions: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows at these sorted positions, counted over the files in order."""
    start = 0
    for batch in _batches(log, files):
        end = start + batch.num_rows
        inside = positions[(positions >= start) & (positions < end)] - start
        if len(inside):
            yield batch.take(pa.array(inside))
        start = end


def _batches(log: DeltaLog, files: Sequence[DataFile]) -> Iterator[pa.RecordBatch]:
    schema = log.dataset.arrow_schema()
    refuse_damaged(log, files)
    for file in files:
        with pq.ParquetFile(f"{log.folder}/{file.path}", filesystem=log.filesystem) as parquet:
            for batch in parquet.iter_batches(batch_size=128_000, columns=schema.names):
                yield from pa.Table.from_batches([batch]).select(schema.names).cast(schema).to_batches()


def merge(log: DeltaLog, files: Sequence[DataFile]) -> Staged:
    """The rows of `files`, in order, in fewer files."""
    return stage_arrow(log, _batches(log, files))


def distinct_keys(log: DeltaLog, keys: Data) -> Data:
    """`keys` as a table of existing columns without nulls, to match rows with."""
    names = keys.columns if is_frame(keys) else keys.column_names
    unknown = [name for name in names if name not in log.dataset.column_names]
    if unknown or not names:
        raise SchemaMismatch(f"{log.dataset.name}: rows to match have column {unknown or names}, the table does not")
    if is_frame(keys):
        return keys.dropDuplicates().dropna(how="any")
    schema = log.dataset.arrow_schema()
    typed = pa.table({name: keys[name].cast(schema.field(name).type) for name in names})
    return typed.group_by(names).aggregate([]).select(names).drop_null()


def staged_keys(log: DeltaLog, staged: Staged, others: Sequence[DataFile]) -> Data:
    """The keys of staged rows, to match those of other files with."""
    key = list(log.dataset.key)
    if staged.by_engine and not few(staged, others):
        return read_frame(log, staged.files).select(*key)
    return log.scan(staged.files).to_table(columns=key)


def files_with(log: DeltaLog, files: Sequence[DataFile], keys: Data) -> list[DataFile]:
    """Those of `files` that hold a row matching `keys`. The engine looks at groups of files once there are many."""
    if not files:
        return []
    if not is_frame(keys):
        return [f for f in files if len(_matches(log.scan([f]).to_table(columns=keys.column_names), keys))]
    from functools import reduce

    from pyspark.sql import functions as F

    size = -(-len(files) // 32)
    groups = [files[start : start + size] for start in range(0, len(files), size)]
    marked = (read_frame(log, g).select(*keys.columns, F.lit(i).alias("_group")) for i, g in enumerate(groups))
    matched = reduce(lambda a, b: a.unionByName(b), marked).join(keys, on=keys.columns, how="left_semi")
    touched = {row["_group"] for row in matched.groupBy("_group").agg(F.count("*")).collect()}
    return [file for index, group in enumerate(groups) if index in touched for file in group]


def stage_without(log: DeltaLog, files: Sequence[DataFile], keys: Data) -> Staged:
    """The rows of `files` that do not match `keys`."""
    if is_frame(keys):
        rows = read_frame(log, files).join(keys, on=keys.columns, how="left_anti")
        return stage_frame(log, rows.select(*log.dataset.column_names))
    found = log.scan(files).to_table(columns=keys.column_names)
    keep = np.setdiff1d(np.arange(found.num_rows), _matches(found, keys))
    return stage_arrow(log, take(log, files, keep))


def stage_other_days(log: DeltaLog, files: Sequence[DataFile], day: Any) -> Staged:
    """The rows of `files` of any day but `day`."""
    column = log.dataset.day_column
    batches = (
        batch.filter(pc.fill_null(pc.not_equal(batch[column], pa.scalar(day, pa.date32())), True))
        for batch in _batches(log, files)
    )
    return stage_arrow(log, batches)


def _matches(table: pa.Table, keys: pa.Table) -> np.ndarray:
    """Positions of the rows of `table` whose columns equal a row of `keys`."""
    numbered = table.append_column("_row", pa.array(np.arange(table.num_rows)))
    return numbered.join(keys, keys=keys.column_names, join_type="left semi")["_row"].to_numpy()


def is_day(column: str, day: Any) -> ds.Expression:
    """Rows whose day in a column is that day."""
    return ds.field(column) == pa.scalar(day, pa.date32())
