"""The demo company at a small size, run in a process of its own against real sandboxes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import outside

ROOT = Path(__file__).resolve().parent.parent
SIZE = "0.02"
HASH_KEY = "end-to-end-5b1f6c0a9d"


@dataclass(frozen=True)
class Company:
    """One home folder: its lake, models and the environment its commands run in."""

    home: Path
    environment: dict[str, str]
    after: dict[str, dict[str, str]] = field(default_factory=dict)
    """Content hashes of the tables by the day up to which they were lived."""
    told: list[str] = field(default_factory=list)
    """What commands printed and logged."""

    def klantreis(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line; with `check` fail with its output if it exits non-zero."""
        done = subprocess.run(
            [sys.executable, "-m", "jobs.cli", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1800,
        )
        self.told.extend((done.stdout, done.stderr))
        assert done.returncode == 0 or not check, f"klantreis {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done

    @property
    def lake(self):
        from jobs.lake.lake import Lake

        return Lake(str(self.home / "lake"))

    def hashes(self) -> dict[str, str]:
        """Content hash of every table that exists, without the columns that tell when a server answered."""
        from jobs.lake.tables import catalogue

        found = {}
        for name in catalogue.DATASETS:
            if self.lake.exists(name) and name not in RUNS:
                found[name] = self.lake.content_hash(name, exclude=CLOCK.get(name, ()))
        return found


RUNS = ("journeys/touched",)
"""Tables of what one run did, which differ by what it did at once."""
CLOCK = {
    "activation/ledger": ("updated_at", "request_id", "batch_id"),
    "ops/files": ("version",),
    "identity/standing": ("inputs", "steps"),
}
"""Columns that tell one try from another: the clock and request numbers of an outside server, drawn batch ids,
versions of files, which are trusted only of files that had been at rest for a while when they were read, and numbers of
the commits that identity went on from, which depend on which source was done first."""


def company(home: Path, landing: Path, connections: dict[str, str], **environment: str) -> Company:
    """A company with the project's own config/, its state below `home`."""
    home.mkdir(parents=True, exist_ok=True)
    return Company(
        home,
        {
            **outside(),
            "KLANTREIS_HOME": str(home),
            "KLANTREIS_LAKE": str(home / "lake"),
            "KLANTREIS_LANDING": str(landing),
            "KLANTREIS_HASH_KEY": HASH_KEY,
            "COLUMNS": "200",
            **connections,
            **environment,
        },
    )


def generate(folder: Path, size: str = SIZE) -> None:
    """Write landing files and truth of the demo company into `folder`."""
    subprocess.run(
        [sys.executable, "-m", "examples.retail", "--size", size, "--out", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
