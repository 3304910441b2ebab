"""Erasing a person from the tables of the lake, and from the versions that the tables had before.

Which tables hold a person follows from their columns, not from a list: lines of files by file and line, rows about a
customer by `customer_id`, everything else by any text column that holds one of the person's keyed hashes or record
names. So a new table is erased from without a word here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from jobs.clock import now, today
from jobs.config.settings import Settings
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Dataset
from jobs.privacy.person import Person

OWN_ZONE = "privacy"
FILE_ZONES = ("raw", "valid", "quarantine")
"""Zones whose rows are lines of files."""
HASHED_ZONES = ("identity", "models")
"""Zones of which rows may be about a person without naming a customer."""
RECORDED = ("ops/decisions", "identity/decisions", "identity/review")
"""Tables about pairs of contact records, by their names."""
DROPPED = "dropped"
BECAUSE = "erased on request"

Counted = tuple[str, int]
"""A table and how many rows of it were erased."""


class Eraser:
    """The writes of one request: each a transaction of its own, so that a killed request can be repeated."""

    def __init__(self, lake: Lake, settings: Settings, request: str):
        self._lake, self._settings, self._request = lake, settings, request
        self._day = today(settings.general.timezone)

    def lines(self, lines: pa.Table) -> Iterator[Counted]:
        """Erase lines of files from every table that has them, and what quarantine keeps of them."""
        if not lines.num_rows:
            return
        keys = lines.select(["file_id", "line"]).group_by(["file_id", "line"]).aggregate([])
        keys = keys.select(["file_id", "line"])
        for name in self._of_lines():
            yield name, self._delete(name, keys)
        yield "quarantine/rows", self._blanked("quarantine/rows", keys)
        yield "quarantine/replays", self._blanked("quarantine/replays", keys)

    def records(self, records: Iterable[str]) -> Iterator[Counted]:
        """Erase what names contact records, as source:contact_id. Before their lines go, which tell these names."""
        names = pa.array(sorted(records), pa.string())
        for name in filter(self._lake.exists, RECORDED):
            yield name, sum(self._delete(name, pa.table({side: names})) for side in ("left", "right"))

    def person(self, person: Person) -> Iterator[Counted]:
        """Erase rows about the customers and identifiers of a person.

        The map goes last: as long as it names the person, a request that was killed finds everybody it was about.
        """
        hashes = set(person.identifiers) | self._rows("identity/prepared", "contact", person.identifiers, "row")
        last = "identity/map"
        for name in [*(one for one in self._others() if one != last), last]:
            table = catalogue.get(name)
            if not self._lake.exists(name):
                continue
            erased = 0
            for column in _about(table):
                values = set(person.customers) if column.endswith("customer_id") else hashes
                erased += self._delete(name, pa.table({column: pa.array(sorted(values), pa.string())}))
            yield name, erased

    def forget_versions(self, names: Iterable[str]) -> int:
        """Delete the files of earlier versions of these tables, and what the log told of them; returns how many."""
        return sum(self._lake.forget_versions(name) for name in names)

    def _of_lines(self) -> list[str]:
        """Tables of which a row is made of a line of a file; quarantine keeps its rows."""
        named = {"file_id", "line"}
        return [
            name
            for name in self._settings.tables
            if named <= set(catalogue.get(name).column_names)
            and name.split("/")[0] not in ("quarantine", OWN_ZONE)
            and self._lake.exists(name)
        ]

    def _others(self) -> list[str]:
        return [name for name in catalogue.DATASETS if name.split("/")[0] not in (*FILE_ZONES, OWN_ZONE)]

    def _rows(self, name: str, column: str, values: Iterable[str], wanted: str) -> set[str]:
        if not self._lake.exists(name):
            return set()
        among = pa.array(sorted(values), pa.string())
        found = self._lake.dataset(name).to_table(columns=[wanted], filter=pc.field(column).isin(among))
        return set(found[wanted].to_pylist())

    def _delete(self, name: str, keys: pa.Table) -> int:
        if not keys.num_rows or not self._any(name, keys):
            return 0
        return self._lake.delete(name, keys, self._txn(name)).rows

    def _any(self, name: str, keys: pa.Table) -> bool:
        """Whether a row may match, from one column alone: most tables know nothing of a person."""
        column = keys.column_names[0]
        among = pc.field(column).isin(pc.unique(keys[column]))
        return bool(self._lake.dataset(name).count_rows(filter=among))

    def _blanked(self, name: str, keys: pa.Table) -> int:
        """Empty the records of these lines. The rows stay, so that the rows of a file still add up, and count as
        dropped by decision: nothing of them can be tried again."""
        if not self._lake.exists(name):
            return 0
        files = pc.field("file_id").isin(pc.unique(keys["file_id"]))
        rows = self._lake.dataset(name).to_table(filter=files)
        wanted = {(row["file_id"], row["line"]) for row in keys.to_pylist()}
        named = zip(rows["file_id"].to_pylist(), rows["line"].to_pylist(), strict=True)
        mine = rows.filter(pa.array([one in wanted for one in named], pa.bool_()))
        mine = mine.filter(pc.greater(pc.fill_null(pc.utf8_length(mine["record"]), 0), 0))
        if not mine.num_rows:
            return 0
        schema = catalogue.get(name).arrow_schema()
        empty = mine.set_column(mine.column_names.index("record"), "record", pa.array([""] * mine.num_rows))
        if name == "quarantine/rows":
            self._dropped(mine)
        self._lake.upsert(name, empty.select(schema.names).cast(schema), self._txn(name))
        return int(mine.num_rows)

    def _dropped(self, rows: pa.Table) -> None:
        """Say of rows that wait in quarantine that they were dropped."""
        schema = catalogue.get("quarantine/replays").arrow_schema()
        tried = self._lake.arrow("quarantine/replays", columns=["file_id", "line", "attempt", "outcome"]).to_pylist()
        newest = {(row["file_id"], row["line"]): row for row in sorted(tried, key=lambda row: row["attempt"])}
        told = []
        for key, row in {(row["file_id"], row["line"]): row for row in rows.to_pylist()}.items():
            before = newest.get(key)
            if before and before["outcome"] != "refused":
                continue
            told.append(
                {name: row[name] for name in ("file_id", "line", "source", "dataset", "path", "rule")}
                | {"attempt": (before["attempt"] if before else 0) + 1, "replay": self._request, "day": self._day}
                | {"at": now(), "outcome": DROPPED, "reason": BECAUSE, "corrected": False}
                | {"record": None, "by": "klantreis erase"}
            )
        if told:
            txn = self._txn("quarantine/replays")
            self._lake.append("quarantine/replays", pa.Table.from_pylist(told, schema=schema), txn)

    def _txn(self, name: str) -> Txn:
        """Never taken for a retry of another write: what is gone already makes it write nothing."""
        mark = [self._request, name, secrets.token_hex(8)]
        return self._lake.transaction(f"erase/{self._request}", self._day, config=mark, code=__name__)


def _about(table: Dataset) -> list[str]:
    """The columns by which rows of a table are found to be about somebody."""
    customer: Callable[[str], bool] = lambda name: name.endswith("customer_id")  # noqa: E731
    named = [column.name for column in table.columns if column.type == "string" and customer(column.name)]
    if named:
        return named
    if table.zone in HASHED_ZONES:
        return [column.name for column in table.columns if column.type == "string"]
    return []


def records_of(lines: pa.Table, lake: Lake) -> set[str]:
    """What the contact records on these lines are called in reviews and decisions: source:contact_id."""
    if not lake.exists("valid/contacts") or not lines.num_rows:
        return set()
    files = pc.field("file_id").isin(pc.unique(lines["file_id"]))
    rows = lake.dataset("valid/contacts").to_table(columns=["source", "contact_id", "file_id", "line"], filter=files)
    mine = rows.join(lines.select(["file_id", "line"]), keys=["file_id", "line"], join_type="left semi")
    return {f"{row['source']}:{row['contact_id']}" for row in mine.to_pylist() if row["contact_id"]}
