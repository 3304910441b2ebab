"""CSV files: rows with exact line numbers, quoted line breaks counted, and broken quoting found out.

A line ends with LF, CR LF or CR alone, in quotes and outside of them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv as arrow_csv

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats.content import BrokenFile, Content, Data
from jobs.ingest.formats.csv_lines import LineCounter, dialect
from jobs.ingest.formats.records import BLOCK, Chunk, check_columns

SENTINEL = "\x02"
"""Put after the last line: an unclosed quote swallows it, and so gives itself away."""
HEADER = 1 << 20
"""The longest header, in bytes."""


SEPARATOR = re.compile(rb'\s*"?sep=(?P<sign>[^"\r\n])"?[ ,;\t]*(\r\n|\r|\n|$)', re.IGNORECASE)
"""What spreadsheets write as the first line of a CSV file to say how its fields are separated."""


def without_separator_line(content: Content, form: Format) -> tuple[Format, str]:
    """The format of a file whose first line says its separator (`sep=;`), and what to tell; of others as it is.

    Raises BrokenFile if the dataset's `delimiter` says something else.
    """
    found = SEPARATOR.match(bytes(content.data[:64])) if form.delimited and not form.skip_lines else None
    if found is None:
        return form, ""
    sign, line = found["sign"].decode(), f"its first line is sep={found['sign'].decode()}, as spreadsheets write it"
    if sign != form.delimiter and "delimiter" in form.model_fields_set:
        raise BrokenFile(
            f"{line}, and `delimiter` of the dataset is {form.delimiter!r}; correct it, or set `skip_lines: 1`"
        )
    told = f"{line}; it is no record and was left out, as with `skip_lines: 1`"
    return form.model_copy(update={"delimiter": sign, "skip_lines": 1}), told


def read_csv(content: Content, form: Format, limits: Limits) -> Iterator[Chunk]:
    """All columns as text. The line of a record is where it begins; the first line of the file is line 1."""
    header, first_line, start = _header(content, form)
    check_columns(header, limits)
    lines = LineCounter(content, form, limits, first_line, start)
    last = content.data[-1:]
    tail = ("" if last in (b"\n", b"\r", b"") else "\n") + SENTINEL + form.delimiter * (len(header) - 1) + "\n"
    held: pa.Table | None = None
    try:
        for batch in _parser(_Joined(content.data, start, tail.encode()), form, limits, header, lines):
            if held is not None:
                yield lines.chunk(held)
            held = pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        raise BrokenFile(_explain(error, lines.next_line, limits)) from None
    if held is None or not held.num_rows or held.column(0)[-1].as_py() != SENTINEL:
        raise BrokenFile(f"a quote that opens on line {lines.next_line} or later is never closed; send the file again")
    yield lines.chunk(held.slice(0, held.num_rows - 1))


def _header(content: Content, form: Format) -> tuple[list[str], int, int]:
    """The column names, and on which line and byte the records begin."""
    text = io.StringIO(bytes(content.data[:HEADER]).decode(errors="ignore"), newline="")
    skipped = [text.readline() for _ in range(form.skip_lines)]
    if form.skip_lines and not skipped[-1]:
        raise BrokenFile(f"the file has fewer than the {form.skip_lines} lines of `skip_lines`; send it again")
    if not form.header:
        return form.names, form.skip_lines + 1, len("".join(skipped).encode())
    reader = csv.reader(text, **dialect(form))
    try:
        header = next(reader, [])
    except csv.Error:
        raise BrokenFile("the header cannot be read: it is too long or its quotes are wrong; send it again") from None
    if not header:
        raise BrokenFile(f"line {form.skip_lines + 1} should be the header and is empty; correct `skip_lines`")
    start = len(text.getvalue()[: text.tell()].encode())
    if content.damage and content.damage[0].position < start:
        raise BrokenFile(f"line {form.skip_lines + 1} is {content.damage[0].reason}")
    names = [name.strip() or f"column_{place}" for place, name in enumerate(header, 1)]
    return names, form.skip_lines + reader.line_num + 1, start


def _parser(
    file: _Joined, form: Format, limits: Limits, header: list[str], lines: LineCounter
) -> Iterator[pa.RecordBatch]:
    return arrow_csv.open_csv(
        pa.PythonFile(file, mode="r"),
        arrow_csv.ReadOptions(
            use_threads=False,  # the parser only numbers its rows when it is alone
            block_size=max(min(BLOCK * -(-limits.record_mb // 32), len(file) + 1), 64),
            column_names=header,
        ),
        arrow_csv.ParseOptions(
            delimiter=form.delimiter,
            quote_char=form.quote or False,
            escape_char=form.escape or False,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=lines.set_aside,
        ),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
    )


class _Joined(io.RawIOBase):
    """A file that holds `data` from `start` and then `tail`, without copying the data.

    The parser takes a byte order mark off: where the first record begins with one, it gets another before it.
    """

    def __init__(self, data: Data, start: int, tail: bytes):
        self._data, self._tail, self._position = data, tail, start
        self._head = codecs.BOM_UTF8 if data[start : start + 3] == codecs.BOM_UTF8 else b""
        self._size = len(self._head) + len(data) - start + len(tail)

    def __len__(self) -> int:
        return self._size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        head, self._head = self._head, b""
        start, self._position = self._position, self._position + size - len(head)
        body = self._data[start : self._position]
        past = max(self._position - len(self._data), 0)
        before = max(start - len(self._data), 0)
        return head + body + self._tail[before:past] if head or past else body


def _explain(error: pa.ArrowInvalid, line: int, limits: Limits) -> str:
    if "straddling" in str(error):
        what = f"a record on line {line} or later is longer than {limits.record_mb} MB, or a quote is never closed"
        return f"{what}; send the file again"
    return f"not readable as CSV after line {line}; check delimiter and quotes of this dataset and send the file again"
