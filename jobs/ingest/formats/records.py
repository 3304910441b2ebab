"""Records on their way from a file to the raw tables, and what can be wrong with a file's columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.content import BrokenFile

BLOCK = 32 << 20
"""Bytes parsed at a time, if a record is 32 MB at most."""
SHOWN = 100_000
"""Characters of a refused record that are kept; its file, line and length tell where the rest is."""


class Line(NamedTuple):
    """One record as JSON on one line.

    `seen`: the last pull reached this far, so it has it if nothing changed. `again`: the next pull will see it again.
    """

    text: str
    seen: bool
    again: bool


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


def shortened(text: str) -> str:
    """The text of a refused record as quarantine keeps it."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text):,} characters)"


def check_columns(header: list[str], limits: Limits) -> None:
    """Raise BrokenFile if a column is there twice, or if there are more of them than `limits` allow."""
    if len(header) > limits.columns:
        raise BrokenFile(
            f"it has {len(header):,} columns, more than the {limits.columns:,} of general.limits.columns; send values "
            "that make a list as rows, or raise it"
        )
    repeated = sorted(name for name, times in Counter(header).items() if times > 1)
    if repeated:
        raise BrokenFile(f"column {repeated[0]!r} is in the header twice; name each column once and send it again")
