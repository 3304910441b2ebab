"""Are the data files of a table there, and are they what was written?

A file that is written to a disk carries the checksum (CRC-32) of its bytes in its name: `NAME.c0123abcd.parquet`. So it
is known to every version that names the file, whichever engine wrote it and whatever reads it. An object store keeps
checksums of its own; there names stay as the engine gives them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from pyarrow import fs

from jobs.lake.files import DataFile, LakeError
from jobs.lake.tables.contract import Dataset

LISTED = 20
"""From so many files on, an object store is asked for a list of the folder."""
CHUNK = 4_000_000  # bytes
_NAMED = re.compile(r"\.c([0-9a-f]{8})\.parquet$")
_whole: set[tuple[str, int, int]] = set()
"""Files this process compared with their checksum: path, size and time of the last change."""


class Stored(Protocol):
    """Where the files of a table are: its folder in a file system, and how people write that place."""

    dataset: Dataset
    filesystem: fs.FileSystem

    @property
    def folder(self) -> str: ...

    @property
    def uri(self) -> str: ...


def checksum(filesystem: fs.FileSystem, path: str) -> str:
    """CRC-32 of the bytes of a file, as eight hexadecimal digits: no change of one bit, or of 32 in a row, keeps it."""
    found = 0
    with filesystem.open_input_stream(path) as stream:
        while chunk := stream.read(CHUNK):
            found = zlib.crc32(chunk, found)
    return f"{found:08x}"


def with_checksum(filesystem: fs.FileSystem, info: fs.FileInfo) -> str:
    """Rename a file that no commit names yet, so that its name tells its checksum. Returns its path."""
    if not isinstance(filesystem, fs.LocalFileSystem) or _NAMED.search(info.path):
        return str(info.path)
    path = f"{info.path.removesuffix('.parquet')}.c{checksum(filesystem, info.path)}.parquet"
    filesystem.move(info.path, path)
    _whole.add((path, info.size, info.mtime_ns))
    return path


def refuse_damaged(log: Stored, files: Sequence[DataFile]) -> None:
    """Raise LakeError if a file of the log is not there, is not as long as the log says, or holds other bytes.

    Engines pass over a file that is gone and read what is left as if it were all, and most changed bytes as values.
    Bytes are compared once per file and process, as long as its size and the time of its last change stay.
    """
    found = {info.path: info for info in _told_by_the_store(log, files)}
    unread = []
    for file in files:
        info = found.get(f"{log.folder}/{file.path}")
        if info is None or not info.is_file:
            raise _lost(log, file, "is missing")
        if info.size != file.size:
            raise _lost(log, file, f"has {info.size} bytes instead of {file.size}")
        if _NAMED.search(file.path) and (info.path, info.size, info.mtime_ns) not in _whole:
            unread.append((file, info))
    if not unread:
        return
    with ThreadPoolExecutor(min(4, len(unread))) as pool:
        sums = pool.map(lambda one: checksum(log.filesystem, one[1].path), unread)
        for (file, info), now in zip(unread, sums, strict=True):
            if not file.path.endswith(f".c{now}.parquet"):
                raise _lost(log, file, "has other bytes than were written")
            _whole.add((info.path, info.size, info.mtime_ns))


def _lost(log: Stored, file: DataFile, what: str) -> LakeError:
    return LakeError(
        f"{log.dataset.name}: {log.uri}/{file.path} {what}: the table has lost rows; copy the file from a backup, or "
        f"go back with `klantreis lake restore {log.dataset.name} --to VERSION` (`klantreis lake verify` lists every "
        "such file)"
    )


def _told_by_the_store(log: Stored, files: Sequence[DataFile]) -> list[fs.FileInfo]:
    """What the store says of these files: asked one by one on a disk, in lists from an object store."""
    if isinstance(log.filesystem, fs.LocalFileSystem) or len(files) < LISTED:
        return log.filesystem.get_file_info([f"{log.folder}/{file.path}" for file in files])
    return log.filesystem.get_file_info(fs.FileSelector(f"{log.folder}/data", allow_not_found=True, recursive=True))
