"""Line numbers of CSV rows, and rows that cannot be records: too many fields, damaged text, stray quotes, too large."""

from __future__ import annotations

import csv
import io
from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats.content import MB, BrokenFile, Content, Damage, slices
from jobs.ingest.formats.records import Chunk, Reject, shortened

LF, CR = 10, 13
PIECE = 32 << 20

csv.field_size_limit(1 << 30)  # the limits are ours: the module's own is 128 KB


class LineCounter:
    """Gives rows their line numbers, in the order in which the parser met good and bad rows."""

    def __init__(self, content: Content, form: Format, limits: Limits, first_line: int, start: int):
        self._content, self._form, self._limits = content, form, limits
        self._file = FileLines(content)
        self._row = 0  # the parser's own count of rows
        self._bad: dict[int, Any] = {}
        self._quoted = bool(form.quote) and content.data.find(form.quote.encode(), start) >= 0
        self._breaks = self._quoted or bool(form.escape)  # whether a line break can be inside a field
        self._first = first_line
        self.next_line = first_line

    def set_aside(self, row: Any) -> str:
        """Take a row with the wrong number of fields; called by the parser."""
        self._bad[row.number] = row
        return "skip"

    def chunk(self, table: pa.Table) -> Chunk:
        """The rows of the next batch with their lines, without those that cannot be a record."""
        breaks = _line_breaks(table, self._file.lone_returns) if self._breaks else None
        if not self._bad and breaks is None:
            ends = lines = pa.array(np.arange(self.next_line, self.next_line + table.num_rows))
            rejects: list[Reject] = []
            self._row += table.num_rows
            self.next_line += table.num_rows
        else:
            counts = [0] * table.num_rows if breaks is None else breaks.to_pylist()
            lines, rejects = self._counted(counts)
            ends = lines if breaks is None else pc.add(lines, breaks)
        chunk = Chunk(lines, table, rejects=rejects)
        for position, reason in sorted(self._found_out(table, lines, ends).items()):
            first, last = lines[position].as_py(), ends[position].as_py()
            chunk.rejects.append(Reject(first, *reason, shortened(self._file.text(first, last).rstrip("\r\n"))))
        return self._without(chunk, {reject.line for reject in chunk.rejects})

    def _counted(self, breaks: list[int]) -> tuple[pa.Array, list[Reject]]:
        numbers, rejects = [], []
        position = 0
        while position < len(breaks) or self._row + 1 in self._bad:
            self._row += 1
            if self._row in self._bad:
                rejects.append(self._reject(self._bad.pop(self._row)))
                continue
            numbers.append(self.next_line)
            self.next_line += 1 + breaks[position]
            position += 1
        return pa.array(numbers, pa.int64()), rejects

    def _reject(self, row: Any) -> Reject:
        line, text = self.next_line, row.text or ""
        self.next_line += 1 + _breaks_in(text)
        reason = (
            f"the header has {row.expected_columns} fields, this line {row.actual_columns}; "
            "correct it and send it in a new file"
        )
        damage = self._file.damage_in(line, self.next_line - 1)
        rule, reason = ("record:fields", reason) if damage is None else (damage.rule, damage.reason)
        return Reject(line, rule, reason, shortened(text))

    def _found_out(self, table: pa.Table, lines: pa.Array, ends: pa.Array) -> dict[int, tuple[str, str]]:
        """Rule and reason of the rows that parse well and are no records all the same."""
        found: dict[int, tuple[str, str]] = {}
        for position in self._too_large(table):
            caps = f"{self._limits.field_mb} MB a field, {self._limits.record_mb} MB a record"
            found[position] = ("record:size", f"larger than {caps}; send it shorter, or raise general.limits")
        if self._quoted and table.num_rows:
            self._look_at_quotes(lines, ends, found)
        if self._content.damage and table.num_rows:
            starts, stops = lines.to_pylist(), ends.to_pylist()
            for line, damage in self._file.damaged_between(starts[0], stops[-1]):
                position = bisect_right(starts, line) - 1
                if line <= stops[position]:
                    found[position] = (damage.rule, damage.reason)
        return found

    def _too_large(self, table: pa.Table) -> list[int]:
        """Rows with a field or a record over its cap."""
        lengths = [pc.binary_length(column) for column in table.columns]
        longest = [pc.max(length).as_py() or 0 for length in lengths]
        field, record = self._limits.field_mb * MB, self._limits.record_mb * MB
        if max(longest, default=0) <= field and sum(longest) <= record:
            return []
        total = np.zeros(table.num_rows, np.int64)
        over = np.zeros(table.num_rows, bool)
        for length in lengths:
            values = np.asarray(length)
            over |= values > field
            total += values
        return [int(position) for position in np.flatnonzero(over | (total > record))]

    def _look_at_quotes(self, lines: pa.Array, ends: pa.Array, found: dict[int, tuple[str, str]]) -> None:
        """Rows whose quotes do not keep to the rules. Raises BrokenFile where one may have swallowed other lines.

        Lenient parsers drop such a quote, or take the lines after it for text of the field.
        """
        for position, odd in self._file.quotes_against_rules(np.asarray(lines), np.asarray(ends), self._form):
            first, last = lines[position].as_py(), ends[position].as_py()
            if odd and self._file.hidden_quote(first, self._form):
                raise BrokenFile(
                    f"a byte that is no text, before line {first}, may have been a quote, so that lines cannot be told "
                    "apart; correct the file and send it again"
                )
            if self._is_strict(self._file.text(first, last)):
                continue
            if last > first:
                raise BrokenFile(
                    f"a stray quote on line {first} swallows the lines up to {last}; "
                    "write a quote inside a quoted field twice and send the file again"
                )
            reason = "a quote inside a quoted field is not written twice; correct the line and send it in a new file"
            found.setdefault(position, ("record:quotes", reason))

    def _is_strict(self, text: str) -> bool:
        try:
            list(csv.reader(io.StringIO(text, newline=""), strict=True, **dialect(self._form)))
        except csv.Error:
            return False
        return True

    def _without(self, chunk: Chunk, refused: set[int]) -> Chunk:
        """Without refused rows and empty lines: these are no records, a line of nothing but delimiters is one."""
        assert chunk.columns is not None
        empty = pa.array(np.ones(len(chunk.lines), bool))
        for column in chunk.columns.columns:
            if not pc.any(empty).as_py():
                break
            empty = pc.and_(empty, pc.equal(pc.binary_length(column), 0))
        drop = [line for line in chunk.lines.filter(empty).to_pylist() if not self._file.text(line, line).strip("\r\n")]
        if not drop and not refused:
            return chunk
        keep = pc.invert(pc.is_in(chunk.lines, pa.array([*drop, *refused], pa.int64())))
        return Chunk(chunk.lines.filter(keep), chunk.columns.filter(keep), rejects=chunk.rejects)


