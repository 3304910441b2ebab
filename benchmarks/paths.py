"""Funnels, transitions, whole paths and attribution of many touchpoints, against one DuckDB scan of them.

`python -m benchmarks.paths --contacts 10_000_000` makes touchpoints of 110 days in five channels, of which one in eight
is an order, and runs the step `paths` with the shipped configuration on them. Ratios travel between machines, seconds
do not.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from jobs.config.settings import Settings, load_settings
from jobs.journeys.paths import step as behaviour
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.lake.queries import connect

ROOT = Path(__file__).resolve().parent.parent
LAST = date(2017, 12, 31)
ROWS = """
select 't' || i as touchpoint_id, 'c' || lpad((hash(i) % {customers})::varchar, 15, '0') as customer_id,
       (timestamptz '2017-12-31 23:00:00+00' - to_seconds((hash(i * 11) % (110 * 86400))::bigint)) as occurred_at,
       (occurred_at at time zone 'Europe/Amsterdam')::date as day,
       ['web', 'email', 'chat', 'store', 'ad'][1 + (hash(i * 3) % 5)::int] as channel,
       if(hash(i * 5) % 8 = 0, 'order', ['visit', 'visit', 'delivered', 'click'][1 + (hash(i * 17) % 4)::int]) as type,
       ['direct', 'paid', 'organic', 'email', 'spring', 'summer', 'sale'][1 + (hash(i * 7) % 7)::int] as subject,
       null::varchar as touchpoint, 'bench' as source, i::varchar as reference, 'neutral' as valence, 1 as nth,
       ((hash(i * 13) % 9000) / 100)::decimal(18,2) as amount
from range({contacts}) t(i)"""


def main() -> None:
    """Print the seconds of the step, of a scan, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=10_000_000)
    parser.add_argument("--per-customer", type=int, default=25)
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="bench-paths-"))
    try:
        settings = load_settings(ROOT / "config")
        settings = replace(settings, general=settings.general.model_copy(update={"lake": str(home / "lake")}))
        _fill(Lake.of(settings), home / "rows.parquet", asked.contacts, max(1, asked.contacts // asked.per_customer))
        scan = _timed(lambda: _scan(settings))
        busy = _busy()
        step = _timed(lambda: behaviour.run(LAST, settings))
        busy = _busy() - busy
        again = _timed(lambda: behaviour.run(LAST, settings))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{asked.contacts:,} contacts: paths {step:.1f} s, one DuckDB scan {scan:.2f} s, ratio {step / scan:.0f}")
        print(f"{busy:.1f} s of one core, which a busy machine does not change")
        print(f"the same day again {again:.2f} s; peak memory {memory:.1f} GiB")
    finally:
        shutil.rmtree(home)


def _fill(lake: Lake, rows: Path, contacts: int, customers: int) -> None:
    """Write the touchpoints, with the columns and types of the table."""
    dataset = lake.contract("journeys/touchpoints")
    with duckdb.connect() as database:
        database.execute(f"copy ({ROWS.format(contacts=contacts, customers=customers)}) to '{rows}' (format parquet)")
    made = get_spark().read.parquet(str(rows))
    columns = [f"cast({c.name if c.name in made.columns else 'null'} as {c.type}) as {c.name}" for c in dataset.columns]
    lake.replace("journeys/touchpoints", made.selectExpr(*columns), lake.transaction("bench", LAST))
    rows.unlink()


def _scan(settings: Settings) -> None:
    """Read every column that paths read, once."""
    columns = ("touchpoint_id", "customer_id", "occurred_at", "day", "channel", "type", "subject", "nth", "amount")
    read = ", ".join(f"max({name})" for name in columns)
    connect(settings, only={"journeys.touchpoints"}).sql(f"select {read} from journeys.touchpoints").fetchall()


def _busy() -> float:
    """Seconds of a core that this process took, the engine included."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _timed(do: Callable[[], object]) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
