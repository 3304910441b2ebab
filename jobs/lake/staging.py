"""Rows computed once for a step that looks at them several times, outside any table."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pyarrow import fs
from pyspark.sql import DataFrame

from jobs.lake.engine import get_spark, path_for_engine
from jobs.lake.lake import Lake
from jobs.lake.log import filesystem

FORGOTTEN_AFTER = 24 * 3600
"""Seconds after which staged rows belong to a step that was killed."""


@contextmanager
def staged(lake: Lake, rows: DataFrame) -> Iterator[DataFrame]:
    """`rows`, computed once and kept beside the tables until the block ends."""
    files, base = filesystem(lake.root)
    folder = f"{base}/staging"
    name = uuid.uuid4().hex
    _remove_forgotten(files, folder)
    schema = rows.schema
    try:
        rows.write.parquet(path_for_engine(f"{lake.root}/staging/{name}"))
        yield get_spark().read.schema(schema).parquet(path_for_engine(f"{lake.root}/staging/{name}"))
    finally:
        _remove(files, f"{folder}/{name}")


def _remove_forgotten(files: fs.FileSystem, folder: str) -> None:
    found = files.get_file_info(fs.FileSelector(folder, allow_not_found=True, recursive=True))
    oldest = time.time() - FORGOTTEN_AFTER
    stale = {info.path[len(folder) + 1 :].split("/")[0] for info in found if info.is_file and _changed(info) < oldest}
    for name in stale:
        _remove(files, f"{folder}/{name}")


def _changed(info: fs.FileInfo) -> float:
    return info.mtime.timestamp() if info.mtime else time.time()


def _remove(files: fs.FileSystem, path: str) -> None:
    if files.get_file_info(path).type is fs.FileType.Directory:
        files.delete_dir(path)
