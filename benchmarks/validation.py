"""Time validation of one batch with 20 rules: Great Expectations as it comes, ours, and one scan of the batch.

`python -m benchmarks.validation --rows 1000000` prints the medians of five runs, in alternating order, and the ratios
`ours / Great Expectations` (at most 0.6) and `row-level pass / scan` (at most 1.2). A scan looks at every value of the
batch once: it is hashed. Ratios travel between machines, seconds do not. Both ways must find the same bad rows, or the
benchmark fails.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from expectations import vocabulary as rules
from expectations.batch_columns import ARRIVAL_LIMIT, UNREADABLE
from jobs.lake.engine import get_spark
from jobs.validate.rules.broken import flagged, row_rules, tally
from jobs.validate.rules.great_expectations import great_expectations, judge

RUNS = 5
LIMITS = {"ours / Great Expectations": 0.6, "row-level pass / scan": 1.2}


def suite() -> list[Expectation]:
    """20 rules about orders: most about single values, two about two columns, two about the batch as a whole."""
    return [
        rules.readable(),
        rules.filled("order_id"),
        *rules.happened("updated_at"),
        *rules.happened("ordered_at"),
        rules.in_order("ordered_at", "updated_at"),
        rules.filled("status"),
        rules.one_of("status", ("completed", "cancelled", "returned", "open")),
        rules.one_of("channel", ("store", "web", "app", "phone")),
        rules.shaped("currency", "^[A-Z]{3}$", "a currency code"),
        rules.filled("total"),
        rules.amount("total"),
        rules.amount("discount"),
        rules.shaped("email", rules.EMAIL, "an e-mail address"),
        rules.short("email", 254),
        *rules.batch(("order_id", "updated_at")),
    ]


def batch(rows: int, folder: Path) -> DataFrame:
    """A mapped batch of orders, one in a hundred values wrong or missing, in Parquet files as a step stages them."""
    moment = "timestamptz '2024-01-01 00:00:00+00' + to_seconds(i % 8000000)"
    duckdb.sql(f"""
        copy (
            select 'f' || (i % 4) as file_id, i as line, 'o' || i as order_id, {moment} as ordered_at,
                {moment} + interval 1 hour as updated_at,
                case when i % 100 = 1 then 'odd' else 'completed' end as status,
                case when i % 3 = 0 then 'web' else 'store' end as channel,
                case when i % 100 = 2 then 'euro' else 'EUR' end as currency,
                case when i % 100 = 3 then null else (i % 90000)::decimal(18, 2) / 100 end::decimal(18, 2) as total,
                case when i % 100 = 4 then -1 else 0 end::decimal(18, 2) as discount,
                case when i % 100 = 5 then 'nobody' else 'customer' || i || '@shop.example' end as email,
                case when i % 4 = 0 then null else 'card' || (i % 50000) end as loyalty_id,
                case when i % 100 = 6 then 'total' end as {UNREADABLE}, date '2024-05-01' as arrived, 'pos' as source,
                '{{"order":"o' || i || '","at":"2024-01-01T00:00:00Z","state":"completed","shop":"store","euro":"' ||
                    (i % 90000) || '","mail":"customer' || i || '@shop.example"}}' as record,
                timestamptz '2025-01-01 00:00:00+00' as {ARRIVAL_LIMIT}
            from range({rows}) as t(i)
        ) to '{folder}/batch.parquet' (format parquet, row_group_size 131072)""")
    return get_spark().read.parquet(f"{folder}/batch.parquet")


def measure(rows: int) -> dict[str, float]:
    """Median seconds of each way; raises AssertionError if the ways do not find the same bad rows."""
    with tempfile.TemporaryDirectory() as name:
        frame = batch(rows, Path(name))
        expectations = suite()
        found = row_rules(expectations)

        def scan() -> None:
            frame.agg(F.bit_xor(F.xxhash64(*frame.columns))).collect()

        def row_level() -> dict[str, tuple[int, int]]:
            total: dict[str, tuple[int, int]] = {}
            for one in tally(frame.transform(flagged, found), found).values():
                for rule, (seen, bad) in one.by_rule.items():
                    before = total.get(rule, (0, 0))
                    total[rule] = (before[0] + seen, before[1] + bad)
            return total

        def ours() -> dict[str, int]:
            judgement = judge(frame, "orders", expectations, rows, row_level())
            return {verdict.rule: verdict.failed for verdict in judgement.verdicts}

        stock = [*expectations[:-1], _stock_unique_key(expectations[-1])]

        def theirs() -> dict[str, int]:
            result = great_expectations(frame, "orders", stock, rows, "SUMMARY")
            settings = [(one.expectation_config, one.result) for one in result.results]
            return {one.meta["rule"]: found.get("unexpected_count", 0) for one, found in settings if one}

        assert ours() == theirs(), "ours and Great Expectations disagree"
        return _medians(
            {"scan": scan, "row-level pass": row_level, "ours": ours, "Great Expectations, default format": theirs}
        )


def _stock_unique_key(ours: Any) -> Expectation:
    """The rule about the key as Great Expectations has it."""
    return gxe.ExpectCompoundColumnsToBeUnique(column_list=ours.column_list, mostly=ours.mostly, meta=ours.meta)


def ratios(seconds: dict[str, float]) -> dict[str, float]:
    """What is promised, from the medians of `measure`."""
    return {
        "ours / Great Expectations": seconds["ours"] / seconds["Great Expectations, default format"],
        "row-level pass / scan": seconds["row-level pass"] / seconds["scan"],
    }


def _medians(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(RUNS):
        for name in list(ways) if run % 2 else list(reversed(ways)):
            started = time.monotonic()
            ways[name]()
            times[name].append(time.monotonic() - started)
    return {name: statistics.median(measured) for name, measured in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    seconds = measure(rows)
    table = Table("what", "seconds", title=f"Validation of {rows:,} rows with {len(suite())} rules")
    for name, value in seconds.items():
        table.add_row(name, f"{value:.3f}")
    Console().print(table)
    found = ratios(seconds)
    for name, ratio in found.items():
        Console().print(f"{name}: {ratio:.2f} (limit {LIMITS[name]})")
    return 0 if all(found[name] <= limit for name, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
