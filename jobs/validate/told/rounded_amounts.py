"""Amounts that a source gives with more decimals than their column holds: rounded, and told with file, line, column."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.batch_columns import ROUNDED
from jobs.validate.rules.broken import called
from jobs.validate.rules.verdict import Verdict

RULE = "types:decimals"
MEASURE = "rounded||"
"""The name under which a tally counts rows with a rounded amount."""


def measure() -> dict[str, Column]:
    """What a tally adds up, so that nobody looks for rounded amounts where there are none."""
    return {MEASURE: F.count(ROUNDED)}


def rounded(rows: DataFrame, paths: Mapping[str, str], sources: Mapping[str, str]) -> Verdict | None:
    """The verdict on mapped rows of which any amount was rounded, else None; `paths` names the files."""
    first = F.min(F.when(F.col(ROUNDED).isNotNull(), F.struct("file_id", "line", ROUNDED))).alias("first")
    (told,) = rows.agg(F.count("*").alias("of"), F.count(ROUNDED).alias("rows"), first).collect()
    if not told["rows"]:
        return None
    one = told["first"]
    columns = ", ".join(called(name, sources) for name in one[ROUNDED].split(","))
    place = f"{columns} in line {one['line']} of {paths[one['file_id']]}"
    detail = (
        f"{told['rows']:,} of {told['of']:,} rows have an amount with more than two decimals, which was rounded, such "
        f"as {place}. If the point or comma there separates thousands, correct `decimal` of the column"
    )
    return Verdict(RULE, "warning", False, int(told["of"]), int(told["rows"]), detail)
