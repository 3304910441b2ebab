"""Of tables that keep every version of a record, what counts today: views named `newest.DATASET`, for people who ask.

Steps have their own way, as of a day (jobs/validate/versions/counting.py); a test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import duckdb

from jobs.lake.tables.canonical import CANONICAL
from jobs.lake.tables.contract import Dataset

NEWEST = "newest"
VERSIONED = {f"{NEWEST}.{name}": one for name, one in CANONICAL.items() if one.versions and "updated_at" in one.key}
"""The views, and the tables they are of. Answers about consent have no newest one: the strictest of several counts."""
_COUNTED = 1_000_000
"""Rows up to which a table is counted only to tell how many of them are earlier versions."""


def view(contract: Dataset) -> str:
    """The SQL of the view: the newest version of each record, without those that have ended."""
    record = ", ".join(f'"{name}"' for name in ("source", *contract.record))
    newest = ", ".join(f"{name} desc nulls last" for name in (contract.version_at, "arrived", "file_id", "line"))
    rows = f'select * from "valid"."{contract.short_name}"'
    if contract.whole:
        rows += f"""
            qualify coalesce(coalesce(delivery, {contract.version_at}, arrived::timestamptz)
                             >= max(delivery) over (partition by source, "{contract.whole}"), true)"""
    return f"""
        create view "{NEWEST}"."{contract.short_name}" as
        select * from (
            select * from ({rows}) qualify row_number() over (partition by {record} order by {newest}) = 1
        ) where not coalesce(deleted, false)"""


def earlier_versions(sql: str, database: duckdb.DuckDBPyConnection, rows: Mapping[str, int]) -> list[str]:
    """What to tell of each table in `sql` that holds earlier versions too; `rows` is how many rows each has."""
    found = []
    for name, contract in VERSIONED.items():
        table = f"valid.{contract.short_name}"
        if not 0 < rows.get(contract.name, 0) <= _COUNTED or not re.search(rf"(?<![\w.]){re.escape(table)}\b", sql):
            continue
        every, count = database.sql(f"select (select count(*) from {table}), (select count(*) from {name})").fetchall()[
            0
        ]
        if every != count:
            found.append(
                f"{table} keeps every version: {every:,} rows, of which {count:,} count now; {name} has only those."
            )
    return found
