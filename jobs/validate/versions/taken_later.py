"""Rows that a dataset takes, or takes no more, since something arrived in a lookup that its `where` asks.

One that it takes now lands under its own file, line and arrival day, as if its partner had been there. One that it
takes no more leaves the valid table, and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake, Txn
from jobs.validate.contract import KEY, Contract
from jobs.validate.mapping.columns import taken
from jobs.validate.mapping.lookups import Lookups
from jobs.validate.mapping.parsed import ROW
from jobs.validate.rules.broken import BROKEN, REASON
from jobs.validate.versions.arriving import as_versions


@dataclass(frozen=True)
class Moved:
    """File and line of rows that are taken now and were not, and of those that are taken no more."""

    taken_now: pa.Table
    no_more: pa.Table


def moved_by(contract: Contract, raw: DataFrame, touched: pa.Table, fresh: list[str]) -> Moved | None:
    """What of the rows `touched` the files `fresh` of lookups move in or out; None if nothing."""
    rows = raw.join(get_spark().createDataFrame(touched.select(KEY)), on=KEY, how="left_semi")
    was = _taken(contract, rows, contract.lookups.before(fresh))
    now = _taken(contract, rows, contract.lookups)
    found = Moved(now.join(was, keys=KEY, join_type="left anti"), was.join(now, keys=KEY, join_type="left anti"))
    return found if found.taken_now.num_rows or found.no_more.num_rows else None


def land(
    lake: Lake,
    contract: Contract,
    source: str,
    raw: DataFrame,
    flagged: DataFrame,
    paths: Mapping[str, str],
    moved: Moved,
    txn: Txn,
) -> None:
    """Bring the valid table, the quarantine and the counts of the files up to what `moved` says.

    The counts come before rows leave, so that a run that is killed in between finds what it has to count.
    """
    spark, name = get_spark(), contract.mapping.name
    valid, dataset = f"valid/{name}", contract.mapping.dataset
    more, fewer = (Counter(rows["file_id"].to_pylist()) for rows in (moved.taken_now, moved.no_more))
    bad: Counter[str] = Counter()
    if moved.taken_now.num_rows:
        rows = flagged.join(spark.createDataFrame(moved.taken_now), on=KEY, how="left_semi")
        good = rows.where(f"{BROKEN} is null")
        versions = as_versions(lake, valid, source, dataset, good, contract.mapping.zone, paths, True)
        lake.append(valid, versions, txn.part("taken"))
        broken = rows.where(f"{BROKEN} is not null").select(
            *KEY,
            F.substring_index(BROKEN, ",", 1).alias("rule"),
            F.col(REASON).alias("reason"),
            F.split(BROKEN, ",").alias("rules"),
        )
        bad = Counter(row["file_id"] for row in broken.select("file_id").collect())
        if bad:
            names = spark.createDataFrame([*paths.items()], "file_id string, path string")
            aside = raw.join(broken, on=KEY, how="inner").join(F.broadcast(names), on="file_id", how="inner")
            lake.append("quarantine/rows", aside.withColumn("dataset", F.lit(name)), txn.part("taken"))
    there = lake.read(valid).where(F.col("source") == source) if lake.exists(valid) else None
    accepted, gone = _those_in(there, moved.taken_now), _those_in(there, moved.no_more)
    waiting = _waiting(lake, moved.no_more)  # they are counted when they are tried again
    _count(lake, more, bad, accepted, fewer - waiting, gone, txn)
    if gone and there is not None:
        rows = there.join(spark.createDataFrame(moved.no_more), on=KEY, how="left_semi")
        lake.revise(valid, rows, rows.where("false"), txn.part("no_more"))


def _taken(contract: Contract, raw: DataFrame, lookups: Lookups) -> pa.Table:
    rows = taken(lookups.joined(raw), contract.mapping, [])
    return rows.select(*(F.col(f"{ROW}.{name}").alias(name) for name in KEY)).distinct().toArrow()


def _those_in(there: DataFrame | None, rows: pa.Table) -> Counter[str]:
    """How many of the rows of each file are in the table."""
    if there is None or not rows.num_rows:
        return Counter()
    found = there.join(get_spark().createDataFrame(rows), on=KEY, how="left_semi").select("file_id")
    return Counter(found.toArrow()["file_id"].to_pylist())


def _waiting(lake: Lake, rows: pa.Table) -> Counter[str]:
    aside = lake.arrow("quarantine/rows", columns=KEY)
    return Counter(rows.join(aside, keys=KEY, join_type="left semi")["file_id"].to_pylist())


def _count(
    lake: Lake,
    more: Counter[str],
    bad: Counter[str],
    accepted: Counter[str],
    fewer: Counter[str],
    gone: Counter[str],
    txn: Txn,
) -> None:
    """The counts of the files: `more` rows are not left out now, `fewer` are; `gone` of those were accepted."""
    counts = lake.arrow("ops/counts")
    counts = counts.filter(pc.is_in(counts["file_id"], value_set=pa.array(sorted({*more, *fewer}), pa.string())))
    changed = [
        {
            **row,
            "accepted": row["accepted"] + accepted[one] - gone[one],
            "quarantined": row["quarantined"] + bad[one],
            "duplicates": row["duplicates"] + more[one] - bad[one] - accepted[one] - (fewer[one] - gone[one]),
            "left_out": row["left_out"] - more[one] + fewer[one],
        }
        for row in counts.to_pylist()
        for one in [row["file_id"]]
    ]
    table = pa.Table.from_pylist(changed, schema=counts.schema)
    if table.num_rows:
        lake.revise("ops/counts", table, table, txn.part("taken"))
