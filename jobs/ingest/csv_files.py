"""CSV files: rows with exact line numbers, quoted line breaks counted, and broken quoting found out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from jobs.config_sources import Format
from jobs.ingest.content import BrokenFile, Content
from jobs.ingest.records import BLOCK, Chunk, Reject, check_columns

SENTINEL = "\x02"
"""Put after the last line: an unclosed quote swallows it, and so gives itself away."""


def read_csv(content: Content, form: Format, required: list[str]) -> Iterator[Chunk]:
    """All columns as text. The line of a record is where it begins; the header is line 1."""
    header, header_lines = _header(content, form)
    check_columns(header, required)
    lines = _LineCounter(content, form, header_lines)
    tail = ("" if content[-1:] == b"\n" else "\n") + SENTINEL + form.delimiter * (len(header) - 1) + "\n"
    held: pa.Table | None = None
    try:
        for batch in _parser(content, tail.encode(), form, header, header_lines, lines):
            if held is not None:
                yield lines.chunk(held)
            held = pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        raise BrokenFile(_explain(error, lines.next_line)) from None
    if held is None or not held.num_rows or held.column(0)[-1].as_py() != SENTINEL:
        raise BrokenFile(f"a quote that opens on line {lines.next_line} or later is never closed; send the file again")
    yield lines.chunk(held.slice(0, held.num_rows - 1))


def _header(content: Content, form: Format) -> tuple[list[str], int]:
    """The column names and how many lines they take."""
    text = io.StringIO(bytes(content[:BLOCK]).decode(errors="ignore"), newline="")
    reader = csv.reader(text, **_dialect(form))
    try:
        header = next(reader)
    except csv.Error:
        raise BrokenFile("the header cannot be read: it is too long or its quotes are wrong; send it again") from None
    return [name.strip() for name in header], reader.line_num


def _parser(
    content: Content, tail: bytes, form: Format, header: list[str], header_lines: int, lines: _LineCounter
) -> Iterator[pa.RecordBatch]:
    return arrow_csv.open_csv(
        pa.PythonFile(_Joined(content, tail), mode="r"),
        arrow_csv.ReadOptions(
            use_threads=False,  # the parser only numbers its rows when it is alone
            block_size=max(min(BLOCK, len(content) + len(tail) + 1), 64),
            column_names=header,
            skip_rows=header_lines,
        ),
        arrow_csv.ParseOptions(
            delimiter=form.delimiter,
            quote_char=form.quote or False,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=lines.set_aside,
        ),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
    )


class _Joined(io.RawIOBase):
    """A file that holds `content` and then `tail`, without copying the content."""

    def __init__(self, content: Content, tail: bytes):
        self._content, self._tail, self._position = content, tail, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        start, self._position = self._position, self._position + size
        body = self._content[start : self._position]
        past = max(self._position - len(self._content), 0)
        before = max(start - len(self._content), 0)
        return body + self._tail[before:past] if past else body


class _LineCounter:
    """Gives rows their line numbers, in the order in which the parser met good and bad rows."""

    def __init__(self, content: Content, form: Format, header_lines: int):
        self._content, self._form = content, form
        self._row = header_lines  # the parser's own count of rows, skipped lines included
        self._bad: dict[int, Any] = {}
        self._offsets: list[int] | None = None
        self.next_line = header_lines + 1

    def set_aside(self, row: Any) -> str:
        self._bad[row.number] = row
        return "skip"

    def chunk(self, table: pa.Table) -> Chunk:
        breaks = _line_breaks(table)
        if not self._bad and not pc.any(pc.greater(breaks, 0)).as_py():
            chunk = Chunk(pa.array(range(self.next_line, self.next_line + table.num_rows), pa.int64()), table)
            self._row += table.num_rows
            self.next_line += table.num_rows
        else:
            chunk = self._counted(table, breaks.to_pylist())
        return self._without_blank_lines(chunk)

    def _counted(self, table: pa.Table, breaks: list[int]) -> Chunk:
        numbers, rejects = [], []
        position = 0
        while position < table.num_rows or self._row + 1 in self._bad:
            self._row += 1
            if self._row in self._bad:
                rejects.append(self._reject(self._bad.pop(self._row)))
                continue
            if breaks[position]:
                self._refuse_swallowed(self.next_line, self.next_line + breaks[position])
            numbers.append(self.next_line)
            self.next_line += 1 + breaks[position]
            position += 1
        return Chunk(pa.array(numbers, pa.int64()), table, rejects=rejects)

    def _reject(self, row: Any) -> Reject:
        line, text = self.next_line, row.text or ""
        self.next_line += 1 + text.count("\n")
        reason = (
            f"the header has {row.expected_columns} fields, this line {row.actual_columns}; "
            "correct it and send it in a new file"
        )
        return Reject(line, "record:fields", reason, text)

    def _refuse_swallowed(self, first: int, last: int) -> None:
        """A stray quote can swallow the lines after it into one field; strict CSV tells that from a quoted break."""
        try:
            list(csv.reader(io.StringIO(self._text(first, last), newline=""), strict=True, **_dialect(self._form)))
        except csv.Error:
            raise BrokenFile(
                f"a stray quote on line {first} swallows the lines up to {last}; "
                "write a quote inside a quoted field twice and send the file again"
            ) from None

    def _without_blank_lines(self, chunk: Chunk) -> Chunk:
        """Empty lines are no records; a line of nothing but delimiters is one."""
        assert chunk.columns is not None
        empty = pa.array([True] * len(chunk.lines), pa.bool_())
        for column in chunk.columns.columns:
            if not pc.any(empty).as_py():
                return chunk
            empty = pc.and_(empty, pc.equal(pc.binary_length(column), 0))
        if not pc.any(empty).as_py():
            return chunk
        keep = pa.array(
            [
                not is_empty or bool(self._text(line, line).strip("\r\n"))
                for is_empty, line in zip(empty.to_pylist(), chunk.lines.to_pylist(), strict=True)
            ],
            pa.bool_(),
        )
        return Chunk(chunk.lines.filter(keep), chunk.columns.filter(keep), rejects=chunk.rejects)

    def _text(self, first: int, last: int) -> str:
        """Lines as they are in the file."""
        if self._offsets is None:
            self._offsets = [0, *(found.end() for found in re.finditer(b"\n", self._content)), len(self._content)]
        return bytes(self._content[self._offsets[first - 1] : self._offsets[last]]).decode()


def _line_breaks(table: pa.Table) -> pa.Array:
    """Line breaks inside the quoted fields of each row."""
    total = pa.array([0] * table.num_rows, pa.int32())
    for column in table.columns:
        counts = pc.count_substring(column, "\n")
        if pc.max(counts).as_py():
            total = pc.add(total, counts.combine_chunks() if isinstance(counts, pa.ChunkedArray) else counts)
    return total


def _dialect(form: Format) -> dict[str, Any]:
    quoting = csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE
    return {"delimiter": form.delimiter, "quotechar": form.quote or None, "quoting": quoting}


def _explain(error: pa.ArrowInvalid, line: int) -> str:
    if "straddling" in str(error):
        what = f"a record after line {line} is longer than {BLOCK >> 20} MB, or a quote in it is never closed"
        return f"{what}; send the file again"
    return f"not readable as CSV after line {line}; check delimiter and quotes of this dataset and send the file again"
