"""Readable rows of a table of the lake, as Arrow: to bring to a lake without asking the engine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jobs.lake.tables import catalogue


def table_rows(name: str, *records: dict[str, Any]) -> pa.Table:
    """Records as rows of that table; columns not given are null.

    Text in the place of a date, timestamp or decimal is converted, so tests stay readable.
    """
    dataset = catalogue.get(name)
    unknown = {key for record in records for key in record} - set(dataset.column_names)
    assert not unknown, f"{name} has no column {sorted(unknown)}"
    schema = dataset.arrow_schema()
    columns = [
        pa.array([_value(record.get(field.name), field.type) for record in records], field.type) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _value(value: Any, type_: pa.DataType) -> Any:
    if isinstance(value, str) and pa.types.is_timestamp(type_):
        moment = dt.datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if isinstance(value, str) and pa.types.is_date(type_):
        return dt.date.fromisoformat(value)
    if pa.types.is_decimal(type_) and value is not None:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    return value
