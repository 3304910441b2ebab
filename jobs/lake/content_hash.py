"""A hash of rows that does not depend on their order, their files or the engine that wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow.dataset as ds

from jobs.lake.database import database_of
from jobs.lake.tables.contract import Column


def hash_rows(rows: ds.Dataset, columns: Sequence[Column]) -> str:
    """SHA-256 over the number of rows and the sum of a 128-bit hash of each row's text form.

    A sum, not an exclusive or: a row that is there twice must not cancel out.
    """
    text = " || ".join(_text(column) for column in columns)
    query = f"""
        with hashed as (select md5_number({text}) as h from rows_to_hash)
        select count(*), coalesce(sum((h >> 64)::hugeint), 0), coalesce(sum((h & 18446744073709551615)::hugeint), 0)
        from hashed
    """
    scanned = rows.scanner(columns=[column.name for column in columns]).to_reader()
    with database_of(rows_to_hash=scanned) as connection:
        result = connection.execute(query).fetchone()
    return hashlib.sha256(repr((result, [c.name for c in columns])).encode()).hexdigest()


def _text(column: Column) -> str:
    """SQL for one value as text that cannot run into its neighbour: length, colon, value; `n` for null."""
    name = f'"{column.name}"'
    value = {
        "timestamp": f"epoch_us({name})::varchar",
        "double": f"({name} + 0.0)::varchar",  # -0.0 and 0.0 are equal, so they must hash alike
    }.get(column.type, f"to_json({name})::varchar" if column.type.startswith("array") else f"{name}::varchar")
    return f"coalesce(length({value}) || ':' || {value}, 'n')"
