"""What the machine refuses, in one line: no disk, no rights, no open files, no memory.

The same refusal comes as an OSError, as a MemoryError, or in the words of whichever library met it. What is lacking,
where, and what to do about it is told here once. Words of the libraries are left out: some repeat values of rows.
"""

from __future__ import annotations

import errno
import os
import re
import resource
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.errors import MachineFailed
from jobs.plain_text import harmless

NEEDED = 2.5
"""GB of memory for a company of the size of the demo on the embedded engine: what loading its history takes at most."""
BESIDE_A_CLUSTER = 1.0
"""GB where another machine is the engine."""
SETTING = "KLANTREIS_MEMORY_GB"
"""Variable that says another need, for a company that is smaller or larger."""

_RIGHTS = "give the user of this run access to it (chown, chmod), or run as the user it belongs to"
_ROOM = "make room there, or move what grows to a larger disk"
_REMEDIES = {
    errno.ENOSPC: ("the disk is full", _ROOM),
    errno.EDQUOT: ("the disk quota of this user is used up", _ROOM),
    errno.EFBIG: (
        "the file is larger than the system allows",
        "raise the limit (ulimit -f) or use another file system",
    ),
    errno.EROFS: ("it is on a file system that can only be read", "mount it so that it can be written, or move it"),
    errno.EACCES: ("not allowed", _RIGHTS),
    errno.EPERM: ("not allowed", _RIGHTS),
    errno.EMFILE: (
        "too many files are open in this process",
        "raise the limit: ulimit -n 8192, or LimitNOFILE= of its service",
    ),
    errno.ENFILE: ("too many files are open on this machine", "raise fs.file-max, or stop what else runs there"),
    errno.ENOMEM: ("the memory is used up", "give this process more, or run fewer tasks at the same time"),
    errno.EAGAIN: ("no further thread or process may start", "raise the limit (ulimit -u, pids.max of the container)"),
    errno.EIO: ("the disk does not answer (I/O error)", "look after the disk or the network it is on"),
    errno.ESTALE: ("the network disk lost it", "mount it anew"),
    errno.ENOENT: ("it is not there", "see whether something removed it, or its disk is not mounted"),
    errno.ENOTDIR: ("a part of its path is a file", "remove that file or correct the path"),
    errno.EISDIR: ("there is a folder in its place", "remove that folder or correct the path"),
    errno.ENAMETOOLONG: ("its name is longer than the file system allows", "choose a shorter path"),
    errno.ELOOP: ("its links go in circles", "correct the link"),
}
_WORDS = {
    errno.ENOSPC: r"no space left|disk is full|disk full|os error 28\b|failed to offload data block",
    errno.EDQUOT: r"quota exceeded|os error 122\b",
    errno.EROFS: r"read-only file system|readonly database|os error 30\b",
    errno.EACCES: r"permission denied(?! for )|os error 13\b|operation not permitted|unable to open database file",
    errno.EMFILE: r"too many open files|os error 24\b",
    errno.ENOMEM: r"out of memory|cannot allocate memory|resources exhausted|(?:failed to|could not) allocate|bad_alloc"
    r"|(?:malloc|realloc) of size|java heap space|os error 12\b",
    errno.EAGAIN: r"can't start new thread|resource temporarily unavailable|os error 11\b",
    errno.EIO: r"disk i/o error|os error 5\b",
}
"""How libraries say it where they do not hand on the number. Rights "for" something are those of a database."""
_LIBRARIES = (
    "pyspark",
    "grpc",
    "duckdb",
    "_duckdb",
    "deltalake",
    "_internal",
    "sqlite3",
    "sqlalchemy",
    "pyarrow",
    "mlflow",
)
_PATH = re.compile(r"(/[^\s'\"`,;]+)")
_QUOTED = re.compile(r"['\"`].*['\"`]", re.DOTALL)
_CONDITION = re.compile(r"\s*\[([A-Z][A-Z0-9_.]*)\]")


def told(error: BaseException, about: str = "") -> MachineFailed | None:
    """One line about what the machine refused; None if `error` says nothing of the kind. `about` names the step."""
    found = next(((one, number) for one in _chain(error) if (number := _number(one))), None)
    if found is None:
        return None
    cause, number = found
    missing, remedy = _REMEDIES[number]
    path, table = _path(cause, error), _table(error)
    if number == errno.ENOSPC and path:
        missing, remedy = _room(path, missing, remedy)
    elif number == errno.ENOSPC:
        remedy = f"make room on the disk of the lake and on that of temporary files ({tempfile.gettempdir()})"
    if number == errno.EMFILE:
        missing += f" ({resource.getrlimit(resource.RLIMIT_NOFILE)[0]:,})"
    if number == errno.ENOMEM and (limit := memory_limit()):
        missing += f" (of {limit:.1f} GB)"
    where = " ".join(filter(None, (table, f"({harmless(path)})" if table and path else harmless(path))))
    named = ": ".join(filter(None, (about, where, missing)))
    return MachineFailed(f"{named}; {remedy}, then run again: what is done stays done", number)


