"""What a day costs beside the whole history: 1 % of all rows new, some late, 1 in `--merged` customers merged.

`python -m benchmarks.day --events 1_000_000 --customers 50_000` fills a lake with contact records, consents, visits,
orders and campaign contacts of a hundred days, runs profiles, journeys (with stages) and the traits of
config/traits.yaml for all of it, delivers one more day and runs them again; `--steps profiles,traits` some of them.
`--check` rebuilds that day in a lake of its own and compares every table row by row: a day that is fast because it is
wrong fails. Ratios, and the numbers of actions an engine was asked for, travel between machines; seconds do not.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

ROOT = Path(__file__).resolve().parent.parent
FIRST = date(2017, 1, 1)
DAYS = 100
"""Days of history, each an equal part of the events; the day after them brings as much again."""
LIMITS = {"profiles": 0.1, "journeys": 0.05, "traits": 0.1}
"""Of each step: what a day may cost of the whole history."""
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
CONTACTS = """
select 'crm' as source, n::varchar as contact_id, timestamptz '{day} 08:00:00+00' as updated_at,
       updated_at as created_at, 'First' || (hash(n) % 900) as first_name, 'Last' || (hash(n * 3) % 9000) as last_name,
       'nl' as language, 'mail' || n || '@example.com' as email,
       if(n % 2 = 0, '06' || lpad((10000000 + n)::varchar, 8, '0'), null) as phone,
       'Street ' || (1 + hash(n * 5) % 200) as street,
       lpad((1000 + hash(n * 7) % 9000)::varchar, 4, '0') || ' AB' as postcode,
       'City ' || (hash(n * 7) % 90) as city, 'NL' as country, 'f' as file_id, i as line, date '{day}' as arrived
