"""Ask the lake with SQL: every table is a DuckDB view named `zone.dataset`."""

from __future__ import annotations

import duckdb

from jobs import schemas
from jobs.config.settings import Settings
from jobs.lake import Lake


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A read-only, in-memory database with one view per existing table, such as `valid.contacts`.

    Views read the newest version of each Delta table; nothing on disk other than the lake can be reached.
    """
    lake = Lake.of(settings)
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    for name in table_names(settings):
        if not lake.exists(name):
            continue
        zone, dataset = name.split("/")
        database.register(f"{zone}__{dataset}", lake.dataset(name))
        database.execute(f'CREATE SCHEMA IF NOT EXISTS "{zone}"')
        database.execute(f'CREATE VIEW "{zone}"."{dataset}" AS SELECT * FROM "{zone}__{dataset}"')
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def table_names(settings: Settings) -> list[str]:
    """All tables this configuration can have, raw tables of its sources first."""
    raw = [
        schemas.raw(source.source, dataset).name for source in settings.sources.values() for dataset in source.datasets
    ]
    return raw + list(schemas.DATASETS)
