"""A feed is everything one source system exports for one dataset; here it becomes the bytes of its daily files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from examples.retail.columns import as_text

Columns = dict[str, pa.Array]
WHOLE_LINE = "*"
"""The column name of a fault that replaces the line as written."""


@dataclass(frozen=True)
class Fault:
    """One way a row goes wrong: `column` gets the text `value` (empty text: the value is missing)."""

    kind: str
    column: str
    value: str


@dataclass(frozen=True)
class Layout:
    """How rows are written: `csv`, or `json` with dotted column names as nested objects."""

    type: str = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    numbers: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()


@dataclass
class Feed:
    """Rows in order of time. `render` gives the columns of the rows asked for, as text; null is empty.

    `day` is the data day of each row, `group` keeps rows that belong together in one late file, `person` whose
    row it is (-1: nobody's). `state` marks data whose past is delivered at once on the first day.
    """

    source: str
    dataset: str
    file: str
    day: np.ndarray
    render: Callable[[np.ndarray], Columns]
    layout: Layout = Layout()
    faults: Sequence[Fault] = ()
    group: np.ndarray | None = None
    person: np.ndarray | None = None
    record: str | None = None
    state: bool = False

    @property
    def name(self) -> str:
        return f"{self.source}/{self.dataset}"


def from_table(table: Mapping[str, Sequence[object] | np.ndarray | pa.Array]) -> Callable[[np.ndarray], Columns]:
    """A `render` for small feeds: all columns kept as text."""
    texts = {name: as_text(values) for name, values in table.items()}
    return lambda rows: {name: values.take(pa.array(rows)) for name, values in texts.items()}


def write_rows(columns: Columns, layout: Layout, broken_lines: Mapping[int, str]) -> tuple[bytes, np.ndarray]:
    """The rows as text, one per line, and where each line starts (one more offset at the end)."""
    lines = _csv(columns, layout.delimiter) if layout.type == "csv" else _json(columns, layout)
    if broken_lines:
        mask = np.zeros(len(lines), bool)
        mask[list(broken_lines)] = True
        texts = pa.array([broken_lines[row] + "\n" for row in sorted(broken_lines)], lines.type)
        lines = pc.replace_with_mask(lines, pa.array(mask), texts)
    offsets = np.frombuffer(lines.buffers()[1], np.int32, len(lines) + 1, lines.offset * 4)
    data = memoryview(lines.buffers()[2])[offsets[0] : offsets[-1]] if len(lines) else b""
    return bytes(data), offsets - offsets[0]


def header_line(columns: Columns, layout: Layout) -> bytes:
    """The first line of a CSV file; JSON lines have none."""
    return (layout.delimiter.join(columns) + "\n").encode() if layout.type == "csv" else b""


def _csv(columns: Columns, delimiter: str) -> pa.Array:
    fields = []
    for values in columns.values():
        text = pc.fill_null(values, "")
        special = pc.match_substring_regex(text, f'[{delimiter}"\r\n]')
        if pc.any(special).as_py():
            quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
            text = pc.if_else(special, quoted, text)
        fields.append(text.cast(pa.string()))
    joined = pc.binary_join_element_wise(*fields, delimiter)
    return pc.binary_join_element_wise(joined, "\n", "")


def _json(columns: Columns, layout: Layout) -> pa.Array:
    tree: dict[str, object] = {}
    for name, values in columns.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})  # type: ignore[assignment]
        if name in layout.numbers or name in layout.raw:
            node[leaf] = values.cast(pa.string())
        else:
            node[leaf] = _quoted(values)
    return pc.binary_join_element_wise(_object(tree), "\n", "")


def _object(tree: dict[str, object]) -> pa.Array:
    """`{"key":value,...}` per row; keys without a value are left out."""
    fields = []
    for key, value in tree.items():
        text = _object(value) if isinstance(value, dict) else value
        # A null value makes the whole field null, and null fields are then left out.
        fields.append(pc.fill_null(pc.binary_join_element_wise(f',"{key}":', text, ""), ""))
    body = pc.binary_replace_slice(_joined(fields), start=0, stop=1, replacement="")
    return pc.binary_join_element_wise("{", body, "}", "")


def _joined(fields: list[pa.Array]) -> pa.Array:
    return pc.binary_join_element_wise(*fields, "") if len(fields) > 1 else fields[0]


def _quoted(values: pa.Array) -> pa.Array:
    text = values.cast(pa.string())
    if pc.any(pc.match_substring_regex(text, r'["\\\x00-\x1f]')).as_py():
        text = pa.array(
            [None if v is None else json.dumps(v, ensure_ascii=False)[1:-1] for v in text.to_pylist()], text.type
        )
    return pc.binary_join_element_wise('"', text, '"', "")
