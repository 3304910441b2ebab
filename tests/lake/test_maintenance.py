"""Maintenance makes files fewer and leaves the rows alone."""

import datetime as dt

import pyarrow as pa

from jobs.lake import maintenance
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue


def test_maintenance_merges_small_files_and_keeps_every_row(settings):
    config = settings()
    lake = Lake.of(config)
    schema = catalogue.get("ops/files").arrow_schema()
    for number in range(8):
        day = dt.date(2024, 1, 1 + number)
        row = {"file_id": f"f{number}", "source": "crm", "arrived": day, "rows_in": number}
        data = pa.Table.from_pylist([{field.name: row.get(field.name) for field in schema}], schema=schema)
        lake.append("ops/files", data, lake.transaction("load", day, config=number))
    before = lake.content_hash("ops/files")

    result = maintenance.run(dt.date(2024, 1, 8), config)

    assert result["tables"] == 1
    assert result["files_merged_away"] == 7
    assert lake.content_hash("ops/files") == before
    assert lake.rows("ops/files") == 8


def test_maintenance_of_an_empty_lake_does_nothing(settings):
    assert maintenance.run(dt.date(2024, 1, 8), settings()) == {
        "tables": 0,
        "files_merged_away": 0,
        "files_removed": 0,
    }
