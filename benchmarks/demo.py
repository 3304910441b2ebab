"""The whole demo, and one further day of it in Airflow, against an earlier commit on the same machine.

    python -m benchmarks.demo [--size 1] [--against ae1a6ae]

Both versions are checked out into a temporary folder each, set up, and run `klantreis demo` there, one after the
other, on ports of their own. Set-up is not counted. The further day lasts from the end of the pushes of the day before
the last to the end of those of the last, by Airflow's own records. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PORTS = {"AIRFLOW": 8480, "MLFLOW": 5480, "SMTP": 2580, "DATA_MANAGER": 8426}
LAST_STEP = "push_audiences"


class Times(NamedTuple):
    """Seconds."""

    demo: float
    day: float


def measured(commit: str, folder: Path, size: float) -> Times:
    """What the demo of that commit takes; its services are stopped and its checkout is removed afterwards."""
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder), commit], cwd=ROOT, check=True)
    ports = {f"KLANTREIS_{name}_PORT": str(port) for name, port in PORTS.items()}
    foreign = ("KLANTREIS_", "AIRFLOW_", "MLFLOW_", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | ports
    klantreis = str(folder / ".venv" / "bin" / "klantreis")
    try:
        subprocess.run(["make", "--silent", "setup"], cwd=folder, env=environment, check=True)
        started = time.monotonic()
        subprocess.run([klantreis, "demo", "--size", f"{size:g}"], cwd=folder, env=environment, check=True)
        return Times(time.monotonic() - started, last_day(folder / "var" / "airflow" / "airflow.db"))
    finally:
        subprocess.run([klantreis, "stop"], cwd=folder, env=environment, check=False)
        subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=False)


def last_day(database: Path) -> float:
    """Seconds between the ends of the last two runs of the last DAG of a day. Raises ValueError if there are fewer."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as airflow:
        found = airflow.execute(
            "select end_date from dag_run where dag_id = ? and state = 'success' order by end_date desc limit 2",
            (LAST_STEP,),
        ).fetchall()
    if len(found) < 2:
        raise ValueError(f"{database}: {len(found)} runs of {LAST_STEP} ended well; two days are needed")
    last, before = (datetime.fromisoformat(end) for (end,) in found)
    return (last - before).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=float, default=1.0, help="1 is the real company")
    parser.add_argument("--against", default="ae1a6ae", help="the earlier commit")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="klantreis_demo_") as folder:
        before = measured(asked.against, Path(folder) / "before", asked.size)
        now = measured("HEAD", Path(folder) / "now", asked.size)
    print(f"{'':20} {asked.against:>10} {'HEAD':>10} {'ratio':>7}")
    for name, earlier, later in zip(("demo, s", "one further day, s"), before, now, strict=True):
        print(f"{name:20} {earlier:10.1f} {later:10.1f} {later / earlier:7.2f}")


if __name__ == "__main__":
    main()
