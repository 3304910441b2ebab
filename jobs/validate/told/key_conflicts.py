"""Rows that count as duplicates and yet say something else: they have the key of an accepted row, and other values.

Two happenings under one id, rows of one file that contradict each other, or changes that nobody dates. The row that
came first stays; this tells it.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import reduce

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import LINEAGE_COLUMNS, VERSION_COLUMNS
from jobs.validate.rules.verdict import Verdict

RULE = "key:same_values"
MOST = 3
"""Columns that are named; a number says how many more differ."""


def told_otherwise(lake: Lake, table: str, raw: str, good: DataFrame, paths: Mapping[str, str]) -> Verdict:
    """The verdict on the good rows of a batch that is published: each has the values of the row that has its key.

    `paths` names the files, `raw` is the table that has the records of all rows.
    """
    with lake.scratch(table) as keep:  # they are looked at twice
        return _judged(lake, table, raw, keep(good), paths)


def _judged(lake: Lake, table: str, raw: str, good: DataFrame, paths: Mapping[str, str]) -> Verdict:
    key = list(catalogue.get(table).key)
    own = (*key, *LINEAGE_COLUMNS, *(name for name in VERSION_COLUMNS if name != "deleted"))
    values = [name for name in catalogue.get(table).column_names if name not in own]
    bounds = [one(name).alias(f"{one.__name__}_{name}") for name in key for one in (F.min, F.max)]
    (about,) = good.agg(F.count("*").alias("rows"), *bounds).toArrow().to_pylist()
    low, high = ({name: about[f"{end}_{name}"] for name in key} for end in ("min", "max"))
    first = lake.read_between(table, low, high)
    kept = first.select(*key, *(F.col(name).alias(f"kept_{name}") for name in ("file_id", "line", *values)))
    lacks = F.concat(F.lit(","), F.coalesce("absent", F.lit("")) if "absent" in good.columns else F.lit(""), F.lit(","))
    differs = {  # of what a record does not carry it says nothing
        name: ~F.col(name).eqNullSafe(F.col(f"kept_{name}")) & ~lacks.contains(f",{name},") for name in values
    }
    others = good.join(kept, on=key, how="inner").where(reduce(operator.or_, differs.values()))
    both = F.struct("file_id", "line", "kept_file_id", "kept_line")
    told = others.agg(
        F.count("*").alias("rows"), F.min(both).alias("first"), *(F.count_if(d).alias(n) for n, d in differs.items())
    )
    (found,) = told.toArrow().to_pylist()
    rows = int(about["rows"])
    if not found["rows"]:
        return Verdict(RULE, "warning", True, rows, 0, f"0 of {rows:,} rows")
    one = found["first"]
    named = dict(paths) | _paths(lake, one["kept_file_id"])
    columns = [name for name in values if found[name]]
    more = f" and {len(columns) - MOST} more columns" if len(columns) > MOST else ""
    beside = named.get(one["kept_file_id"], one["kept_file_id"])
    detail = (
        f"{found['rows']:,} of {rows:,} rows have the key of another row "
        f"({', '.join(name for name in key if name != 'source')}) and other values "
        f"({', '.join(columns[:MOST])}{more}), such as line {one['line']} of {named[one['file_id']]} beside line "
        f"{one['kept_line']} of {beside}; the row that came first stays, both are in {raw}"
    )
    return Verdict(RULE, "warning", False, rows, found["rows"], detail)


def _paths(lake: Lake, file_id: str) -> dict[str, str]:
    """The path of a file, whenever it arrived."""
    files = lake.dataset("ops/files").to_table(columns=["file_id", "path"], filter=pc.field("file_id") == file_id)
    return dict(zip(files["file_id"].to_pylist(), files["path"].to_pylist(), strict=True))
