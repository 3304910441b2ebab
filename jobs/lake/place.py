"""What the lake is told of the company it serves, so that it knows no configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from jobs.lake.tables.contract import Dataset


class Place(Protocol):
    """Where a lake is, the tables it can have, and those to which the configuration adds columns."""

    @property
    def lake(self) -> str: ...

    @property
    def tables(self) -> list[str]: ...

    @property
    def contracts(self) -> Mapping[str, Dataset]: ...

    @property
    def elsewhere(self) -> Mapping[str, str]: ...
