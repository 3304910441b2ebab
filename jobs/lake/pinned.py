"""Tables at the versions that a transaction reads, for DuckDB."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue


def pinned(lake: Lake, name: str, version: int | None) -> pa.Table | ds.Dataset:
    """A table at a version; without rows where there is none yet."""
    return catalogue.get(name).arrow_schema().empty_table() if version is None else lake.dataset(name, version)
