"""Deciding between all that want a customer, beside one scan of the customer view in DuckDB, in one run.

`python -m benchmarks.decide --size 1` is 1 million customers and 40 actions, each of which wants every eighth customer.
Some have budgets, some customers share an address, and every third was written to in the days before. What is decided
must hold: at most one action per customer, no budget overdrawn, no cap exceeded.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.config.actions.contact_policy import Cap
from jobs.decisions.choose import BEFORE, CANDIDATES, choose

DAY = date(2017, 6, 1)
ACTIONS, WANTED, COLUMNS = 40, 1 / 8, 60
CAPS = [Cap(at_most=1, days=1), Cap(at_most=3, days=7), Cap(at_most=1, days=14, objectives=["retention"])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.1, help="1 is 1 million customers")
    people = int(1_000_000 * parser.parse_args().size)
    random = np.random.default_rng(1)
    ids = pa.array([f"c{n:016x}" for n in random.permutation(people)])
    scanned = scan(ids, random)
    rows, before, left = wanted(ids, random)
    started = time.monotonic()
    found = choose(rows, before, CAPS, left, DAY)
    took = time.monotonic() - started
    holds(rows, found.won, left)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"customers, actions, candidates   {people:>12,} {ACTIONS} {rows.num_rows:,}")
    print(f"decided                          {took:>12.2f} s, {found.won.sum():,} chosen")
    print(f"DuckDB scan of the view          {scanned:>12.2f} s, {COLUMNS} columns; ratio {took / scanned:.1f}")
    print(f"memory                           {peak:>12.2f} GiB")
    return 0 if took < 60 and peak < 8 else 1


def scan(ids: pa.Array, random: np.random.Generator) -> float:
    """Seconds to read the view once and ask 40 rules of it."""
    columns = {f"x{n}": pa.array(random.random(len(ids))) for n in range(COLUMNS)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "view.parquet"
        pq.write_table(pa.table({"customer_id": ids, **columns}), path)
        asked = [f"count(*) filter (x{n} < 0.5 and x{n + 7} > 0.1)" for n in range(ACTIONS)]
        everything = ", ".join(f"sum(x{n})" for n in range(COLUMNS))
        with duckdb.connect() as database:
            database.execute("set threads = 2")
            started = time.monotonic()
            database.execute(f"select {', '.join(asked)}, {everything}, max(customer_id) from '{path}'").fetchall()
            return time.monotonic() - started


def wanted(ids: pa.Array, random: np.random.Generator) -> tuple[pa.Table, pa.Table, dict[str, int]]:
    """Candidates, messages of the days before, and what budgets are left."""
    parts = []
    for number in range(ACTIONS):
        mine = np.flatnonzero(random.random(len(ids)) < WANTED)
        size = len(mine)
        same = {
            "action": f"action{number:02d}", "destination": "email", "channel": "email", "slot": "contact",
            "done": False, "objective": "retention" if number % 4 == 0 else None, "first": False,
            "priority": number % 3, "moment": number % 10 == 0, "preference": 1000,
        }  # fmt: skip
        columns = {key: pa.repeat(pa.scalar(value, CANDIDATES.field(key).type), size) for key, value in same.items()}
        gain = pa.array(random.exponential(5, size)) if number % 2 else pa.nulls(size, pa.float64())
        address = ids.take(mine // 20 * 20 if number % 5 == 0 else mine)
        columns |= {"customer_id": ids.take(mine), "address": address, "gain": gain}
        parts.append(pa.table([columns[field.name] for field in CANDIDATES], CANDIDATES))
    written = np.flatnonzero(random.random(len(ids)) < 1 / 3)
    days = [DAY - timedelta(days=int(ago)) for ago in random.integers(1, 14, len(written))]
    before = pa.table([
        pa.array(days, pa.date32()), pa.repeat("action00", len(written)), ids.take(written),
        pa.repeat("email", len(written)), ids.take(written), pa.repeat("retention", len(written)),
    ], BEFORE)  # fmt: skip
    return pa.concat_tables(parts), before, {f"action{n:02d}": len(ids) // 50 for n in range(0, ACTIONS, 3)}


def holds(rows: pa.Table, won: np.ndarray, left: dict[str, int]) -> None:
    """Raise AssertionError if a limit is broken: what is fast because it is wrong fails."""
    chosen = rows.filter(pa.array(won))
    assert pc.count_distinct(chosen["customer_id"]).as_py() == chosen.num_rows
    assert pc.count_distinct(chosen["address"]).as_py() == chosen.num_rows
    counts = dict(zip(*(one.to_pylist() for one in chosen["action"].value_counts().flatten()), strict=True))
    assert all(counts.get(name, 0) <= most for name, most in left.items())


if __name__ == "__main__":
    raise SystemExit(main())
