"""Is the lake what its logs say? Every file there, with the bytes that were written, as many rows, and readable."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import MachineFailed
from jobs.lake.data_files import refuse_damaged
from jobs.lake.files import DataFile, LakeError
from jobs.lake.log import DeltaLog, filesystem
from jobs.lake.place import Place
from jobs.lake.restore import made_once, newest_readable
from jobs.lake.tables import catalogue


@dataclass(frozen=True)
class Verified:
    """One table: files and rows its log names, and what is wrong, a sentence each."""

    table: str
    files: int
    rows: int
    problems: list[str]

    @property
    def state(self) -> str:
        return f"{len(self.problems)} problems" if self.problems else "fine"


def verify(place: Place, name: str, every_value: bool = False) -> Verified | None:
    """Compare a table with its log; None if it was never written.

    With `every_value` every value is read, not only the end of each file.
    """
    log = DeltaLog(place.lake, catalogue.get(name), filesystem(place.lake))
    problems: list[str] = []
    try:
        if log.latest_version() is None:
            return None
        snapshot = log.snapshot()
    except (LakeError, MachineFailed) as error:
        problems.append(str(error))
        with suppress(MachineFailed):  # which was just told: then nobody knows a version
            problems.append(_last_readable(log))
        return Verified(log.dataset.name, 0, 0, problems)
    files = snapshot.files if snapshot else []
    problems = [what for file in files if (what := _problem(log, file, every_value))]
    return Verified(log.dataset.name, len(files), sum(file.rows for file in files), problems)


def _last_readable(log: DeltaLog) -> str:
    """Which version to go back to."""
    name, version = log.dataset.name, newest_readable(log)
    if version is None:
        return f"{name}: no version can be read"
    command = f"klantreis lake restore {name} --to {version}"
    told = f"{name}: version {version} is the newest that can be read"
    if made_once(name):
        return (
            f"{told}, and no step makes again what it has held since: copy it from a backup, or say that this may be "
            f"lost (`{command} --forget-since`)"
        )
    return f"{told} (`{command}`)"


def _problem(log: DeltaLog, file: DataFile, every_value: bool) -> str | None:
    place = f"{log.dataset.name}: {log.uri}/{file.path}"
    try:
        refuse_damaged(log, [file])
        with pq.ParquetFile(f"{log.folder}/{file.path}", filesystem=log.filesystem) as parquet:
            rows = parquet.metadata.num_rows
            if every_value:
                rows = sum(batch.num_rows for batch in parquet.iter_batches())
    except LakeError as error:
        return str(error)
    except (OSError, pa.ArrowException) as error:
        return f"{place} cannot be read: {str(error).splitlines()[0]}; copy the file from a backup"
    return None if rows == file.rows else f"{place} has {rows} rows, and {file.rows} in the log"
