"""One Airflow process for all tests of a worker that need one, and one migrated database for all workers.

Loading Airflow takes about 20 s and migrating its database 10 s, so neither is done for each test.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import outside

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "tests" / "dags"


@dataclass(frozen=True)
class Done:
    """What a script printed."""

    stdout: str
    stderr: str

    @property
    def found(self) -> dict | list:
        """The JSON on its last line."""
        return json.loads(self.stdout.splitlines()[-1])


@dataclass(frozen=True)
class Airflow:
    """Runs scripts in forks of a process that has loaded Airflow, each with an empty, migrated database."""

    home: Path
    migrated: Path
    process: subprocess.Popen[str]

    def run(self, script: str | Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Done:
        """Run a script of tests/dags, or any other by its path.

        `environment` is added to what this process has in common with every other.
        """
        if self.migrated.exists():
            for left in self.home.glob("airflow.db*"):  # with what the script before left to be written to it
                left.unlink()
            shutil.copy(self.migrated, self.home / "airflow.db")
        request = {
            "script": str(SCRIPTS / script),
            "arguments": arguments,
            "environment": outside() | dict(environment or {}),
            "stdout": str(self.home / "stdout"),
            "stderr": str(self.home / "stderr"),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = self.process.stdout.readline().strip()
        assert code, f"Airflow ended:\n{(self.home / 'server.log').read_text(errors='replace')[-3000:]}"
        done = Done(*(Path(request[name]).read_text(errors="replace") for name in ("stdout", "stderr")))
        assert code == "0", f"{script} ended with {code}:\n{done.stderr[-3000:]}"
        return done


@contextmanager
def airflow_process(home: Path, shared: Path) -> Iterator[Airflow]:
    """Start it with its state in `home`; the migrated database is made once in `shared`."""
    migrated = shared / "airflow_migrated.db"
    with _server([sys.executable, str(SCRIPTS / "airflow_server.py")], _variables(home), home) as process:
        airflow = Airflow(home, migrated, process)
        with (shared / "airflow_migrated.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not migrated.exists():
                airflow.run("migrate.py")
                _copy(home / "airflow.db", migrated)
        yield airflow


def _copy(database: Path, target: Path) -> None:
    """With what is in its write-ahead log only."""
    with closing(sqlite3.connect(database)) as given, closing(sqlite3.connect(target)) as copy:
        given.backup(copy)


@contextmanager
def _server(command: Sequence[str], variables: Mapping[str, str], home: Path) -> Iterator[subprocess.Popen[str]]:
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=ROOT,
            env=outside() | variables,
        )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()  # ends its loop
        process.wait()


def _variables(home: Path) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "PYTHONPATH": str(ROOT),
    }
