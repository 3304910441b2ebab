"""Sixty traits over the events of many customers: ours against the same SQL in DuckDB, from the same Parquet files.

`python -m benchmarks.profiles --size 1` is 1 million customers and 20 million events. Both read the valid table and the
identity map, find the customer of each event, aggregate, and write a wide table. The results are compared value by
value: a benchmark that is fast because it is wrong fails. Ratios travel between machines, seconds do not.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parent.parent
DAY = date(2017, 12, 31)
LIMIT = 3.0
TYPES = ("page_view", "search", "product_view", "add_to_cart", "checkout", "purchase")
WINDOWS = (1, 7, 14, 30, 90, 180, 365)
KEY = "benchmark"

EVENTS = """
copy (
    with drawn as (
        select i, (hash(i) % 31536000000000)::bigint as moment, (hash(i * 7) % 6)::bigint as kind,
               (hash(i * 13) % {customers})::bigint as customer, (hash(i * 17) % 10000)::bigint as cents,
               (hash(i * 19) % 3)::bigint as device
        from range({events}) t(i))
    select 'e' || i as event_id, timestamptz '2017-01-01 00:00:00+00' + to_microseconds(moment) as occurred_at,
           ['page_view', 'search', 'product_view', 'add_to_cart', 'checkout', 'purchase'][1 + kind] as type,
           'login' || customer as login_id, (cents / 100)::decimal(18,2) as value,
           ['mobile', 'tablet', 'desktop'][1 + device] as device, 'web' as source, 'f' as file_id, i as line,
           cast(occurred_at as date) as arrived
    from drawn
) to '{path}' (format parquet)"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.05, help="1 is 1 million customers and 20 million events")
    chosen = parser.parse_args()
    work = ROOT / "var" / "bench" / f"profiles-{chosen.size:g}"
    if "KLANTREIS_BENCHMARK" not in os.environ:  # the settings of the machine must not reach the benchmark
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KLANTREIS_")}
        own = {**clean, "KLANTREIS_BENCHMARK": "1", "KLANTREIS_HASH_KEY": KEY, "KLANTREIS_HOME": str(work)}
        return subprocess.run(
            [sys.executable, "-m", "benchmarks.profiles", *sys.argv[1:]], env=own, cwd=ROOT
        ).returncode
    shutil.rmtree(work, ignore_errors=True)
    settings = _company(work)
    customers, events = int(1_000_000 * chosen.size), int(20_000_000 * chosen.size)
    _fill(settings, work, customers, events)
    print(f"{customers:,} customers, {events:,} events, {len(settings.traits)} traits")
    ours, busy = _timed(lambda: _ours(settings))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    theirs, theirs_busy = _timed(lambda: _duckdb(settings, work))
    differing = _differing(settings, work)
    print(f"ours {ours:.2f} s, DuckDB {theirs:.2f} s, ratio {ours / theirs:.2f} (limit {LIMIT:g}), peak {peak:.1f} GiB")
    print(f"of the processor: ours {busy:.2f} s, DuckDB {theirs_busy:.2f} s, ratio {busy / theirs_busy:.2f}")
    print(f"traits that differ: {', '.join(differing) or 'none'}")
    return 0 if ours <= LIMIT * theirs and not differing else 1


def declared() -> dict[str, dict[str, object]]:
    """Sixty traits: counts, sums, days and distinct values in seven windows, and quotients of them."""
    traits: dict[str, dict[str, object]] = {}
    for days in WINDOWS:
        base = {"title": "t", "over": "events", "days": days}
        for kind in TYPES:
            count = {**base, "where": f"type = '{kind}'", "value": "count(*)", "type": "bigint"}
            traits[f"{kind}_{days}d"] = count
        traits[f"value_{days}d"] = {**base, "value": "sum(value)", "type": "decimal(18,2)", "default": 0}
    for days in (7, 30, 90, 365):
        base = {"title": "t", "over": "events", "days": days}
        traits[f"days_{days}d"] = {**base, "value": "count(distinct day)", "type": "bigint"}
        traits[f"last_device_{days}d"] = {**base, "value": "latest(device)", "type": "string"}
    for days in (7, 30, 90):
        share = f"purchase_{days}d / nullif(product_view_{days}d, 0)"
        traits[f"conversion_{days}d"] = {"title": "t", "value": share, "type": "double"}
    traits["recency_days"] = {"title": "t", "over": "events", "value": "min(days_ago)", "type": "bigint", "default": 0}
    return traits


