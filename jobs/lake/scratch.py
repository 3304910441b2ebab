"""Results that a step uses more than once, computed once: kept as files until the step ends.

A DataFrame is a recipe; each use of it computes it again. The files lie under `data/` of a table without being in its
log, as staged files do: no reader sees them, and what a killed step leaves behind, vacuum removes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from jobs.lake.files import statistics_of
from jobs.lake.log import DeltaLog

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Keep = Callable[["DataFrame"], "DataFrame"]
"""What computes rows once that are used more than once, such as a Scratch; or gives them back as they are."""


@dataclass(frozen=True)
class Kept:
    """Rows in files, for the engine (`frame`) and for this process (`arrow`)."""

    frame: DataFrame
    rows: int
    unfilled: frozenset[str]
    """Columns without any value, as far as the files tell."""
    paths: list[str]
    filesystem: fs.FileSystem

    def arrow(self, schema: pa.Schema) -> pa.Table:
        """The rows with the columns and types of `schema`."""
        if not self.rows:
            return schema.empty_table()
        found = ds.dataset(self.paths, format="parquet", filesystem=self.filesystem).to_table(columns=schema.names)
        return found.cast(schema)


class Scratch:
    """`with lake.scratch(table) as keep: rows = keep(frame)`; the rows can be read until the block ends."""

    def __init__(self, table: DeltaLog) -> None:
        self._table = table
        self._folders: list[str] = []

    def __enter__(self) -> Scratch:
        return self

    def __call__(self, frame: DataFrame) -> DataFrame:
        """The same rows, read from files."""
        return self.kept(frame).frame

    def kept(self, frame: DataFrame) -> Kept:
        """The same rows in files, and how many they are."""
        from pyspark.sql.pandas.types import from_arrow_schema

        from jobs.lake.engine import path_for_engine

        folder = self._table.new_folder()
        self._folders.append(folder)
        uri = path_for_engine(f"{self._table.uri}/{folder}")
        frame.write.parquet(uri)
        spark, files, paths = frame.sparkSession, self._table.filesystem, self._paths(folder)
        if not paths:
            return Kept(spark.createDataFrame([], frame.schema), 0, frozenset(frame.columns), [], files)
        # What was written tells its columns; the engine would have to read the whole recipe once more to tell them.
        written = [pq.read_metadata(path, filesystem=files) for path in paths]
        schema = from_arrow_schema(written[0].schema.to_arrow_schema())
        rows = sum(one.num_rows for one in written)
        unfilled = frozenset.intersection(*map(_unfilled, written))
        return Kept(spark.read.schema(schema).parquet(uri), rows, unfilled, paths, files)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for folder in self._folders:
            self._table.discard(folder)

    def _paths(self, folder: str) -> list[str]:
        selector = fs.FileSelector(f"{self._table.folder}/{folder}", allow_not_found=True, recursive=True)
        found = self._table.filesystem.get_file_info(selector)
        return sorted(info.path for info in found if info.base_name.endswith(".parquet"))


def _unfilled(file: pq.FileMetaData) -> frozenset[str]:
    """Columns of a file of which its statistics say that no row has a value."""
    groups = [file.row_group(number) for number in range(file.num_row_groups)]
    nulls = {
        file.schema.column(index).path: sum(told.null_count for told in statistics_of(groups, index))
        for index in range(file.num_columns)
    }
    return frozenset(name for name, count in nulls.items() if count == file.num_rows)
