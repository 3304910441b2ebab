"""Time each step of a history load: ours, the same on Apache Spark, and a plain DuckDB scan of the step's input.

`python -m benchmarks.steps --size 0.1` prints one row per step. Ratios travel between machines, seconds do not.
The tables of both engines are compared: a step that is fast because it is wrong fails the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
LAST_DAY = "2017-12-28"
INPUTS = {
    "validate": ["raw/"],
    "identity": ["valid/"],
    "profiles": ["valid/contacts", "valid/consents", "valid/campaign_events", "identity/map"],
    "journeys": [
        "valid/events",
        "valid/orders",
        "valid/campaign_events",
        "valid/conversations",
        "valid/survey_responses",
        "identity/map",
    ],
    "traits": ["valid/", "journeys/", "identity/map"],
    "score": ["models/features"],
    "audiences": ["profiles/people", "profiles/traits", "journeys/stages", "models/scores"],
}
"""Tables each step reads; a name ending in `/` stands for the zone."""

TIMED_RUN = """
import json, sys, time
from datetime import date
from jobs import pipeline
from jobs.lake.engine import get_spark
from jobs.config.settings import load_settings

started = time.monotonic()
get_spark().range(1).count()
seconds = {"engine start": time.monotonic() - started}
for outcome in pipeline.run_day(date.fromisoformat(sys.argv[1]), load_settings(), until="audiences"):
    if outcome.error:
        raise outcome.error
    seconds[outcome.step] = seconds.get(outcome.step, 0.0) + outcome.seconds
print(json.dumps(seconds))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.1, help="1 is the real company")
    parser.add_argument("--no-spark", action="store_true", help="leave Apache Spark out")
    chosen = parser.parse_args()
    work = ROOT / "var" / "bench" / f"{chosen.size:g}"
    subprocess.run(
        [sys.executable, "-m", "examples.retail", "--size", f"{chosen.size:g}", "--out", str(work)],
        cwd=ROOT,
        check=True,
    )
    ours = _run(work, "sail")
    spark = {} if chosen.no_spark else _run_on_spark(work)
    scans = {step: _scan_tables(work / "sail" / "lake", tables) for step, tables in INPUTS.items()}
    scans["ingest"] = _scan_landing(work / "landing", work / "sail" / "lake")
    _print(chosen.size, ours, spark, scans)
    return 0 if chosen.no_spark else _compare(work)


def _run(work: Path, engine: str, **environment: str) -> dict[str, float]:
    """Seconds per step of a run from an empty lake in a process of its own."""
    home = work / engine
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", TIMED_RUN, LAST_DAY],
        cwd=ROOT,
        env={
            **os.environ,
            "KLANTREIS_HOME": str(home),
            "KLANTREIS_LAKE": str(home / "lake"),
            "KLANTREIS_LANDING": str(work / "landing"),
            "KLANTREIS_HASH_KEY": "benchmark",
            **environment,
        },
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the run on {engine} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _run_on_spark(work: Path) -> dict[str, float]:
    from tests.spark_server import spark_server

    with spark_server() as remote:
        return _run(work, "spark", SPARK_REMOTE=remote)


def _scan_tables(lake: Path, tables: list[str]) -> float:
    """Median seconds of reading every value of the tables once."""
    folders = [folder for name in tables for folder in (lake.glob(f"{name}*") if name.endswith("/") else [lake / name])]
    queries = [
        f"select sum(hash(columns(*))) from read_parquet('{folder}/data/**/*.parquet')"
        for folder in folders
        if list(folder.glob("data/**/*.parquet"))
    ]
    return _median(queries)


def _scan_landing(landing: Path, lake: Path) -> float:
    """Median seconds of reading every line of the files that ingest loaded, as text."""
    from jobs.lake.lake import Lake

    files = Lake(str(lake)).arrow("ops/files", columns=["path", "state"]).to_pylist()
    by_kind: dict[str, list[str]] = {}
    for file in files:
        if file["state"] == "loaded":
            by_kind.setdefault(file["path"].rpartition(".")[2], []).append(str(landing / file["path"]))
    text = "columns={'line': 'varchar'}, delim='\x01', quote='', escape='', header=false"
    return _median(
        [f"select sum(hash(line)) from read_csv({paths}, {text}, ignore_errors=true)" for paths in by_kind.values()]
    )


def _median(queries: list[str]) -> float:
    times = []
    for _ in range(3):
        started = time.monotonic()
        for sql in queries:
            duckdb.sql(sql).fetchall()
        times.append(time.monotonic() - started)
    return sorted(times)[1]


def _print(size: float, ours: dict[str, float], spark: dict[str, float], scans: dict[str, float]) -> None:
    table = Table(
        "step", "seconds", "Apache Spark / ours", "ours / DuckDB scan of input", title=f"History load at size {size:g}"
    )
    for step, seconds in [*ours.items(), ("all", sum(ours.values()))]:
        peer = sum(spark.values()) if step == "all" else spark.get(step)
        scan = scans.get(step)
        table.add_row(
            step,
            f"{seconds:.1f}",
            f"{peer / seconds:.1f}" if peer else "",
            f"{seconds / scan:.1f}" if scan else "",
        )
    Console().print(table)


def _compare(work: Path) -> int:
    """1 if a table differs between the engines."""
    from jobs.lake.lake import Lake
    from jobs.lake.tables import catalogue

    ours, spark = (Lake(str(work / engine / "lake")) for engine in ("sail", "spark"))
    tables = [name for name in catalogue.DATASETS if ours.exists(name)]
    different = [name for name in tables if ours.content_hash(name) != spark.content_hash(name)]
    Console().print(f"Tables that differ between the engines: {', '.join(different) or 'none'} (of {len(tables)})")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
