"""Put a table back to one of its versions, in one commit: after a wrong write, or when the end of its log is damaged.

The version becomes the newest one again, with copies of its files: whoever read the table since sees that rows went,
and works on the whole table. Steps that wrote since are forgotten with their rows, so that they run again.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import PurePosixPath

from pyarrow import fs

from jobs.errors import MachineFailed
from jobs.lake.data_files import refuse_damaged
from jobs.lake.files import DataFile, LakeError
from jobs.lake.log import Conflict, DeltaLog, Snapshot, filesystem
from jobs.lake.place import Place
from jobs.lake.tables import catalogue

DAMAGED = "_damaged"
"""Folder of a table to which entries of its log go that cannot be read; vacuum leaves it alone."""
MADE_ONCE = (
    "activation/ledger", "activation/suppressions", "activation/offer_codes", "activation/codes_taken",
    "decisions/arms", "privacy/",
)  # fmt: skip
"""Tables, and layers, of what happened or was asked for: no step makes their rows again."""
NEVER_RAN = 0
"""The id of no step: fingerprints are larger."""


@dataclass(frozen=True)
class Restored:
    """What a table was put back to: the version with the same rows, the new version, rows, and entries set aside."""

    table: str
    version: int
    now: int
    rows: int
    set_aside: int


def restore(place: Place, name: str, to: int, forget_since: bool = False) -> Restored:
    """Make version `to` the newest. Doing it again makes the same rows newest again.

    Raises LakeError if there is no such version, if it cannot be read, if one of its files is gone or changed, or if
    the table holds what no step makes again and `forget_since` does not say that it may be forgotten.
    """
    if made_once(name) and not forget_since:
        raise LakeError(
            f"{name}: no step makes again what it has held since version {to}: people could be written to twice, or be "
            "forgotten about. Copy the table from a backup, or say --forget-since if that may be lost"
        )
    log = DeltaLog(place.lake, catalogue.get(name), filesystem(place.lake))
    newest = _highest(log)
    if newest is None:
        raise LakeError(f"{name}: was never written in {place.lake}; there is nothing to restore")
    if to > newest:
        raise LakeError(f"{name}: there is no version {to}; the newest is {newest}")
    then = log.snapshot(to)
    assert then is not None, "the table exists"
    refuse_damaged(log, then.files)
    readable = newest_readable(log)
    assert readable is not None, "version `to` was just read"
    set_aside = _set_aside(log, readable)
    now = _filled_up(log, newest)
    version = _put_back(log, now, then)
    return Restored(name, to, version, sum(file.rows for file in then.files), set_aside)


def made_once(name: str) -> bool:
    """Whether no step makes the rows of a table again."""
    return any(name.startswith(one) if one.endswith("/") else name == one for one in MADE_ONCE)


def newest_readable(log: DeltaLog) -> int | None:
    """The newest version that can be opened; None if there is none."""
    for version in range(log.latest_version() or 0, -1, -1):
        try:
            log.snapshot(version)
        except LakeError:
            continue
        except MachineFailed as error:
            if error.number not in (errno.EIO, errno.EACCES):  # of the disk or the process, not of this version
                raise
            continue
        return version
    return None


def _highest(log: DeltaLog) -> int | None:
    """The highest number a version ever had, those set aside before included: it must not be given to other rows."""
    numbers = [log.latest_version(), *(_number(info) for info in _listed(log, DAMAGED))]
    return max((number for number in numbers if number is not None), default=None)


def _set_aside(log: DeltaLog, readable: int) -> int:
    """Move the entries after the newest readable version out of the log; returns how many commits these were."""
    moved = 0
    for info in _listed(log, "_delta_log"):
        number = _number(info)
        if info.base_name == "_last_checkpoint" or (number is not None and number > readable):
            log.filesystem.create_dir(f"{log.folder}/{DAMAGED}", recursive=True)
            log.filesystem.move(info.path, f"{log.folder}/{DAMAGED}/{info.base_name}")
            moved += info.base_name.endswith(".json")
    return moved


def _filled_up(log: DeltaLog, newest: int) -> Snapshot:
    """The table with commits of nothing in the place of entries that were set aside."""
    now = log.snapshot()
    assert now is not None, "one version at least can be read"
    while now.version < newest:
        log.commit(now, [], [], None, {"operation": "restore"}, data_change=False)
        now = log.snapshot()
        assert now is not None
    return now


def _put_back(log: DeltaLog, now: Snapshot, then: Snapshot) -> int:
    copies = _copied(log, then.files)
    steps = {app: then.transaction(app) or NEVER_RAN for app in now.written_since(then.version)}
    info = {"operation": "restore", "restored": then.version}
    try:
        return log.commit(now, copies, now.files, None, info, steps=steps)
    except Conflict:
        raise LakeError(
            f"{log.dataset.name}: was written to while being restored; stop what runs, and do it again"
        ) from None


def _copied(log: DeltaLog, files: list[DataFile]) -> list[DataFile]:
    folder = log.new_folder()
    log.filesystem.create_dir(f"{log.folder}/{folder}", recursive=True)
    for number, file in enumerate(files):
        suffix = PurePosixPath(file.path).suffix
        log.filesystem.copy_file(f"{log.folder}/{file.path}", f"{log.folder}/{folder}/part-{number:05d}{suffix}")
    return log.staged(folder)


def _listed(log: DeltaLog, folder: str) -> list[fs.FileInfo]:
    found = log.filesystem.get_file_info(fs.FileSelector(f"{log.folder}/{folder}", allow_not_found=True))
    return [info for info in found if info.is_file]


def _number(info: fs.FileInfo) -> int | None:
    number = info.base_name[:20]
    return int(number) if number.isdigit() and len(number) == 20 else None
