"""Writers in processes of their own, which race."""

import time
from multiprocessing.pool import AsyncResult
from typing import Any

import pyarrow as pa

from jobs.lake.lake import Lake, StaleWrite, Txn
from tests.lake.lake_rows import counts

TABLE = "ops/counts"


def results(pending: list[AsyncResult]) -> list[Any]:
    return [result.get(timeout=1800) for result in pending]


def append_many(root: str, worker: int, commits: int) -> int:
    """Rows of its own, and one that every worker brings."""
    lake, written = Lake(root), 0
    for number in range(commits):
        rows = counts(f"w{worker}-{number}", f"shared-{number}")
        written += lake.append(TABLE, rows, Txn(f"worker{worker}/{number}", 1)).rows
    return written


def race(root: str, kind: str, rows: pa.Table, app: str, version: int, at: float) -> bool | str:
    lake = Lake(root)
    base = {TABLE: lake.version(TABLE)}
    time.sleep(max(0.0, at - time.time()))  # both begin from one version, at one moment
    try:
        return getattr(lake, kind)(TABLE, rows, Txn(app, version, base=base)).applied
    except StaleWrite:
        return "stale"


def run_race(four: Any, contestants: list[tuple]) -> list[bool | str]:
    at = time.time() + 0.05
    return results([four.apply_async(race, (*contestant, at)) for contestant in contestants])
