"""Small rows of lake tables for the tests of the lake. Light: child processes import it too."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue

DAY = dt.date(2017, 3, 1)


def counts(*file_ids: str, arrived: dt.date = DAY, rows_in: int = 1) -> pa.Table:
    rows = [
        {"file_id": f, "source": "crm", "dataset": "contacts", "arrived": arrived, "rows_in": rows_in} for f in file_ids
    ]
    return pa.Table.from_pylist(rows, catalogue.get("ops/counts").arrow_schema())


def scores(day: dt.date, *customers: str, score: float = 0.5) -> pa.Table:
    rows = [
        {"day": day, "model": "churn", "customer_id": c, "score": score, "reasons": ["late", "rare"]} for c in customers
    ]
    return pa.Table.from_pylist(rows, catalogue.get("models/scores").arrow_schema())


def identifiers(lake: Lake, name: str = "ops/counts", column: str = "file_id") -> list[str]:
    return sorted(lake.arrow(name, columns=[column])[column].to_pylist())
