"""Lakes with a few rows, and the page of them."""

import datetime as dt

import pyarrow as pa
import pytest

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue


@pytest.fixture
def lake_of(settings):
    """The settings of a lake with these rows: `lake_of({"journeys/stages": [{...}]})`; columns not given are null."""

    def build(tables, files=None):
        loaded = settings(files)
        lake = Lake.of(loaded)
        for name, rows in tables.items():
            schema = catalogue.get(name).arrow_schema()
            unknown = {key for row in rows for key in row} - set(schema.names)
            assert not unknown, f"{name} has no column {sorted(unknown)}"
            full = [{column: row.get(column) for column in schema.names} for row in rows]
            data = pa.Table.from_pylist(full, schema=schema)
            lake.append(name, data, lake.transaction("test", dt.date(2024, 1, 1), config=str(rows)))
        return loaded

    return build