class FileLines:
    """The physical lines of a file: where each begins, its text, and which are damaged."""

    def __init__(self, content: Content):
        self._content = content
        self.lone_returns = any(_has_lone_return(piece) for piece in slices(content.data))
        self._damaged: list[int] | None = None

    def text(self, first: int, last: int) -> str:
        """Lines as they are in the file."""
        return bytes(self._content.data[self.offset(first) : self.offset(last + 1)]).decode()

    def offset(self, line: int) -> int:
        """The byte at which a line begins."""
        return int(self._starts[line - 1]) if line <= len(self._starts) else len(self._content.data)

    def line(self, position: int) -> int:
        """The line that holds a byte."""
        return int(np.searchsorted(self._starts, position, side="right"))

    @cached_property
    def _starts(self) -> np.ndarray:
        """Where each line begins."""
        found = [np.zeros(1, np.int64)]
        data = self._content.data
        for start in range(0, len(data), PIECE):
            piece = np.frombuffer(data[start : start + PIECE + 1], np.uint8)
            ends = piece == LF
            if self.lone_returns:
                ends |= (piece == CR) & np.append(piece[1:] != LF, start + PIECE >= len(data))
            found.append(np.flatnonzero(ends[:PIECE]) + (start + 1))
        return np.concatenate(found)

    def damage_in(self, first: int, last: int) -> Damage | None:
        """The first damage of these lines."""
        return next((damage for _, damage in self.damaged_between(first, last)), None)

    def damaged_between(self, first: int, last: int) -> list[tuple[int, Damage]]:
        """The damaged lines of a stretch, from its end to its start so that the first of a record is the last named."""
        if not self._content.damage:
            return []
        if self._damaged is None:
            self._damaged = [self.line(damage.position) for damage in self._content.damage]
        low, high = bisect_left(self._damaged, first), bisect_right(self._damaged, last)
        return list(zip(self._damaged[low:high], self._content.damage[low:high], strict=True))[::-1]

    def quotes_against_rules(self, lines: np.ndarray, ends: np.ndarray, form: Format) -> list[tuple[int, bool]]:
        """Which of the records have a quote where none may be, and whether they have an odd number of quotes.

        The quotes of a record open and close in turn, a doubled one closes and opens again: one that opens follows a
        delimiter or line break, one that closes stands before one. A quote inside an unquoted field is named too.
        """
        start, end = self.offset(int(lines[0])), self.offset(int(ends[-1]) + 1)
        data = np.frombuffer(self._content.data[start:end] + b"\n", np.uint8)
        places = np.flatnonzero(data == ord(form.quote))
        if form.escape:
            places = places[data[places - 1] != ord(form.escape)]
        around = np.zeros(256, bool)
        around[[ord(form.quote), ord(form.delimiter), LF, CR]] = True
        # the index -1 of a quote at the very start wraps around to the line break at the very end
        if len(places) % 2 == 0 and around[data[places[::2] - 1]].all() and around[data[places[1::2] + 1]].all():
            return []
        firsts = self._starts[lines - 1] - start
        stops = np.append(self._starts, len(self._content.data))[ends] - start
        record = np.searchsorted(firsts, places, side="right") - 1
        inside = (record >= 0) & (places < stops[record])
        places, record = places[inside], record[inside]
        if not len(places):
            return []
        opening = (np.arange(len(places)) - np.searchsorted(places, firsts)[record]) % 2 == 0
        wrong = ~around[data[np.where(opening, places - 1, places + 1)]]
        odd = np.bincount(record, minlength=len(lines)) % 2 == 1
        bad = odd.copy()
        bad[record[wrong]] = True
        return [(int(position), bool(odd[position])) for position in np.flatnonzero(bad)]

    def hidden_quote(self, line: int, form: Format) -> bool:
        """Whether a damaged byte before this line stands where a quoted field may have begun."""
        before = self.offset(line)
        starts = (b"", b"\n", b"\r", form.delimiter.encode())
        return any(
            damage.position < before
            and damage.rule != "record:size"
            and self._content.data[max(damage.position - 1, 0) : damage.position] in starts
            for damage in self._content.damage
        )


def _has_lone_return(piece: bytes) -> bool:
    """Whether a CR stands alone; one at the end of a piece may be one, which costs only time."""
    return b"\r" in piece and piece.count(b"\r") != piece.count(b"\r\n")


def _line_breaks(table: pa.Table, lone_returns: bool) -> pa.Array | None:
    """Line breaks inside the fields of each row; None if there are none at all."""
    total = None
    for column in table.columns:
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        counts = pc.count_substring(column, "\n")
        if lone_returns:
            returns = pc.subtract(pc.count_substring(column, "\r"), pc.count_substring(column, "\r\n"))
            counts = pc.add(counts, returns)
        if pc.max(counts).as_py():
            total = counts if total is None else pc.add(total, counts)
    return None if total is None else total.combine_chunks() if isinstance(total, pa.ChunkedArray) else total


def _breaks_in(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def dialect(form: Format) -> dict[str, Any]:
    """The format as Python's csv module names it."""
    return {
        "delimiter": form.delimiter,
        "quotechar": form.quote or None,
        "quoting": csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
        "escapechar": form.escape or None,
        "doublequote": bool(form.quote),
    }
