"""Rows of quarantine as a file that a person corrects, and the corrected file as records to replay.

A CSV file has one row per record: whose row it is in columns that begin with `_`, then the fields of the records. A
JSON lines file has the record itself under `record`. No cell of the CSV file is run as a formula by a spreadsheet;
the quote that sees to it is taken off again. A field that was not changed keeps its value exactly.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.config.yaml_files import ConfigError
from jobs.validate.replay.csv_export import neutralised, write_rows

CORRECTION = pa.schema([("file_id", pa.string()), ("line", pa.int64()), ("record", pa.string())])
"""A record as a person corrected it."""
WHOSE = ("file_id", "path", "line", "rule", "reason")
TEXT = "_text"
"""The column for a line that is no record: as it was received."""
SUFFIXES = (".csv", ".jsonl")


def export(rows: pa.Table, target: Path, columns: Iterable[str] = ()) -> int:
    """Write rows of quarantine (file_id, path, line, rule, reason, record) to a new file, and return how many.

    `columns` are source columns to have in a CSV file even if no record has them, for lines that are no record. Files
    as a whole are left out: no row can correct them. The file holds personal data and only its owner may read it.
    Raises ConfigError if it exists, or is neither .csv nor .jsonl.
    """
    _refuse_other_kinds(target)
    lines = [row for row in rows.select([*WHOSE, "record"]).to_pylist() if row["line"] > 0]
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError([f"{target}: exists already; give another name, or move it away"]) from None
    with open(handle, "w", newline="", encoding="utf-8") as stream:
        if target.suffix == ".jsonl":
            for row in lines:
                record = _fields(row["record"])
                held = {"text": row["record"]} if record is None else {"record": record}
                stream.write(json.dumps({name: row[name] for name in WHOSE} | held, ensure_ascii=False) + "\n")
            return len(lines)
        records = [_fields(row["record"]) for row in lines]
        fields = list(dict.fromkeys([*(name for record in records for name in record or {}), *columns]))
        header = [*(f"_{name}" for name in WHOSE), TEXT, *map(_column, fields)]
        return write_rows(
            stream,
            header,
            (
                [
                    *(row[name] for name in WHOSE),
                    row["record"] if record is None else None,
                    *(_cell((record or {}).get(name)) for name in fields),
                ]
                for row, record in zip(lines, records, strict=True)
            ),
        )


def corrected(source: Path, rows: pa.Table) -> pa.Table:
    """The records of a corrected file (CORRECTION); `rows` are the rows of quarantine it can be about.

    Raises ConfigError naming the line of the file that cannot be read, or is about no row that is open.
    """
    _refuse_other_kinds(source)
    originals = {(row["file_id"], row["line"]): row["record"] for row in rows.select([*CORRECTION.names]).to_pylist()}
    found: dict[tuple[str, int], str] = {}
    for place, key, changed in _read_jsonl(source) if source.suffix == ".jsonl" else _read_csv(source):
        if key not in originals:
            raise ConfigError([f"{place}: row {key[1]} of file {key[0]} is not open in quarantine; take it out"])
        if key in found:
            raise ConfigError([f"{place}: row {key[1]} of file {key[0]} is there twice; keep one of them"])
        found[key] = _record(place, _fields(originals[key]), changed)
    keys = list(found)
    return pa.table(
        {"file_id": [key[0] for key in keys], "line": [key[1] for key in keys], "record": list(found.values())},
        schema=CORRECTION,
    )


def _refuse_other_kinds(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise ConfigError([f"{path}: give a file that ends in {' or '.join(SUFFIXES)}"])


def _fields(record: str | None) -> dict[str, Any] | None:
    """The fields of a record; None for a line that is none."""
    try:
        fields = json.loads(record or "")
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _column(field: str) -> str:
    """The name of a field as a column of the file: one more `_` before it if it begins with one."""
    return f"_{field}" if field.startswith("_") else field


def _field(column: str) -> str:
    return column[1:] if column.startswith("__") else column


def _cell(value: Any) -> Any:
    """A value as text; numbers as they are written, nested values as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _read_jsonl(source: Path) -> Iterator[tuple[str, tuple[str, int], Any]]:
    for number, line in enumerate(_text(source).splitlines(), 1):
        place = f"{source}:{number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = (str(row["file_id"]), int(row["line"]))
        except (ValueError, TypeError, KeyError):
            raise ConfigError([f"{place}: not a JSON object with file_id and line, as it was exported"]) from None
        yield place, key, row.get("record")


def _read_csv(source: Path) -> Iterator[tuple[str, tuple[str, int], Any]]:
    reader = csv.DictReader(_text(source).splitlines(keepends=True), strict=True)
    try:
        for row in reader:
            place = f"{source}:{reader.line_num}"
            if None in row or None in row.values():
                raise ConfigError([f"{place}: has another number of fields than the header; write commas in quotes"])
            try:
                key = (_plain(row["_file_id"]), int(row["_line"]))
            except (KeyError, ValueError):
                raise ConfigError([f"{place}: has no _file_id or _line; leave these columns as they are"]) from None
            own = {f"_{name}" for name in WHOSE} | {TEXT}
            yield place, key, {_field(_plain(name)): cell for name, cell in row.items() if name not in own}
    except csv.Error as error:
        raise ConfigError([f"{source}:{reader.line_num}: not readable as CSV: {error}"]) from None


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{source}: cannot be read as UTF-8 text: {type(error).__name__}"]) from None


def _record(place: str, original: dict[str, Any] | None, changed: Any) -> str:
    """The corrected record as JSON. A cell that is as it was exported keeps the value it stands for."""
    if not isinstance(changed, dict) or not any(value not in (None, "") for value in changed.values()):
        raise ConfigError([f"{place}: has no fields; fill in the record, or take the row out"])
    before = original or {}
    values = {name: _value(value, before.get(name)) for name, value in changed.items() if value != "" or name in before}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _value(given: Any, before: Any) -> Any:
    if not isinstance(given, str):
        return given
    exported = _cell(before)
    if given in (exported or "", neutralised(exported or "")):
        return before
    text = _plain(given)
    if before is None or isinstance(before, str):
        return text
    try:
        return json.loads(text)  # it was a number, a truth value or nested, and stays one
    except ValueError:
        return text


def _plain(cell: str) -> str:
    """A cell without the quote that keeps a spreadsheet from running it."""
    return cell[1:] if cell.startswith("'") and neutralised(cell[1:]) == cell else cell
