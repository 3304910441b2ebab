"""Counts of files whose lines hold several rows each: a line is what comes in, and what has a fate.

A line is accepted if none of its rows breaks a rule and one of them is in the valid table. One with a bad row is in
quarantine until all are good; its good rows are published all the same, and are duplicates when it is tried again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.validate.batch import Batch
from jobs.validate.rules.broken import BROKEN


@dataclass(frozen=True)
class Lines:
    """Of one file: the lines that hold rows, and those of which a row broke a rule."""

    rows: int
    bad: int


def lines_of(flagged: DataFrame) -> dict[str, Lines]:
    """The lines of each file, from its flagged rows."""
    counted = _lines(flagged).groupBy("file_id").agg(F.count("*").alias("rows"), F.sum("bad").alias("bad")).collect()
    return {row["file_id"]: Lines(row["rows"], int(row["bad"])) for row in counted}


def accepted_lines(flagged: DataFrame, valid: DataFrame, batch: Batch) -> dict[str, int]:
    """How many lines of each file of the batch have only good rows, and one of them in the valid table."""
    ids = [file["file_id"] for file in batch.loaded]
    good = _lines(flagged.where(F.col("file_id").isin(ids))).where("bad = 0")
    days = sorted({file["arrived"] for file in batch.loaded})
    there = valid.where(F.col("arrived").between(days[0], days[-1])).select("file_id", "line").distinct()
    counted = good.join(there, on=["file_id", "line"], how="left_semi").groupBy("file_id").count().collect()
    return {row["file_id"]: row["count"] for row in counted}


def told_of_lines(counts: Collection[Mapping[str, Any]], ended: int) -> str:
    """What is said of files, given as rows of ops/counts: how many rows their lines hold; `ended` lines hold none and
    end what was there."""
    rows, items, empty = (sum(count[name] for count in counts) for name in ("rows_in", "items", "left_out"))
    return f"{rows:,} lines hold {items:,} rows; {empty + ended:,} lines hold none"


def _lines(flagged: DataFrame) -> DataFrame:
    return flagged.groupBy("file_id", "line").agg(F.max(F.col(BROKEN).isNotNull().cast("int")).alias("bad"))
