"""What the records of one file look like: which columns it has, and what kind of values they hold.

A file is looked at while it is read, and only at a sample of its records: names of the header are free, and of
records without header (JSON) a column that the sample lacks is searched in all records.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.ingest.expressions import steps
from jobs.ingest.formats.content import BrokenFile
from jobs.ingest.formats.records import Chunk

SAMPLE = 100
"""Records of a file that are looked at for the kind of their values, spread over its first part."""
GLANCE = 8
"""Records that are enough to see that a column holds what it held before."""
MOSTLY = 0.95
"""A column is of a kind if that share of its values is: single bad values are the business of the row rules."""

NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?")
BOOLEAN = re.compile(r"true|false|yes|no|ja|nee", re.IGNORECASE)
DATE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{4}")
CLOCK = re.compile(r"([T ]+\d{1,2}:\d{2}.*)?")


_loads = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) < 1_000 else float(digits)).decode
"""As json.loads, which refuses a whole number of more than 4,300 digits."""


@dataclass(frozen=True)
class Column:
    """One source column: its place from 1 (None without header), its kind, and how many of `records` have it."""

    position: int | None
    kind: str
    records: int
    present: int

    def missing_by_chance(self, records: int) -> float:
        """How likely none of so many further records has it, if each has it as often as those seen."""
        return float((1 - self.present / (self.records + 1)) ** records)


Shape = dict[str, Column]
"""The columns of a file by name, in order."""


class Seen:
    """What the chunks of one file show of its columns."""

    def __init__(self, expected: Collection[str], all_names: bool, nulls: Collection[str], most: int):
        """Of records without header the names of `expected` are found wherever they are, with `all_names` any.

        `most` is how many names the records of one file may have together.
        """
        self.names: list[str] = []
        self.header = False
        self.records = 0
        self._expected = set(expected)
        self._all_names = all_names
        self._most = most
        self._nulls = {"", *nulls}
        self._table: pa.Table | None = None
        self._objects: list[dict[str, Any]] = []
        self._kinds: dict[str, Counter[str]] = {}

    def look(self, chunk: Chunk) -> None:
        """Take in the next chunk of the file. Raises BrokenFile for records of ever other fields."""
        if chunk.columns is not None:
            self._look_at_table(chunk.columns)
        elif chunk.text is not None and len(chunk.text):
            self._look_at_objects(chunk.text)
        self.records += len(chunk.lines)

    def _look_at_table(self, table: pa.Table) -> None:
        self.header, self.names = True, table.column_names
        if not self._sampled and table.num_rows:
            self._table = table.take(_spread(table.num_rows))

    def _look_at_objects(self, texts: pa.Array) -> None:
        if not self._sampled:
            self._objects = [_loads(text) for text in texts.take(_spread(len(texts))).to_pylist()]
            self.names = list(dict.fromkeys(name for record in self._objects for name in record))
            self._refuse_many(self.names)
        if self._all_names and len(texts) > SAMPLE:
            found = dict.fromkeys(self.names)
            for text in texts.to_pylist():
                found.update(dict.fromkeys(_loads(text)))
                self._refuse_many(found)
            self.names = list(found)
        for name in sorted(self._expected - set(self.names)):
            if any(_has(record, name) for record in self._objects) or _is_in(texts, name):
                self.names.append(name)

    def _refuse_many(self, names: Collection[str]) -> None:
        if len(names) > self._most:
            raise BrokenFile(
                f"its records have more than {self._most:,} different fields together, as where values are names of "
                "fields; send them as a list, or raise general.limits.columns"
            )

    @property
    def _sampled(self) -> bool:
        return self._table is not None or bool(self._objects)

    def kinds(self, name: str) -> Counter[str]:
        """How many of the looked-at values are of each kind; empty values are not counted."""
        if name not in self._kinds:
            if self._table is not None:
                self._kinds[name] = _kinds_of_array(self._table[name], self._nulls)
            else:
                values = (_value(record, name) for record in self._objects)
                self._kinds[name] = Counter(_kind_of(value) for value in values if not self._is_empty(value))
        return self._kinds[name]

    def holds(self, name: str, kind: str) -> bool:
        """Whether a glance at a few values finds nothing but that kind; if not, count all `kinds`."""
        size = self._table.num_rows if self._table is not None else len(self._objects)
        places = range(0, size, max(1, size // GLANCE))
        if self._table is not None:
            column = self._table[name]
            if _kind_of_type(column.type):
                return False
            values = [column[place].as_py() for place in places]
        else:
            values = [_value(self._objects[place], name) for place in places]
        found = {_kind_of(value) for value in values if not self._is_empty(value)}
        return kind in found if kind == "text" else found == {kind}

    def _is_empty(self, value: Any) -> bool:
        return value is None or (isinstance(value, str) and value.strip() in self._nulls)

    def shape(self) -> Shape:
        """The columns of the file; those of records without header have no place."""
        sampled = len(self._objects)
        shape = {}
        for position, name in enumerate(self.names, 1):
            present = sum(_has(record, name) for record in self._objects)
            column = Column(position, _most(self.kinds(name)), self.records, self.records)
            if not self.header:
                records, present = (sampled, present) if present else (self.records, 1)
                column = replace(column, position=None, records=records, present=present)
            shape[name] = column
        return shape


def _value(record: dict[str, Any], name: str) -> Any:
    """What is in a column, or in a field inside one by its path; None if it is not there."""
    return _followed(record, name)[0]


def _has(record: dict[str, Any], name: str) -> bool:
    return _followed(record, name)[1]


def _followed(record: dict[str, Any], name: str) -> tuple[Any, bool]:
    """What is at the end of a path, and whether there is such an end."""
    if name in record:
        return record[name], True
    value: Any = record
    for step in steps(name):
        kind: Any = dict if isinstance(step, str) else list
        if not isinstance(value, kind):
            return None, False
        try:
            value = value[step]
        except LookupError:
            return None, False
    return value, True


def _is_in(texts: pa.Array, name: str) -> bool:
    """Whether any record has the column, or the field inside one."""
    keys = [step for step in steps(name) if isinstance(step, str)]
    for key in {name} if len(keys) < 2 else set(keys):
        texts = texts.filter(pc.match_substring(texts, json.dumps(key, ensure_ascii=False)))
    return any(_has(_loads(text), name) for text in texts.to_pylist())


def _spread(rows: int) -> pa.Array:
    """At most SAMPLE positions, spread evenly."""
    return pa.array(range(rows) if rows <= SAMPLE else (rows * i // SAMPLE for i in range(SAMPLE)), pa.int64())


def _kinds_of_array(column: pa.ChunkedArray, nulls: Collection[str]) -> Counter[str]:
    kind = _kind_of_type(column.type)
    if kind:
        return Counter({kind: len(column) - column.null_count})
    texts = (str(text) for text in column.to_pylist() if text is not None)
    return Counter(_kind_of(text) for text in texts if text.strip() not in nulls)


def _kind_of_type(type_: pa.DataType) -> str | None:
    """The kind of all values of an Arrow type; None for text, where each value tells."""
    tests = {
        "boolean": pa.types.is_boolean,
        "timestamp": pa.types.is_timestamp,
        "date": pa.types.is_date,
        "list": lambda t: pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t),
        "object": lambda t: pa.types.is_struct(t) or pa.types.is_map(t),
        "number": lambda t: pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t),
    }
    return next((kind for kind, test in tests.items() if test(type_)), None)


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return _kind_of_text(value.strip())
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "list" if isinstance(value, list) else "object"


def _kind_of_text(text: str) -> str:
    if NUMBER.fullmatch(text):
        return "number"
    if date := DATE.match(text):
        rest = text[date.end() :]
        if CLOCK.fullmatch(rest):
            return "timestamp" if rest else "date"
    return "boolean" if BOOLEAN.fullmatch(text) else "text"


def _most(kinds: Counter[str]) -> str:
    """The kind that nearly all values are of, text if there is none."""
    if not kinds:
        return "empty"
    kind, count = kinds.most_common(1)[0]
    return kind if count >= MOSTLY * kinds.total() else "text"


def rename(chunk: Chunk, names: dict[str, str]) -> Chunk:
    """The chunk with columns under other names, all else as it was written."""
    if not names:
        return chunk
    if chunk.columns is not None:
        given = [names.get(name, name) for name in chunk.columns.column_names]
        return replace(chunk, columns=chunk.columns.rename_columns(given))
    if chunk.text is None:
        return chunk
    texts = [_renamed(text, names) for text in chunk.text.to_pylist()]
    return replace(chunk, text=pa.array(texts, pa.string()))


def _renamed(record: str, names: dict[str, str]) -> str:
    """A JSON object with other names at its top level. Values are not written anew: 1.50 stays 1.50."""
    decode = json.JSONDecoder().raw_decode
    pieces, kept, place = [], 0, _skip(record, record.index("{") + 1)
    while record[place] != "}":
        name, end = decode(record, place)
        if name in names:
            pieces += [record[kept:place], json.dumps(names[name], ensure_ascii=False)]
            kept = end
        _, end = decode(record, _skip(record, end, ":"))
        place = _skip(record, end, ",")
    return "".join([*pieces, record[kept:]])


def _skip(text: str, place: int, sign: str = "") -> int:
    """The place of what comes after white space and the sign."""
    while text[place] in " \t\r\n" or text[place] == sign:
        place += 1
    return place
