"""Time the front door: ingest, validate and commit of orders, against plain copies of the same file without checks.

`python -m benchmarks.ingest --rows 1000000` prints medians and ratios of one run. The plain copies write what ours
writes, a table of text and a table of typed columns, and check, number, hash, deduplicate and explain nothing:

- the same engine: reads the CSV as text and writes Parquet, reads that, casts and writes Parquet;
- Apache Spark doing the same (needs Java; `--no-spark` leaves it out);
- DuckDB COPY, the limit: CSV to Parquet, Parquet to typed Parquet.

It also prints what a day without news costs, and how the cost grows from a quarter of the rows to all of them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
DAY = dt.date(2024, 5, 1)
COLUMNS = {
    "order_id": "string",
    "updated_at": "timestamp",
    "ordered_at": "timestamp",
    "status": "string",
    "channel": "string",
    "store_id": "string",
    "currency": "string",
    "total": "decimal(18,2)",
    "discount": "decimal(18,2)",
    "loyalty_id": "string",
    "email": "string",
}
ORDERS = """
select i as order_id,
       '2024-04-30 12:00:00' as updated_at,
       strftime(timestamp '2024-04-01' + (i % 2000000) * interval 1 second, '%Y-%m-%d %H:%M:%S') as ordered_at,
       'completed' as status,
       case i % 2 when 0 then 'web' else 'store' end as channel,
       i % 300 as store_id,
       'EUR' as currency,
       ((i * 37) % 100000) / 100.0 as total,
       0.5 as discount,
       100000 + i % 200000 as loyalty_id,
       'c' || (i % 200000) || '@example.org' as email
from range({rows}) numbers(i)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="the median of so many runs counts")
    parser.add_argument("--no-spark", action="store_true", help="leave Apache Spark out")
    chosen = parser.parse_args()
    os.environ["KLANTREIS_HASH_KEY"] = "benchmark"
    work = ROOT / "var" / "bench" / "ingest"
    shutil.rmtree(work, ignore_errors=True)
    full, quarter = _company(work / "full", chosen.rows), _company(work / "quarter", chosen.rows // 4)
    csv = next(full.glob("var/landing/**/*.csv"))
    _ours(quarter)  # the first run also loads libraries
    ours, plain, limit, small = [], [], [], []
    for _ in range(chosen.repeat):  # in turns, so that a busy moment of the machine hits all of them
        ours.append(_ours(full))
        plain.append(_plain(csv, work))
        limit.append(_duckdb_copy(csv, work))
        small.append(_ours(quarter))
    again = [_timed(lambda: _load_and_publish(full)) for _ in range(chosen.repeat)]
    spark = None if chosen.no_spark else _plain_on_spark(csv, work, chosen.repeat)
    total = statistics.median(sum(run.values()) for run in ours)
    table = Table(
        "what", "seconds (median)", "ours / this", title=f"{chosen.rows:,} orders, {csv.stat().st_size >> 20} MB"
    )
    for step in ours[0]:
        table.add_row(f"ours: {step}", f"{statistics.median(run[step] for run in ours):.2f}", "")
    table.add_row("ours: all", f"{total:.2f}", "1.0")
    peers = {"same engine, plain copies": statistics.median(plain), "DuckDB COPY": statistics.median(limit)}
    for name, seconds in {**peers, **({} if spark is None else {"Apache Spark, plain copies": spark})}.items():
        table.add_row(name, f"{seconds:.2f}", f"{total / seconds:.1f}")
    growth = total / statistics.median(sum(run.values()) for run in small)
    console = Console()
    console.print(table)
    console.print(
        f"a day without news: {statistics.median(again):.2f} s; four times the rows: {growth:.1f} times the time"
    )


def _company(home: Path, rows: int) -> Path:
    """A company whose only source delivered one file of so many orders."""
    minimal: dict[str, Any] = {
        "settings.yaml": {"company": "Benchmark", "landing": "var/landing", "lake": "var/lake"},
        "sources/pos.yaml": {
            "source": "pos",
            "group": "crm",
            "datasets": {"orders": {"files": "{day}/orders*.csv", "columns": {name: name for name in COLUMNS}}},
        },
        "identity.yaml": {"golden_record": {}, "purposes": {}},
        "journey.yaml": {"stages": [{"stage": "awareness", "name": "seen", "when": "true"}]},
        "models.yaml": {"features": ["recency_days"]},
        "traits.yaml": {
            "traits": {"recency_days": {"title": "t", "over": "orders", "value": "min(days_ago)", "type": "bigint"}}
        },
        "destinations.yaml": {"destinations": {}},
    }
    for name, content in minimal.items():
        path = home / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    landing = home / "var" / "landing" / "pos" / str(DAY)
    landing.mkdir(parents=True)
    duckdb.sql(f"copy ({ORDERS.format(rows=rows)}) to '{landing / 'orders.csv'}' (header)")
    return home


def _ours(home: Path) -> dict[str, float]:
    """Seconds of each step from an empty lake."""
    shutil.rmtree(home / "var" / "lake", ignore_errors=True)
    return _load_and_publish(home)


def _load_and_publish(home: Path) -> dict[str, float]:
    from jobs.config.settings import load_settings
    from jobs.ingest import load
    from jobs.validate import step

    settings = load_settings(home / "config")
    return {
        "ingest": _timed(lambda: load.run("pos", DAY, settings)),
        "validate and publish": _timed(lambda: step.run("pos", DAY, settings)),
    }


def _plain(csv: Path, work: Path) -> float:
    from jobs.lake.engine import get_spark

    def copy() -> None:
        spark, text, typed = get_spark(), work / "text", work / "typed"
        spark.read.option("header", True).csv(str(csv)).write.mode("overwrite").parquet(str(text))
        casts = [f"cast({name} as {type_}) as {name}" for name, type_ in COLUMNS.items()]
        spark.read.parquet(str(text)).selectExpr(*casts).write.mode("overwrite").parquet(str(typed))

    return _timed(copy)


def _plain_on_spark(csv: Path, work: Path, repeat: int) -> float:
    """The same plain copies on a local Apache Spark, in a process of its own: a process has one engine."""
    from tests.spark_server import spark_server

    code = (
        "import sys, statistics; from pathlib import Path; from benchmarks.ingest import _plain; "
        "times = [_plain(Path(sys.argv[1]), Path(sys.argv[2])) for _ in range(int(sys.argv[3]) + 1)]; "
        "print(statistics.median(times[1:]))"
    )
    with spark_server() as remote:
        done = subprocess.run(
            [sys.executable, "-c", code, str(csv), str(work / "spark"), str(repeat)],
            cwd=ROOT,
            env={**os.environ, "SPARK_REMOTE": remote},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise SystemExit(f"the copies on Apache Spark failed:\n{done.stderr[-3000:]}")
    return float(done.stdout.splitlines()[-1])


def _duckdb_copy(csv: Path, work: Path) -> float:
    text, typed = work / "text.parquet", work / "typed.parquet"
    casts = ", ".join(f"cast({name} as {type_}) as {name}" for name, type_ in COLUMNS.items())

    def copy() -> None:
        duckdb.sql(f"copy (select * from read_csv('{csv}', all_varchar=true)) to '{text}'")
        duckdb.sql(f"copy (select {casts} from '{text}') to '{typed}'")

    return _timed(copy)


def _timed(call: Callable[[], Any]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
