"""Start, find and stop the background processes of the local stack, and no others.

A process is remembered by its number and its start time, so a number the system gave to another program later is never
mistaken for ours. Each runs in a session of its own: stopping ends the whole session, children of children included.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from jobs.cli.private_files import OWN

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Process:
    """A background process we started. `started` is its start time in seconds since 1970, as the system reports it."""

    name: str
    pid: int
    started: float
    port: int
    log: str

    def alive(self) -> bool:
        try:
            found = psutil.Process(self.pid)
            return abs(found.create_time() - self.started) < 1 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


class Processes:
    """The processes remembered in `folder`, one file each, with their logs beside them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def running(self, name: str) -> Process | None:
        """The process of that name, if it still runs."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            return None
        process = Process(**json.loads(path.read_text()))
        return process if process.alive() else None

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def start(self, name: str, port: int, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> Process:
        """Start `command` in a new session; its output goes to `<name>.log`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.log"
        with path.open("wb") as output:
            child = subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=OWN,
            )
        process = Process(name, child.pid, psutil.Process(child.pid).create_time(), port, str(path))
        (self.folder / f"{name}.json").write_text(json.dumps(asdict(process)))
        log.info("started %s, process %s, port %s", name, child.pid, port)
        return process

    def stop(self, names: Sequence[str], patience: float = 15) -> list[str]:
        """End these processes and everything in their sessions; the names of those that were running."""
        running = [process for process in map(self.running, names) if process]
        leaders = [process.pid for process in running]
        alive = _sessions(leaders)
        for member in alive:
            _signal(member, signal.SIGTERM)
        psutil.wait_procs(alive, timeout=patience)
        while alive := _sessions(leaders):  # what did not listen, or was started while its parent was ending
            for member in alive:
                _signal(member, signal.SIGKILL)
            psutil.wait_procs(alive, timeout=patience)
        for name in names:
            (self.folder / f"{name}.json").unlink(missing_ok=True)
        return [process.name for process in running]


def port_is_free(port: int) -> bool:
    """Whether a server could listen on that port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def last_lines(path: str, count: int = 20) -> str:
    """The end of a log file."""
    return "\n".join(Path(path).read_text(errors="replace").splitlines()[-count:])


def wait_until(ready: Mapping[str, Callable[[], bool]], timeout: float) -> list[str]:
    """Ask each `ready[name]()` until it is true; the names that still are not after `timeout` seconds."""
    missing = dict(ready)
    end = time.monotonic() + timeout
    while missing:
        missing = {name: check for name, check in missing.items() if not check()}
        if not missing or time.monotonic() > end:
            break
        time.sleep(0.2)
    return sorted(missing)


def _sessions(leaders: Sequence[int]) -> list[psutil.Process]:
    """All live processes of the sessions these processes opened."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) in leaders and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
            continue
    return members


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