def _company(work: Path):  # type: ignore[no-untyped-def]
    from jobs.config.settings import load_settings

    folder = work / "config"
    folder.mkdir(parents=True)
    for name in ("destinations.yaml",):
        shutil.copy(ROOT / "config" / name, folder / name)
    general = {"company": "Benchmark", "timezone": "Europe/Amsterdam", "landing": "landing", "lake": "lake"}
    contacts = {"files": "x.csv", "columns": {"contact_id": "id", "updated_at": "at"}}
    files = {
        "journey.yaml": {"stages": [{"stage": "awareness", "name": "seen", "when": "true"}]},
        "models.yaml": {"features": ["recency_days"]},
        "settings.yaml": general,
        "identity.yaml": {"golden_record": {}, "purposes": {}},
        "sources/web.yaml": {"source": "web", "group": "web", "datasets": {"contacts": contacts}},
        "traits.yaml": {"traits": declared()},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return load_settings(folder)


def _fill(settings, work: Path, customers: int, events: int) -> None:  # type: ignore[no-untyped-def]
    """The valid events and the identity map, as earlier steps leave them."""
    from jobs.lake.engine import get_spark
    from jobs.lake.lake import Lake
    from jobs.lake.tables import catalogue

    duckdb.sql(EVENTS.format(customers=customers, events=events, path=work / "events.parquet"))
    keyed = f"substr(sha256('{KEY}|login:login' || i), 1, 32)"
    known = f"{keyed} as identifier, 'login' as kind, 'c' || substr({keyed}, 1, 16) as customer_id"
    duckdb.sql(
        f"copy (select {known}, date '2017-01-01' as first_seen, ['web'] as sources, date '{DAY}' as as_of "
        f"from range({customers}) t(i)) to '{work / 'map.parquet'}' (format parquet)"
    )
    lake, spark = Lake.of(settings), get_spark()
    for name, path in (("valid/events", "events"), ("identity/map", "map")):
        given = spark.read.parquet(str(work / f"{path}.parquet"))
        columns = catalogue.get(name).columns
        filled = given.selectExpr(
            *(c.name if c.name in given.columns else f"cast(null as {c.type}) {c.name}" for c in columns)
        )
        lake.replace(name, filled, lake.transaction("fill", DAY))


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds it takes, and seconds of all cores; both engines run in this process."""
    started, busy = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - started, time.process_time() - busy


def _ours(settings) -> None:  # type: ignore[no-untyped-def]
    from jobs.activity import traits

    traits.run(DAY, settings)


def _duckdb(settings, work: Path) -> None:  # type: ignore[no-untyped-def]
    """The same in SQL as one would write it by hand, on as many threads as the machine has cores."""
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        database.execute(
            f"copy ({_sql(settings, work)}) to '{work / 'duckdb.parquet'}' (format parquet, compression zstd)"
        )


def _sql(settings, work: Path) -> str:  # type: ignore[no-untyped-def]
    columns, derived = [], []
    for name, trait in settings.traits.items():
        if trait.over is None:
            derived.append(f"{trait.value.replace(' / ', '::double / ')} as {name}")
            continue
        met = (f"days_ago < {trait.days}" if trait.days else "true") + (f" and {trait.where}" if trait.where else "")
        latest = f"arg_max(device, (occurred_at, event_id)) filter (where {met} and device is not null)"
        value = latest if "latest" in trait.value else f"{trait.value} filter (where {met})"
        columns.append(
            f"coalesce({value}, 0) as {name}" if trait.type in ("bigint", "decimal(18,2)") else f"{value} as {name}"
        )
    lake = Path(settings.lake)
    events, known = (f"read_parquet('{lake / table}/data/**/*.parquet')" for table in ("valid/events", "identity/map"))
    return f"""
        with dated as (
            select *, cast(occurred_at at time zone 'Europe/Amsterdam' as date) as day from {events}
            where arrived <= date '{DAY}'),
        logins as (
            select login_id, substr(sha256('{KEY}|login:' || login_id), 1, 32) as identifier
            from (select distinct login_id from dated)),
        rows as (
            select customer_id, dated.*, date '{DAY}' - day as days_ago
            from dated join logins using (login_id) join {known} using (identifier) where day <= date '{DAY}'),
        found as (select customer_id, {", ".join(columns)} from rows group by customer_id),
        everybody as (select distinct customer_id from {known}),
        filled as (
            select everybody.customer_id, found.* exclude (customer_id)
            from everybody left join found using (customer_id))
        select *, {", ".join(derived)} from filled"""


def _differing(settings, work: Path) -> list[str]:  # type: ignore[no-untyped-def]
    """Traits whose values are not the same for every customer."""
    from jobs.lake.lake import Lake

    ours = Lake.of(settings).dataset("profiles/traits")
    with duckdb.connect() as database:
        database.register("ours", ours)
        database.execute(f"create view theirs as select * from '{work / 'duckdb.parquet'}'")
        counted = ", ".join(
            f"count(*) filter (where o.{name} is distinct from "
            + (f"coalesce(t.{name}, 0))" if trait.type in ("bigint", "decimal(18,2)") else f"t.{name})")
            for name, trait in settings.traits.items()
        )
        sql = f"select {counted}, count(*) filter (where o.customer_id is null or t.customer_id is null)"
        found = database.execute(f"{sql} from ours o full join theirs t using (customer_id)").fetchone() or ()
    return [name for name, wrong in zip([*settings.traits, "customer_id"], found, strict=True) if wrong]


if __name__ == "__main__":
    sys.exit(main())