def refuse_too_little_memory(about: str = "") -> None:
    """Raise MachineFailed if this process may not take the memory it needs: it would be killed or hang later."""
    usual = BESIDE_A_CLUSTER if os.environ.get("SPARK_REMOTE") else NEEDED
    said = os.environ.get(SETTING, "")
    try:
        needed = float(said or usual)
    except ValueError:
        raise MachineFailed(f"{SETTING}={said!r} is no number; write gigabytes, such as 2.5") from None
    limit = memory_limit()
    if limit is not None and limit < needed:
        raise MachineFailed(
            f"{about + ': ' if about else ''}this process may take {limit:.1f} GB of memory and needs {needed:g} GB; "
            "give its machine or container more (docker run --memory, resources.limits.memory), or, for a company that "
            f"needs less, set {SETTING}; nothing was begun"
        )


def memory_limit(root: Path = Path("/")) -> float | None:
    """GB that this process may take at most: of the machine, of its control groups (1 and 2), of `ulimit -v`."""
    limits = [*_of_groups(root), *_of_machine(root)]
    if (most := resource.getrlimit(resource.RLIMIT_AS)[0]) != resource.RLIM_INFINITY:
        limits.append(most)
    return min(limits) / 1e9 if limits else None


def _of_groups(root: Path) -> Iterator[int]:
    """Limits of the group of this process and of all groups above it; a container sees its own as the topmost."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers in ("", "memory") or "memory" in controllers.split(","):
            base, name = ("memory", "memory.limit_in_bytes") if controllers else ("", "memory.max")
            top = root / "sys/fs/cgroup" / base
            for folder in (top / group.strip("/"), *(top / group.strip("/")).parents):
                if folder.is_relative_to(top) and (value := _text(folder / name).strip()).isdigit():
                    yield int(value)


def _of_machine(root: Path) -> Iterator[int]:
    if total := re.search(r"^MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE):
        yield int(total[1]) * 1024


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of: libraries wrap what the system said, or say it while they handle that."""
    seen: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in seen:
        seen.append(following)
        yield following
        following = following.__cause__ or (following.__context__ if _of_library(following) else None)


def _number(error: BaseException) -> int | None:
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    known = getattr(error, "errno", None) if isinstance(error, OSError) else None
    if known in _REMEDIES:
        return known
    no_thread = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    if known is None and (isinstance(error, OSError) or no_thread or _of_library(error)):
        words = _words(error).lower()
        return next((number for number, said in _WORDS.items() if re.search(said, words)), None)
    return None


def _words(error: BaseException) -> str:
    """The words of an error that no value of a row decides: an engine repeats values, a database statements too."""
    text = str(error)
    if _of_library(error, ("sqlalchemy",)):
        return ""  # of a database elsewhere, or of SQLite, whose own error is its cause
    if not _of_library(error) or _names_files(error):
        return text
    if _of_library(error, ("pyspark",)):
        condition = getattr(error, "getCondition", lambda: None)()
        if condition is None and (found := _CONDITION.match(text)):
            condition = found[1]
        if condition:
            return str(condition).replace("_", " ")
    return _QUOTED.sub("", text)


def _of_library(error: BaseException, libraries: tuple[str, ...] = _LIBRARIES) -> bool:
    return any(kind.__module__.partition(".")[0] in libraries for kind in type(error).__mro__)


def _names_files(error: BaseException) -> bool:
    """Whether the words of an error are about files, and never about values of rows."""
    return isinstance(error, OSError) or _of_library(error, ("deltalake", "_internal"))


def _path(cause: BaseException, error: BaseException) -> str:
    """The file or folder it is about: as the error names it, else one of its words that is there, or could be."""
    if isinstance(cause, OSError) and isinstance(cause.filename, (str, bytes)):
        return os.fsdecode(cause.filename)
    for one in filter(_names_files, (cause, error)):
        for found in _PATH.findall(str(one)):
            path = found.rstrip(".:)")
            if os.path.lexists(path) or (path.count("/") > 1 and os.path.isdir(os.path.dirname(path))):
                return str(path)
    table = _log(error)
    return str(table.uri) if table is not None and "://" not in str(table.uri) else ""


def _table(error: BaseException) -> str:
    log = _log(error)
    return str(log.dataset.name) if log is not None else ""


def _log(error: BaseException) -> Any:
    """The log of the table that was read or written: what the innermost call of the lake was about."""
    found = None
    for one in _chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_globals.get("__name__", "").startswith("jobs.lake."):
                here = (frame.f_locals.get(name) for name in ("self", "table", "log"))
                found = next((log for log in here if hasattr(log, "dataset") and hasattr(log, "uri")), found)
    return found


def _room(path: str, missing: str, remedy: str) -> tuple[str, str]:
    """What is missing on the disk of a path, and what to do: it may have room and no more names for files."""
    there = next((one for one in (Path(path), *Path(path).parents) if one.exists()), Path("/"))
    try:
        disk = os.statvfs(there)
    except OSError:
        return missing, remedy
    if disk.f_files and not disk.f_favail:
        return f"the disk has none of its {disk.f_files:,} inodes left", "remove files there, small ones count too"
    free, size = disk.f_bavail * disk.f_frsize / 1e6, disk.f_blocks * disk.f_frsize / 1e6
    return f"{missing} ({free:,.0f} of {size:,.0f} MB free now)", remedy
