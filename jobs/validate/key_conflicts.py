"""Rows that count as duplicates and yet say something else: they have the key of an accepted row, and other values.

Most often a source corrected a row without a later `updated_at`. The row that came first stays; this tells it.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.lake.tables.canonical import LINEAGE_COLUMNS, VERSION_COLUMNS
from jobs.validate.great_expectations import Verdict

RULE = "key:same_values"


def told_otherwise(lake: Lake, table: str, good: DataFrame, paths: Mapping[str, str]) -> Verdict:
    """The verdict on the good rows of a batch that is published: each has the values of the row that has its key.

    `paths` names the files.
    """
    key = list(catalogue.get(table).key)
    values = [
        name for name in catalogue.get(table).column_names if name not in (*key, *LINEAGE_COLUMNS, *VERSION_COLUMNS)
    ]
    bounds = [one(name).alias(f"{one.__name__}_{name}") for name in key for one in (F.min, F.max)]
    (about,) = good.agg(F.count("*").alias("rows"), *bounds).toArrow().to_pylist()
    low, high = ({name: about[f"{end}_{name}"] for name in key} for end in ("min", "max"))
    kept = lake.read_between(table, low, high).select(*key, *(F.col(name).alias(f"kept_{name}") for name in values))
    differs = [~F.col(name).eqNullSafe(F.col(f"kept_{name}")) for name in values]
    if "absent" in good.columns:  # of what a record does not carry it says nothing
        lacks = F.concat(F.lit(","), F.coalesce("absent", F.lit("")), F.lit(","))
        differs = [one & ~lacks.contains(f",{name},") for one, name in zip(differs, values, strict=True)]
    others = good.join(kept, on=key, how="inner").where(reduce(operator.or_, differs))
    first = F.min(F.struct("file_id", "line"))
    (told,) = others.agg(F.count("*").alias("rows"), first.alias("first")).collect()
    rows, found = int(about["rows"]), int(told["rows"])
    if not found:
        return Verdict(RULE, "warning", True, rows, 0, f"0 of {rows:,} rows")
    one = told["first"]
    detail = (
        f"{found:,} of {rows:,} rows have the key of another row ({', '.join(key)}) and other values, such as line "
        f"{one['line']} of {paths[one['file_id']]}; the row that came first stays. If the source corrects rows, map "
        "a column to the key that grows with each correction"
    )
    return Verdict(RULE, "warning", False, rows, found, detail)
