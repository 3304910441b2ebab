"""Data files of a table: their schema, checked against jobs/lake/tables/, and their statistics.

Statistics leave out values of columns with personal data, so that erasing a person never has to rewrite the log.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import StepFailed
from jobs.lake.tables.canonical_row import PERSON
from jobs.lake.tables.contract import Dataset


class LakeError(StepFailed):
    """A table cannot be read or written as asked; the message names table and place."""


class SchemaMismatch(LakeError):
    """Rows or a data file do not have the columns and types of jobs/lake/tables/."""


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table. `low` and `high` bound the values of the columns that have statistics."""

    path: str
    size: int
    rows: int
    low: dict[str, Any] = field(default_factory=dict, compare=False)
    high: dict[str, Any] = field(default_factory=dict, compare=False)
    nulls: dict[str, int] = field(default_factory=dict, compare=False)

    def may_hold(self, column: str, low: Any, high: Any) -> bool:
        """Whether a value between `low` and `high` can be in this file; unknown bounds count as yes."""
        if low is None or high is None or self.low.get(column) is None or self.high.get(column) is None:
            return True
        return bool(self.low[column] <= high and low <= self.high[column])

    def holds_nothing(self, column: str) -> bool:
        """Whether no row has a value, by the statistics."""
        return self.nulls.get(column) == self.rows

    def holds_only(self, column: str, value: Any) -> bool:
        """Whether every row has this value, by the statistics."""
        return self.low.get(column) == value == self.high.get(column) and self.nulls.get(column) == 0


def from_log(row: dict[str, Any]) -> DataFile:
    """A file as delta-rs lists it, with flattened statistics."""

    def part(prefix: str) -> dict[str, Any]:
        return {key.removeprefix(prefix): value for key, value in row.items() if key.startswith(prefix)}

    return DataFile(row["path"], row["size_bytes"], row["num_records"], part("min."), part("max."), part("null_count."))


def from_footer(dataset: Dataset, path: str, size: int, metadata: pq.FileMetaData) -> DataFile:
    """A file as its footer describes it."""
    moments = {column.name for column in dataset.columns if column.type in ("date", "timestamp")}
    names = {*dataset.key, dataset.day_column, *moments, *(column.name for column in PERSON)}
    personal = {column.name for column in dataset.columns if column.personal}
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    for index in range(metadata.num_columns):
        name = metadata.schema.column(index).path
        found = statistics_of(groups, index) if name in names else []
        if not found:
            continue
        nulls[name] = sum(s.null_count for s in found)
        bounded = [s for s in found if s.has_min_max]
        # A row group of nulls has no bounds; any other without bounds makes the bounds of the file unknown.
        if name not in personal and bounded and all(s.has_min_max or s.num_values == 0 for s in found):
            low[name] = min(s.min for s in bounded)
            high[name] = max(s.max for s in bounded)
    return DataFile(path, size, metadata.num_rows, low, high, nulls)


def statistics_of(groups: Iterable[pq.RowGroupMetaData], index: int) -> list[pq.Statistics]:
    """Those of a column in each row group with rows; empty if one of them does not tell how many have no value."""
    found = [group.column(index).statistics for group in groups if group.num_rows]
    return [] if any(s is None or not s.has_null_count for s in found) else found


def stats_json(file: DataFile) -> str:
    """Statistics as the Delta protocol writes them."""

    def text(value: Any) -> Any:
        if isinstance(value, dt.datetime):
            return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if isinstance(value, dt.date):
            return value.isoformat()
        return float(value) if isinstance(value, Decimal) else value

    return json.dumps(
        {
            "numRecords": file.rows,
            "minValues": {key: text(value) for key, value in file.low.items() if value is not None},
            "maxValues": {key: text(value) for key, value in file.high.items() if value is not None},
            "nullCount": {key: value for key, value in file.nulls.items() if value is not None},
        }
    )


def check_schema(dataset: Dataset, found: pa.Schema, place: str) -> None:
    """Refuse a data file that readers would fail on: same columns, same types, exactly."""
    expected = dataset.arrow_schema()
    for column in expected:
        if column.name not in found.names:
            raise SchemaMismatch(f"{dataset.name}: {place}: column {column.name!r} is missing; expected {column.type}")
        type_ = _plain_type(found.field(column.name).type)
        if type_ != column.type:
            raise SchemaMismatch(
                f"{dataset.name}: {place}: column {column.name!r} is {type_}, expected {column.type}"
                " (timestamps must be microseconds in UTC)"
            )
    extra = [name for name in found.names if name not in expected.names]
    if extra:
        raise SchemaMismatch(f"{dataset.name}: {place}: unexpected column {extra[0]!r}; the table has no such column")


def _plain_type(type_: pa.DataType) -> pa.DataType:
    """`type_` without differences that exist in memory only, such as 64-bit string offsets."""
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return pa.list_(_plain_type(type_.value_type))
    return type_


def of_day(dataset: Dataset, files: Sequence[DataFile], day: dt.date | None) -> list[DataFile]:
    """Files that may hold rows of `day`, judged by their statistics; all files for None."""
    if day is None:
        return list(files)
    if dataset.day_column is None:
        raise LakeError(f"{dataset.name}: has no day column, so the rows of one day cannot be picked out")
    return [file for file in files if file.may_hold(dataset.day_column, day, day)]


def sharing_keys(dataset: Dataset, files: Sequence[DataFile], others: Sequence[DataFile]) -> list[DataFile]:
    """Those of `files` that may share a key with one of `others`, judged by their statistics."""

    def may_share(file: DataFile, other: DataFile) -> bool:
        return all(file.may_hold(column, other.low.get(column), other.high.get(column)) for column in dataset.key)

    return [file for file in files if any(may_share(file, other) for other in others)]


def groups_to_merge(dataset: Dataset, files: Sequence[DataFile], target_size: int) -> list[list[DataFile]]:
    """Small files in groups of about `target_size` bytes; of one day each, for tables replaced day by day.

    Files of neighbouring days go together, so that their statistics still tell days apart.
    """
    groups: list[list[DataFile]] = []
    by_day: dict[Any, list[DataFile]] = {}
    names = {column.name for column in dataset.columns}
    time = "arrived" if "arrived" in names else dataset.day_column or ""
    for file in sorted(files, key=lambda f: (str(f.low.get(time, "")), f.path)):
        if file.size < target_size // 2:
            day = file.low.get(dataset.day_column or "") if dataset.scope == "day" else None
            by_day.setdefault(day, []).append(file)
    for same_day in by_day.values():
        group: list[DataFile] = []
        for file in same_day:
            if group and sum(f.size for f in group) + file.size > target_size:
                groups.append(group)
                group = []
            group.append(file)
        groups.append(group)
    return [group for group in groups if len(group) > 1]
