"""What a day of journeys costs beside the whole history: 1 % of the events new, some late, 1 in 100 customers merged.

`python -m benchmarks.day --events 1_000_000` fills a lake with a year of visits, orders and campaign contacts, runs
`map_journeys` for all of it, delivers one more day and runs it again. `--check` rebuilds that day in a lake of its own
and compares every table row by row: a day that is fast because it is wrong fails. The ratio travels between machines,
seconds do not.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

ROOT = Path(__file__).resolve().parent.parent
FIRST = date(2017, 1, 1)
DAYS = 100
"""Days of history, each an equal part of the events; the day after them brings as much again."""
LIMIT = 0.05
KEY = "benchmark"

EVENTS = """
select 'e' || lpad(i::varchar, 12, '0') as event_id, 'web' as source, 'login' || customer as login_id,
       ['page_view', 'search', 'product_view', 'add_to_cart', 'purchase'][1 + (hash(i) % 5)::int] as type,
       began + to_seconds((i % 5) * 90) as occurred_at, 'https://shop.example/p' || (hash(i * 3) % 999) as url,
       ['mobile', 'tablet', 'desktop'][1 + (hash(visit) % 3)::int] as device, 'o' || visit as order_id,
       ((hash(i * 7) % 9000) / 100)::decimal(18,2) as value, 'f' as file_id, i as line, date '{day}' as arrived
