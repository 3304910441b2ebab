"""Ask the lake with SQL: every table is a DuckDB view named `zone.dataset`."""

from __future__ import annotations

import duckdb

from jobs.lake.lake import Lake
from jobs.lake.place import Place


def connect(place: Place) -> duckdb.DuckDBPyConnection:
    """A read-only, in-memory database with one view per table, such as `valid.contacts`.

    Views read the newest version of each Delta table; one that was never written has no rows, once anything was.
    Nothing on disk other than the lake can be reached.
    """
    lake = Lake.of(place)
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    written = {name: lake.exists(name) for name in place.tables}
    for name in place.tables if any(written.values()) else ():
        zone, dataset = name.split("/")
        rows = lake.dataset(name) if written[name] else lake.contract(name).arrow_schema().empty_table()
        database.register(f"{zone}__{dataset}", rows)
        database.execute(f'CREATE SCHEMA IF NOT EXISTS "{zone}"')
        database.execute(f'CREATE VIEW "{zone}"."{dataset}" AS SELECT * FROM "{zone}__{dataset}"')
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database
