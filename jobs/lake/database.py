"""SQL over rows in memory, by the one DuckDB of this process.

Opening a database takes longer than most questions do, so all connections are to the same one. What a connection
registers, creates as temporary, or sets is its own and ends with it: nothing is handed on from one question to another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds


@contextmanager
def database_of(**tables: pa.Table | ds.Dataset | pa.RecordBatchReader) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to which these rows are tables of the names given. What it creates has to be temporary."""
    with _opened_by(os.getpid()).cursor() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        yield connection


@cache
def _opened_by(process: int) -> duckdb.DuckDBPyConnection:
    """The database of this process: its threads would not survive a fork."""
    return duckdb.connect()
