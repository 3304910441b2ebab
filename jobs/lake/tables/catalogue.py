"""Every table of the lake.

A table is named ``zone/dataset``. This package is the only owner of table shapes: the lake checks each
write against it, `klantreis tables` prints it and `docs/reference/tables.md` is generated from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jobs.lake.tables import (
    activation,
    experiments,
    feedback,
    identity,
    journey_map,
    journeys,
    known,
    kpis,
    models,
    ops,
    privacy,
    profiles,
    texts,
    ways,
)
from jobs.lake.tables.canonical import CANONICAL, LINEAGE
from jobs.lake.tables.contract import Dataset, columns

if TYPE_CHECKING:
    import pyarrow as pa

RAW = Dataset(
    "raw/*",
    "one record as received",
    ("arrived", "file_id", "line"),  # arrived adds nothing to the key, but spares looking at the files of other days
    (*columns("record! string the record as received, as a JSON object of column to value"), *LINEAGE),
)


def raw(source: str, dataset: str) -> Dataset:
    """The raw table of one dataset of one source, for example ``raw/crm_contacts``."""
    return Dataset(f"raw/{source}_{dataset}", RAW.grain, RAW.key, RAW.columns)


DATASETS: dict[str, Dataset] = {
    table.name: table
    for table in (
        *CANONICAL.values(),
        *ops.TABLES,
        *identity.TABLES,
        *profiles.TABLES,
        *journeys.TABLES,
        *ways.TABLES,
        *known.TABLES,
        *kpis.TABLES,
        *journey_map.TABLES,
        *models.TABLES,
        *texts.TABLES,
        *activation.TABLES,
        *experiments.TABLES,
        *feedback.TABLES,
        *privacy.TABLES,
    )
}


def get(name: str) -> Dataset:
    """The dataset of that table name. Raises KeyError with the nearest names for an unknown one."""
    if name.startswith("raw/"):
        return Dataset(name, RAW.grain, RAW.key, RAW.columns)
    if name not in DATASETS:
        from difflib import get_close_matches

        near = get_close_matches(name, DATASETS, n=3)
        raise KeyError(f"there is no table {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    return DATASETS[name]


def all_datasets() -> Iterator[Dataset]:
    yield RAW
    yield from DATASETS.values()


def table_of(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows in the shape of that table of the lake."""
    import pyarrow as pa

    return pa.Table.from_pylist(rows, schema=get(name).arrow_schema())
