"""Results that a step uses more than once, computed once: kept as files until the step ends.

A DataFrame is a recipe; each use of it computes it again. The files lie under `data/` of a table without being in its
log, as staged files do: no reader sees them, and what a killed step leaves behind, vacuum removes.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from pyarrow import fs

from jobs.lake.log import DeltaLog

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Scratch:
    """`with lake.scratch(table) as keep: rows = keep(frame)`; the rows can be read until the block ends."""

    def __init__(self, table: DeltaLog) -> None:
        self._table = table
        self._folders: list[str] = []

    def __enter__(self) -> Scratch:
        return self

    def __call__(self, frame: DataFrame) -> DataFrame:
        """The same rows, read from files."""
        from jobs.lake.engine import path_for_engine

        folder = self._table.new_folder()
        self._folders.append(folder)
        frame.write.parquet(path_for_engine(f"{self._table.uri}/{folder}"))
        spark, schema = frame.sparkSession, frame.schema
        if not self._holds_files(folder):
            return spark.createDataFrame([], schema)
        return spark.read.schema(schema).parquet(path_for_engine(f"{self._table.uri}/{folder}"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for folder in self._folders:
            self._table.discard(folder)

    def _holds_files(self, folder: str) -> bool:
        selector = fs.FileSelector(f"{self._table.folder}/{folder}", allow_not_found=True, recursive=True)
        return any(info.base_name.endswith(".parquet") for info in self._table.filesystem.get_file_info(selector))
