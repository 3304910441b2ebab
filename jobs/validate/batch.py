"""What one run has to validate of one dataset: files that were loaded and have no counts yet."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.lake import Lake

FATES = ("rows_in", "accepted", "quarantined", "duplicates")
NOTHING = {"files": 0, **dict.fromkeys(FATES, 0)}
"""The counts of a run that nothing had come for."""


@dataclass(frozen=True)
class Batch:
    """Files of one dataset without counts. `refused` are the lines of each that were no record.

    `held` are the rows of each whose lines hold several, or none.
    """

    source: str
    dataset: str
    day: date
    files: list[dict[str, Any]]
    refused: dict[str, int]
    held: dict[str, int] = field(default_factory=dict)

    @property
    def raw(self) -> str:
        return f"raw/{self.source}_{self.dataset}"

    @property
    def valid(self) -> str:
        return f"valid/{self.dataset}"

    @property
    def loaded(self) -> list[dict[str, Any]]:
        return [file for file in self.files if file["state"] == "loaded"]

    @cached_property
    def rows(self) -> int:
        """Records in the raw table, or the rows that these hold."""
        records = {file["file_id"]: file["rows_in"] - self.refused.get(file["file_id"], 0) for file in self.loaded}
        return sum(self.held.get(file_id, rows) for file_id, rows in records.items())

    @cached_property
    def id(self) -> str:
        return hashlib.sha256("\n".join(sorted(file["file_id"] for file in self.files)).encode()).hexdigest()[:32]

    @property
    def days(self) -> list[date]:
        """The arrival days of the loaded files."""
        return sorted({file["arrived"] for file in self.loaded})

    def of(self, day: date) -> Batch:
        """The part of it that arrived on this day."""
        return self._by_day.get(day) or replace(self, files=[])

    @cached_property
    def _by_day(self) -> dict[date, Batch]:
        files: dict[date, list[dict[str, Any]]] = {}
        for file in self.files:
            files.setdefault(file["arrived"], []).append(file)
        return {day: replace(self, files=of_day) for day, of_day in files.items()}

    def without(self, days: Collection[date]) -> Batch:
        """The part of it that arrived on other days."""
        return replace(self, files=[file for file in self.files if file["arrived"] not in days])

    def lookup(self) -> pa.Table:
        """The loaded files: how rows of the raw table are found and named."""
        columns = ("file_id", "arrived", "path")
        types = {"file_id": pa.string(), "arrived": pa.date32(), "path": pa.string()}
        return pa.table({name: pa.array([file[name] for file in self.loaded], types[name]) for name in columns})


def pending(lake: Lake, source: str, day: date, datasets: list[str]) -> list[Batch]:
    """A batch for each dataset of the source with files that arrived up to `day` and have no counts."""
    files = lake.arrow("ops/files")
    files = files.filter(pc.and_(pc.equal(files["source"], source), pc.less_equal(files["arrived"], pa.scalar(day))))
    if not files.num_rows:
        return []
    counted = lake.arrow("ops/counts", columns=["file_id"])["file_id"]
    new = files.filter(pc.invert(pc.is_in(files["file_id"], value_set=counted))).to_pylist()
    refused = _refused(lake, {file["file_id"]: file["arrived"] for file in new})
    by_dataset: dict[str, list[dict[str, Any]]] = {name: [] for name in datasets}
    for file in sorted(new, key=lambda file: (file["arrived"], file["path"])):
        by_dataset.setdefault(file["dataset"], []).append(file)
    return [Batch(source, name, day, files, refused) for name, files in by_dataset.items() if files]


def _refused(lake: Lake, wanted: dict[str, date]) -> dict[str, int]:
    """Lines that ingest could not make a record of, per file; `wanted` are the files with their arrival days."""
    if not wanted:
        return {}
    days = wanted.values()
    rows = lake.arrow_between("quarantine/rows", ["file_id", "rule"], "arrived", min(days), max(days))
    mask = pc.and_(
        pc.is_in(rows["file_id"], value_set=pa.array(sorted(wanted))), pc.starts_with(rows["rule"], pattern="record:")
    )
    counts = rows.filter(mask).group_by("file_id").aggregate([("rule", "count")])
    return dict(zip(counts["file_id"].to_pylist(), counts["rule_count"].to_pylist(), strict=True))
