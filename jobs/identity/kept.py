"""What earlier days left behind of who is who, and whether a day can go on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity import model_store
from jobs.identity.contact_rows import PREPARED
from jobs.lake.code import code_fingerprint
from jobs.lake.database import database_of
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables.catalogue import get

STANDING, SIGHTINGS = "identity/standing", "identity/sightings"
STEP = "jobs.identity.identity"
"""The module whose code, with all it imports, made what is kept."""
JOINED = ("identifiers", "junk", "not_junk", "matching", "largest_customer")
"""What of config/identity.yaml says who is who."""
WRITTEN = (
    *(SIGHTINGS, PREPARED, *model_store.TABLES, "identity/review"),
    *("identity/links", "identity/set_aside", "identity/decisions", "identity/map", "identity/events"),
)
"""All tables of who is who but `STANDING`, which is written last: it says that the others go together."""


@dataclass(frozen=True)
class Kept:
    """The tables as they were when the step began."""

    lake: Lake
    txn: Txn

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        return self.txn.arrow(name, columns)

    def dataset(self, name: str) -> ds.Dataset:
        """The table for readers that take out what they need."""
        version = self.txn.pins[name]
        return (
            ds.dataset(get(name).arrow_schema().empty_table()) if version is None else self.lake.dataset(name, version)
        )

    def having(self, name: str, columns: Sequence[str], values: Collection[str]) -> pa.Table:
        """The rows that have one of the values in one of the columns; no other row is taken into memory."""
        wanted = pa.array(sorted(values), pa.string())
        condition = pc.field(columns[0]).isin(wanted)
        for column in columns[1:]:
            condition |= pc.field(column).isin(wanted)
        return self.dataset(name).to_table(filter=condition)

    def standing(self, settings: Settings) -> dict[str, Any] | None:
        """What the last complete run says of itself: as_of, inputs (table to version).

        None if there was none under the same settings and code, or if another run since was not completed.
        """
        rows = self.table(STANDING).to_pylist()
        if len(rows) != 1 or rows[0]["settings"] != fingerprint(settings):
            return None
        steps = json.loads(rows[0]["steps"])
        if any(self.lake.last_step(name, self.txn.app) != steps.get(name) for name in WRITTEN):
            return None
        return rows[0] | {"inputs": json.loads(rows[0]["inputs"])}

    def stands(self, as_of: date, tables: Sequence[str], settings: Settings) -> pa.Table:
        """The row of `STANDING` once all other tables are written."""
        row = {
            "as_of": as_of,
            "settings": fingerprint(settings),
            "inputs": json.dumps({name: self.txn.pins[name] for name in sorted(tables)}),
            "steps": json.dumps({name: self.lake.last_step(name, self.txn.app) for name in sorted(WRITTEN)}),
        }
        return pa.Table.from_pylist([row], get(STANDING).arrow_schema())

    def unseen(self, standing: dict[str, Any], tables: Sequence[str], as_of: date) -> dict[str, DataFrame] | None:
        """Per table the rows that the last run has not seen; None if some of what it has seen is gone."""
        inputs = standing["inputs"]
        if set(inputs) - set(tables):
            return None
        found = {}
        for name in tables:
            rows = self.lake.added(name, inputs.get(name), self.txn.pins[name], standing["as_of"], as_of)
            if rows is None:
                return None
            found[name] = rows
        return found

    def all_rows(self, tables: Sequence[str], as_of: date) -> dict[str, DataFrame]:
        """Per table the rows that arrived up to a day."""
        return {name: self.txn.read(name).where(F.col("arrived") <= F.lit(as_of)) for name in tables}

    def write(self, name: str, before: pa.Table, after: pa.Table) -> None:
        """Put `after` in the place of the rows `before`; nothing is written if they are the same."""
        gone, added = _difference(before, after), _difference(after, before)
        if len(gone) or len(added):
            self.lake.revise(name, gone, added, self.txn)


def fingerprint(settings: Settings) -> str:
    """Of all that decides who is who, but for the records and what stewards decided about them."""
    joined = settings.identity.model_dump_json(include=set(JOINED))
    told = [joined, settings.whose_rows, settings.general.country, code_fingerprint(STEP), settings.hash_key()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _difference(table: pa.Table, other: pa.Table) -> pa.Table:
    """The rows of a table that the other does not have."""
    if not len(table) or not len(other):
        return table
    with database_of(one=table, two=other.select(table.column_names)) as con:
        con.execute("SET enable_progress_bar = false")
        rows: pa.Table = con.sql("SELECT * FROM one EXCEPT SELECT * FROM two").to_arrow_table()
        return rows.cast(table.schema)
