"""Transactions: the identity of a step, and the versions of the tables it reads.

`Lake.transaction` fixes the versions of the tables a step reads and gives the step an id: a fingerprint of its job,
day, code (`jobs.lake.code`), configuration and the files it reads. Each commit records that id in the Delta log under
the step's name, and a write that finds its own id there as the newest for that name changes nothing. So:

- a retry, or a second copy of one attempt, is a no-op; of two that race, one commits and the other finds its id;
- another configuration, other code or other input is another id, so the step runs again, also when a setting goes
  from A to B and back to A: only the newest id counts;
- `replace` and `upsert` compare with the state the transaction began from: an attempt that started before another
  one published is refused (StaleWrite), it never hides newer rows. `append` adds keys that are new at the moment of
  its commit; `delete` removes what matches at that moment.

The name an id is filed under is the job for tables that are replaced as a whole or only grow: a day that was
recomputed for an older day, or with other settings, is not mistaken for the newest state. For tables that are
replaced day by day it is job and day, since there each day has a newest id of its own.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from jobs.lake.files import LakeError
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.lake.changes import Added


class Tables(Protocol):
    """What a transaction asks of the lake that made it."""

    def empty(self, name: str) -> DataFrame: ...

    def read(self, name: str, day: dt.date | None = None, version: int | None = None) -> DataFrame: ...

    def arrow(
        self, name: str, columns: Sequence[str] | None = None, day: dt.date | None = None, version: int | None = None
    ) -> pa.Table: ...

    def added_files(self, name: str, since: int | None, until: int | None) -> Added | None: ...

    def has(self, name: str, txn: Txn) -> bool: ...

    def last_run(self, name: str, txn: Txn) -> Before | None: ...


class StaleWrite(LakeError):
    """Another attempt published since this one began; its result would be older than what is there."""


@dataclass(frozen=True)
class Commit:
    """What a write did. `applied` is False if the table already had it; the counts are then those of that commit."""

    version: int
    rows: int
    duplicates: int
    applied: bool


@dataclass(frozen=True)
class Before:
    """An earlier run of a step: its id, code and configuration, the versions it read and what it said of itself."""

    id: int
    basis: str
    pins: dict[str, int | None]
    state: dict[str, str]


@dataclass(frozen=True)
class Txn:
    """The identity of one step's writes, and the versions it reads.

    `pins` are the versions of its inputs; `base` the version each table had when it began, None for no table yet.
    Both are empty for a transaction made by hand, which can only write and compares with the moment of its write.
    `basis` stands for the code and configuration of the step, `state` is what it says about its run beside that; both
    are kept with every commit, with the pins, so that the next run can go on from there (`before`).
    """

    app: str
    version: int
    day: dt.date | None = None
    lake: Tables | None = field(default=None, repr=False, compare=False)
    pins: dict[str, int | None] = field(default_factory=dict, repr=False, compare=False)
    base: dict[str, int | None] = field(default_factory=dict, repr=False, compare=False)
    basis: str = field(default="", repr=False, compare=False)
    state: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def read(self, name: str, day: dt.date | None = None) -> DataFrame:
        """The table as it was when the transaction began."""
        lake, version = self._pinned(name)
        return lake.empty(name) if version is None else lake.read(name, day=day, version=version)

    def arrow(self, name: str, columns: Sequence[str] | None = None, day: dt.date | None = None) -> pa.Table:
        """The table as it was when the transaction began, without the engine."""
        lake, version = self._pinned(name)
        if version is None:
            schema = catalogue.get(name).arrow_schema()
            return schema.empty_table().select(list(columns) if columns else schema.names)
        return lake.arrow(name, columns=columns, day=day, version=version)

    def unfilled(self, name: str) -> frozenset[str]:
        """Columns of which statistics say that no row of the table had a value when the transaction began."""
        lake, version = self._pinned(name)
        found = lake.added_files(name, None, version)
        columns, files = catalogue.get(name).column_names, found.new if found else []
        return frozenset(column for column in columns if all(file.holds_nothing(column) for file in files))

    def done(self, *tables: str) -> bool:
        """Whether all these outputs already carry this transaction, so that there is nothing to do."""
        if self.lake is None:
            raise LakeError(f"transaction {self.app}: made without a lake, so it cannot look at tables")
        return all(self.lake.has(name, self) for name in tables)

    def before(self, *tables: str) -> Before | None:
        """The run that these tables are the result of, to go on from there.

        None if there is no such run, if code or configuration were others, or if the tables are not all of one run
        (one was killed in between): then everything has to be made anew.
        """
        if self.lake is None:
            raise LakeError(f"transaction {self.app}: made without a lake, so it cannot look at tables")
        found = [self.lake.last_run(name, self) for name in tables]
        first = found[0]
        return first if first and first.basis == self.basis and all(one == first for one in found) else None

    def part(self, name: str) -> Txn:
        """A transaction for one of several writes of this step to the same table.

        Without it the second write is taken for a retry of the first.
        """
        return dataclasses.replace(self, app=f"{self.app}/{name}")

    def app_for(self, dataset: Dataset) -> str:
        """The name this transaction's id is filed under in the log of that table."""
        return f"{self.app}/{self.day}" if self.day and dataset.scope == "day" else self.app

    def _pinned(self, name: str) -> tuple[Tables, int | None]:
        if self.lake is None or name not in self.pins:
            listed = ", ".join(sorted(self.pins)) or "none"
            raise LakeError(f"transaction {self.app}: table {name} is not among its reads ({listed}); list it there")
        return self.lake, self.pins[name]


def fingerprint(job: str, day: dt.date, code: str, inputs: Mapping[str, str], config: Any) -> int:
    """The id of a step as a 63-bit number, which is what a Delta transaction holds.

    Raises TypeError for a value in `config` without a stable text form.
    """
    identity = [job, day.isoformat(), code, inputs, config]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=_plain).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def basis(job: str, code: str, config: Any) -> str:
    """Stands for the code and configuration of a step, whatever its day and input."""
    text = json.dumps([job, code, config], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Settings as JSON; anything without a stable text form is refused."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dt.date | Path):
        return str(value)
    raise TypeError(f"config of a transaction cannot hold {type(value).__name__}; give settings, numbers or text")
