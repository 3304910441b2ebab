"""Rows of a table in the place of others, of which only those that differ are written.

Few of them travel as Arrow through this process, which asks the engine for one action; many stay with the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.lake import Lake
from jobs.lake.scratch import Scratch
from jobs.lake.transactions import Commit, Txn

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

FEW = 500_000
"""Rows that are handled in this process."""
SIDE = "_side"
"""The column that says whether a row is only before (1) or only after (2)."""


@dataclass(frozen=True)
class Exchanged:
    """`differing` are the rows that went and those that came; `now` is the table with them."""

    commit: Commit
    differing: DataFrame
    now: DataFrame


def exchange(lake: Lake, name: str, before: DataFrame, after: DataFrame, txn: Txn, keep: Scratch) -> Exchanged:
    """Put rows `after` in the place of rows `before` of a table, in one commit."""
    dataset = lake.contract(name)
    kept = keep.kept(differing(before, after.select(*[_typed(c.name, c.type) for c in dataset.columns])))
    key = list(dataset.key)
    if kept.rows <= FEW:
        rows = kept.arrow(dataset.arrow_schema().append(pa.field(SIDE, pa.int64())))
        old, new = (rows.filter(pc.equal(rows[SIDE], side)).drop_columns([SIDE]) for side in (1, 2))
        commit = lake.revise(name, old.select(key), new, txn)
    else:
        one, other = (kept.frame.where(f"{SIDE} = {side}").drop(SIDE) for side in (1, 2))
        commit = lake.revise(name, one.select(*key), other, txn)
    return Exchanged(commit, kept.frame.drop(SIDE), lake.read(name, version=commit.version))


def differing(before: DataFrame, after: DataFrame) -> DataFrame:
    """Rows that only one of two has, with `_side` 1 if that is the first, else 2. Neither has a row twice."""
    from pyspark.sql import functions as F

    sides = before.withColumn(SIDE, F.lit(1)).unionByName(after.withColumn(SIDE, F.lit(2)))
    both = sides.groupBy(*before.columns).agg(F.sum(SIDE).alias(SIDE))
    return both.where(F.col(SIDE) != 3)


def _typed(name: str, type_: str) -> Column:
    from pyspark.sql import functions as F

    return F.col(name).cast(type_)
