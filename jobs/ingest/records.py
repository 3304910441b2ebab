"""Records on their way from a file to the raw tables, and what can be wrong with a file's columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from jobs.ingest.content import BrokenFile
from jobs.yaml_files import nearest

BLOCK = 32 << 20
"""Bytes parsed at a time; also the longest record that can be read."""


@dataclass(frozen=True)
class Reject:
    """A line that cannot be a record."""

    line: int
    rule: str
    reason: str
    record: str


@dataclass(frozen=True)
class Chunk:
    """Some records of a file: `columns` for tables, or `text` for records that are JSON already."""

    lines: pa.Array
    columns: pa.Table | None = None
    text: pa.Array | None = None
    rejects: list[Reject] = field(default_factory=list)


def check_columns(header: list[str], required: Iterable[str]) -> None:
    """Raise BrokenFile if a column is there twice, has no name, or is required and not there."""
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise BrokenFile(f"column {repeated[0]!r} is in the header twice; name each column once and send it again")
    refuse_missing([name for name in required if name not in header], header)


def refuse_missing(missing: list[str], header: list[str]) -> None:
    """Raise BrokenFile if any required column is missing; `header` helps to name the nearest one."""
    if missing:
        names = ", ".join(repr(name) for name in missing)
        hint = nearest(missing[0], header) if header else ""
        raise BrokenFile(
            f"required column {names} is missing{hint}; "
            "send the file with it, or change `columns` or `required` of this dataset"
        )