from (
    select i, visit, (hash(visit) % {customers})::bigint as customer,
           timestamptz '{day} 00:00:00+00' - to_days(if(hash(visit * 5) % 50 = 0, 1 + (hash(visit) % 9)::int, 0))
           + to_seconds((hash(visit * 11) % 80000)::bigint) as began
    from (select i, i // 5 as visit from range({start}, {end}) t(i)))"""
ORDERS = """
select 'o' || i as order_id, 'web' as source, 'login' || (hash(i) % {customers})::bigint as login_id,
       'completed' as status, timestamptz '{day} 12:00:00+00' as ordered_at, ordered_at as updated_at,
       ((hash(i * 7) % 9000) / 100)::decimal(18,2) as total, 'f' as file_id, i as line, date '{day}' as arrived
from range({start} // 20, {end} // 20) t(i)"""
CAMPAIGNS = """
select 'm' || lpad(i::varchar, 12, '0') as event_id, 'ads' as source, 'email' as channel, 'c' || (i % 9) as campaign_id,
       'login' || (hash(i) % {customers})::bigint as login_id, if(i % 7 = 0, 'click', 'delivered') as type,
       timestamptz '{day} 00:00:00+00' + to_seconds((hash(i * 11) % 80000)::bigint) as occurred_at, 'f' as file_id,
       i as line, date '{day}' as arrived
from range({start} // 10, {end} // 10) t(i)"""
DATASETS = {"events": EVENTS, "orders": ORDERS, "campaign_events": CAMPAIGNS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the whole history")
    parser.add_argument("--check", action="store_true", help="compare with a rebuild of the day")
    chosen = parser.parse_args()
    work = ROOT / "var" / "bench" / f"day-{chosen.events}"
    if "KLANTREIS_BENCHMARK" not in os.environ:  # the settings of the machine must not reach the benchmark
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KLANTREIS_")}
        own = {**clean, "KLANTREIS_BENCHMARK": "1", "KLANTREIS_HASH_KEY": KEY, "KLANTREIS_HOME": str(work)}
        return subprocess.run([sys.executable, "-m", "benchmarks.day", *sys.argv[1:]], env=own, cwd=ROOT).returncode
    shutil.rmtree(work, ignore_errors=True)
    settings = _company(work)
    _deliver(settings, work, chosen.events, range(DAYS))
    _name(settings, chosen.events, DAYS - 1)
    full, full_busy = _run(settings, DAYS - 1)
    peak = _peak()
    _deliver(settings, work, chosen.events, range(DAYS, DAYS + 1))
    _name(settings, chosen.events, DAYS)
    day, day_busy = _run(settings, DAYS)
    print(f"{chosen.events:,} events: full {full:.1f} s, a day {day:.1f} s, ratio {day / full:.3f} (limit {LIMIT:g})")
    print(f"of the processor: {full_busy:.1f} s and {day_busy:.1f} s, ratio {day_busy / full_busy:.3f}")
    print(f"peak memory {peak:.1f} GiB in the full run, {_peak():.1f} GiB in all")
    differing = _differing(settings, work) if chosen.check else []
    if chosen.check:
        print(f"tables that differ from a rebuild: {', '.join(differing) or 'none'}")
    return 0 if day <= LIMIT * full and not differing else 1


def _company(work: Path, lake: str = "lake") -> Any:
    from jobs.config.settings import load_settings

    folder = work / f"config-{lake}"
    folder.mkdir(parents=True)
    for name in ("journey.yaml", "models.yaml", "destinations.yaml", "traits.yaml"):
        shutil.copy(ROOT / "config" / name, folder / name)
    contacts = {"files": "x.csv", "columns": {"contact_id": "id", "updated_at": "at"}}
    files = {
        "settings.yaml": {"company": "B", "timezone": "Europe/Amsterdam", "landing": "landing", "lake": lake},
        "identity.yaml": {"golden_record": {}, "purposes": {}},
        "sources/web.yaml": {"source": "web", "group": "web", "datasets": {"contacts": contacts}},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return load_settings(folder)


def _deliver(settings: Any, work: Path, events: int, days: range) -> None:
    """One append per dataset and day, as ingest and validate make it."""
    from pyspark.sql import functions as F

    from jobs.lake.engine import get_spark
    from jobs.lake.lake import Lake
    from jobs.lake.tables import catalogue

    lake, each = Lake.of(settings), events // DAYS
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        for number in days:
            for name, sql in DATASETS.items():
                path = work / f"{name}.parquet"
                bounds = {"start": number * each, "end": (number + 1) * each, "customers": events // 50}
                query = sql.format(day=FIRST + timedelta(days=number), **bounds)
                database.execute(f"copy ({query}) to '{path}' (format parquet)")
                rows = get_spark().read.parquet(str(path))
                given = set(rows.columns)
                columns = catalogue.get(f"valid/{name}").columns
                typed = [
                    (F.col(c.name) if c.name in given else F.lit(None)).cast(c.type).alias(c.name) for c in columns
                ]
                txn = lake.transaction("deliver", FIRST + timedelta(days=number), config=name)
                lake.append(f"valid/{name}", rows.select(*typed), txn)


def _name(settings: Any, events: int, number: int) -> None:
    """Who is who: a customer per login; on the last day every hundredth goes on under the id of the next."""
    from jobs.lake.lake import Lake
    from jobs.lake.tables import catalogue

    day = FIRST + timedelta(days=number)
    merged = f"if(n % 100 = 0 and {number} = {DAYS}, n + 1, n)"
    sql = f"""select substr(sha256('{KEY}|login:login' || n), 1, 32) as identifier, 'login' as kind,
                     'c' || lpad(({merged})::varchar, 9, '0') as customer_id, date '{FIRST}' as first_seen,
                     ['web'] as sources, date '{day}' as as_of from range({events // 50}) t(n)"""
    with duckdb.connect() as database:
        table = database.sql(sql).to_arrow_table().cast(catalogue.get("identity/map").arrow_schema())
    lake = Lake.of(settings)
    lake.replace("identity/map", table, lake.transaction("identity", day))


def _run(settings: Any, number: int) -> tuple[float, float]:
    """Seconds, and seconds of the processor: on a busy machine the latter tell more."""
    from jobs.journeys import journeys
    from jobs.lake.engine import get_spark

    get_spark().range(1).count()
    started, busy = time.monotonic(), time.process_time()
    journeys.run(FIRST + timedelta(days=number), settings)
    return time.monotonic() - started, time.process_time() - busy


def _differing(settings: Any, work: Path) -> list[str]:
    """Tables of journeys/* that a rebuild makes otherwise."""
    from jobs.journeys import journeys
    from jobs.lake.lake import Lake

    anew = _company(work, "anew")
    for zone in ("valid", "identity"):
        shutil.copytree(Path(settings.lake) / zone, Path(anew.lake) / zone)
    _run(anew, DAYS)
    ours, theirs = Lake.of(settings), Lake.of(anew)
    return [name for name in journeys.WRITES if ours.content_hash(name) != theirs.content_hash(name)]


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    sys.exit(main())