from (
    select i, (i % {customers})::bigint as n
    from range({start}::bigint * {customers} // {events}, {end}::bigint * {customers} // {events}) t(i))"""
CONSENTS = """
select 'a' || i as consent_id, 'crm' as source, (hash(i) % {customers})::bigint::varchar as contact_id,
       'marketing' as purpose, 'email' as channel, if(i % 9 = 0, 'withdrawn', 'granted') as status,
       timestamptz '{day} 09:00:00+00' as changed_at, 'f' as file_id, i as line, date '{day}' as arrived
from range({start}::bigint * {customers} // {events}, {end}::bigint * {customers} // {events}) t(i)"""
DATASETS = {
    "events": EVENTS,
    "orders": ORDERS,
    "campaign_events": CAMPAIGNS,
    "contacts": CONTACTS,
    "consents": CONSENTS,
}
"""By dataset: its rows numbered from `start` to `end`, a day's part of all events; as many contacts and consents in all
as there are customers."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the whole history")
    parser.add_argument("--customers", type=int, default=50_000, help="1_000_000 for 20_000_000 events")
    parser.add_argument("--merged", type=int, default=100, help="of so many customers one goes on under another id")
    parser.add_argument("--steps", default=",".join(LIMITS), help="of profiles, journeys, traits; in this order")
    parser.add_argument("--check", action="store_true", help="compare with a rebuild of the day")
    chosen = parser.parse_args()
    steps = chosen.steps.split(",")
    work = ROOT / "var" / "bench" / f"day-{chosen.events}"
    if "KLANTREIS_BENCHMARK" not in os.environ:  # the settings of the machine must not reach the benchmark
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KLANTREIS_")}
        own = {**clean, "KLANTREIS_BENCHMARK": "1", "KLANTREIS_HASH_KEY": KEY, "KLANTREIS_HOME": str(work)}
        return subprocess.run([sys.executable, "-m", "benchmarks.day", *sys.argv[1:]], env=own, cwd=ROOT).returncode
    shutil.rmtree(work, ignore_errors=True)
    settings, size = _company(work), Size(chosen.events, chosen.customers, chosen.merged)
    _deliver(settings, size, range(DAYS))
    _name(settings, size, DAYS - 1)
    full = {step: _run(step, settings, DAYS - 1) for step in steps}
    peak = _peak()
    _deliver(settings, size, range(DAYS, DAYS + 1))
    _name(settings, size, DAYS)
    day = {step: _run(step, settings, DAYS) for step in steps}
    print(f"{chosen.events:,} events, {chosen.customers:,} customers, {len(settings.traits)} traits")
    for step in steps:
        one, all_ = day[step], full[step]
        print(
            f"{step}: full {all_.seconds:.1f} s, a day {one.seconds:.1f} s, ratio {one.seconds / all_.seconds:.3f} "
            f"(limit {LIMITS[step]:g}); of the processor {all_.busy:.1f} and {one.busy:.1f} s, "
            f"ratio {one.busy / all_.busy:.3f}; engine actions {all_.actions} and {one.actions}"
        )
    print(f"peak memory {peak:.1f} GiB in the full run, {_peak():.1f} GiB in all")
    differing = _differing(settings, work, steps) if chosen.check else []
    if chosen.check:
        print(f"tables that differ from a rebuild: {', '.join(differing) or 'none'}")
    fast = all(day[step].seconds <= LIMITS[step] * full[step].seconds for step in steps)
    return 0 if fast and not differing else 1


@dataclass(frozen=True)
class Size:
    events: int
    customers: int
    merged: int


@dataclass(frozen=True)
class Cost:
    """Of a step; on a busy machine seconds of the processor tell more than seconds."""

    seconds: float
    busy: float
    actions: int


def _company(work: Path, lake: str = "lake") -> Any:
    from jobs.config.settings import load_settings

    folder = work / f"config-{lake}"
    folder.mkdir(parents=True)
    for name in ("journey.yaml", "models.yaml", "destinations.yaml", "traits.yaml"):
        shutil.copy(ROOT / "config" / name, folder / name)
    shutil.copytree(ROOT / "config" / "models", folder / "models")
    known = {name: name for name in ("email", "phone", "first_name", "last_name", "street", "postcode", "city")}
    contacts = {"files": "x.csv", "columns": {"contact_id": "id", "updated_at": "at", **known}}
    answers = {
        "files": "y.csv",
        "columns": {"consent_id": "id", "changed_at": "at", "purpose": "p", "channel": "c", "status": "s"},
    }
    golden = {"first_name": {"order": ["longest"]}, "postcode": {"together": ["street", "city", "country"]}}
    identity = {
        "golden_record": golden,
        "purposes": {"marketing": {"channels": ["email"]}, "ads": {"channels": ["ads"]}},
    }
    files = {
        "settings.yaml": {"company": "B", "timezone": "Europe/Amsterdam", "landing": "landing", "lake": lake},
        "identity.yaml": identity,
        "sources/crm.yaml": {"source": "crm", "group": "crm", "datasets": {"contacts": contacts, "consents": answers}},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return load_settings(folder)


def _deliver(settings: Any, size: Size, days: range) -> None:
    """One append per dataset and day, as ingest and validate make it."""
    from jobs.lake.lake import Lake
    from jobs.lake.tables import catalogue

    lake, each = Lake.of(settings), size.events // DAYS
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        for number in days:
            for name, sql in DATASETS.items():
                bounds = {"start": number * each, "end": (number + 1) * each}
                known = {"customers": size.customers, "events": size.events}
                rows = database.sql(sql.format(day=FIRST + timedelta(days=number), **bounds, **known))
                schema = catalogue.get(f"valid/{name}").arrow_schema()
                given = [f if f in rows.columns else f"null as {f}" for f in schema.names]
                table = rows.select(", ".join(given)).to_arrow_table().cast(schema)
                txn = lake.transaction("deliver", FIRST + timedelta(days=number), config=name)
                lake.append(f"valid/{name}", table, txn)


def _name(settings: Any, size: Size, number: int) -> None:
    """Who is who: a customer per login, contact and address; on the last day some go on under the id of the next."""
    from jobs.lake.lake import Lake
    from jobs.lake.tables import catalogue

    day = FIRST + timedelta(days=number)
    merged = f"if(n % {size.merged} = 0 and {number} = {DAYS}, n + 1, n)"
    spelled = {"login": "login' || n", "contact": "crm:' || n", "email": "mail' || n || '@example.com'"}
    parts = [
        f"""select substr(sha256('{KEY}|{kind}:{value}), 1, 32) as identifier, '{kind}' as kind,
                   'c' || lpad(({merged})::varchar, 9, '0') as customer_id, date '{FIRST}' as first_seen,
                   ['web'] as sources from range({size.customers}) t(n)"""
        for kind, value in spelled.items()
    ]
    schema = catalogue.get("identity/map").arrow_schema()
    with duckdb.connect() as database:
        table = database.sql(" union all ".join(parts)).to_arrow_table().select(schema.names).cast(schema)
    lake = Lake.of(settings)
    lake.replace("identity/map", table, lake.transaction("identity", day))


def _jobs() -> dict[str, Any]:
    from jobs.activity import traits
    from jobs.journeys import journeys
    from jobs.profiles import customers

    return {"profiles": customers, "journeys": journeys, "traits": traits}


def _run(step: str, settings: Any, number: int) -> Cost:
    from pyspark.sql.connect.client.core import SparkConnectClient

    from jobs.lake.engine import get_spark

    get_spark().range(1).count()
    ask, actions = SparkConnectClient._execute_and_fetch_as_iterator, []

    def counted(*given: Any, **named: Any) -> Any:
        actions.append(1)
        return ask(*given, **named)

    started, busy = time.monotonic(), time.process_time()
    SparkConnectClient._execute_and_fetch_as_iterator = counted  # type: ignore[method-assign]
    try:
        _jobs()[step].run(FIRST + timedelta(days=number), settings)
    finally:
        SparkConnectClient._execute_and_fetch_as_iterator = ask  # type: ignore[method-assign]
    return Cost(time.monotonic() - started, time.process_time() - busy, len(actions))


def _differing(settings: Any, work: Path, steps: list[str]) -> list[str]:
    """Tables that a rebuild makes otherwise."""
    from jobs.config.traits import FEATURES, TABLE
    from jobs.lake.lake import Lake

    anew = _company(work, "anew")
    for zone in ("valid", "identity"):
        shutil.copytree(Path(settings.lake) / zone, Path(anew.lake) / zone)
    found, ours, theirs = [], Lake.of(settings), Lake.of(anew)
    for step in steps:
        _run(step, anew, DAYS)
        written = (TABLE,) if step == "traits" else _jobs()[step].WRITES
        found += [name for name in written if ours.content_hash(name) != theirs.content_hash(name)]
        if step == "traits":
            day = FIRST + timedelta(days=DAYS)
            rows = [sorted(map(str, lake.arrow(FEATURES, day=day).to_pylist())) for lake in (ours, theirs)]
            found += [FEATURES] if rows[0] != rows[1] else []
    return found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    sys.exit(main())
