"""From the content of a file to records with line numbers.

Every reader yields `Chunk`s: good records, and lines that cannot be a record with the reason. A file that cannot
be trusted as a whole raises `BrokenFile`, possibly after some chunks, so take all chunks before using any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.config_sources import Format
from jobs.ingest.content import BrokenFile, Content
from jobs.ingest.csv_files import read_csv
from jobs.ingest.records import BLOCK, Chunk, Reject, check_columns, refuse_missing

BATCH = 100_000
"""Rows of a Parquet file read at a time."""
LENIENT = r"NaN|nan|Inf|inf|,\s*[}\]]"
"""Text that DuckDB's JSON reader forgives and the JSON standard does not."""


def read(database: duckdb.DuckDBPyConnection, content: Content, form: Format, required: list[str]) -> Iterator[Chunk]:
    """The records of a file; `database` is where JSON is looked at.

    Raises BrokenFile, also when the file lacks a `required` column.
    """
    if not len(content):
        raise BrokenFile("the file is empty; send it again, with at least a header")
    if form.type == "csv":
        return read_csv(content, form, required)
    if form.type == "parquet":
        return read_parquet(content, required)
    return (read_jsonl if form.type == "jsonl" else read_json)(database, content, required)


def read_jsonl(database: duckdb.DuckDBPyConnection, content: Content, required: list[str]) -> Iterator[Chunk]:
    """One JSON object per line, its text kept as it is."""
    line = 1
    missing = set(required)
    for block in _blocks(content):
        records = pc.split_pattern(pa.array([block], pa.large_string()), "\n").flatten()[:-1]
        lines = pa.array(range(line, line + len(records)), pa.int64())
        line += len(records)
        records = pc.utf8_trim_whitespace(records)
        filled = pc.not_equal(records, "")
        chunk = _objects(database, lines.filter(filled), records.filter(filled).cast(pa.string()))
        missing -= _present(database, chunk.text, missing)
        yield chunk
    refuse_missing(sorted(missing), [])


def read_json(database: duckdb.DuckDBPyConnection, content: Content, required: list[str]) -> Iterator[Chunk]:
    """A JSON array of objects, or one object. The line of a record is its place in the array, from 1."""
    text = bytes(content).decode()
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise BrokenFile(f"not valid JSON ({where}); send the file again") from None
    elements = "case json_type(record) when 'ARRAY' then from_json(record, '[\"JSON\"]') else [record] end"
    document = pa.table({"record": pa.array([text], pa.large_string())})
    query = f"select unnest({elements})::varchar as record from (select record::json as record from rows_)"
    records = _query(database, query, document)["record"]
    chunk = _objects(database, pa.array(range(1, len(records) + 1), pa.int64()), records)
    refuse_missing(sorted(set(required) - _present(database, chunk.text, set(required))), [])
    yield chunk


def read_parquet(content: Content, required: list[str]) -> Iterator[Chunk]:
    """Typed columns. The line of a record is its row number, from 1."""
    try:
        file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(content)))
        check_columns(file.schema_arrow.names, required)
        row = 1
        for batch in file.iter_batches(BATCH):
            yield Chunk(pa.array(range(row, row + len(batch)), pa.int64()), pa.Table.from_batches([batch]))
            row += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise BrokenFile(f"not a readable Parquet file ({type(error).__name__}); send the file again") from None


def to_json(database: duckdb.DuckDBPyConnection, columns: pa.Table) -> pa.Array:
    """Each row of a table as the text of a JSON object of column to value."""
    if not columns.num_rows:
        return pa.array([], pa.string())
    return _query(database, "select to_json(rows_)::varchar as r from rows_", columns)["r"]


def _blocks(content: Content) -> Iterator[str]:
    """Whole lines, about BLOCK bytes at a time; the last line ends with a line break too."""
    position = 0
    while position < len(content):
        end = position + BLOCK
        if end < len(content):
            end = content.rfind(b"\n", position, end) + 1 or content.find(b"\n", end) + 1 or len(content)
        text = bytes(content[position:end]).decode()
        yield text if text.endswith("\n") else text + "\n"
        position = end


def _objects(database: duckdb.DuckDBPyConnection, lines: pa.Array, records: pa.Array) -> Chunk:
    """Split records into JSON objects and what is none."""
    if not len(records):
        return Chunk(lines, text=records)
    kinds = _query(
        database,
        "select case when not json_valid(record) then 'no' when json_type(record) <> 'OBJECT' then 'other' "
        f"when regexp_matches(record, '{LENIENT}') then 'maybe' else 'yes' end as kind from rows_",
        pa.table({"record": records}),
    )["kind"].to_pylist()
    rejects = []
    for position, kind in enumerate(kinds):
        if kind == "maybe" and _strict(records[position].as_py()):
            kinds[position] = kind = "yes"
        if kind != "yes":
            what = "a JSON object is wanted here" if kind == "other" else "not valid JSON"
            line = lines[position].as_py()
            reason = f"{what}; correct the line and send it in a new file"
            rejects.append(Reject(line, "record:json", reason, records[position].as_py()))
    good = pa.array([kind == "yes" for kind in kinds], pa.bool_())
    return Chunk(lines.filter(good), text=records.filter(good), rejects=rejects)


def _strict(record: str) -> bool:
    try:
        json.loads(record, parse_constant=_refuse_constant)
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _present(database: duckdb.DuckDBPyConnection, records: pa.Array | None, names: set[str]) -> set[str]:
    """Those of `names` that at least one record has at its top level."""
    if records is None or not len(records) or not names:
        return set()
    query = "select distinct unnest(json_keys(record)) as name from rows_"
    return names & set(_query(database, query, pa.table({"record": records}))["name"].to_pylist())


def _query(database: duckdb.DuckDBPyConnection, sql: str, rows: pa.Table) -> dict[str, pa.Array]:
    """The result of a query over `rows_`, as Arrow columns."""
    database.register("rows_", rows)
    try:
        table = database.sql(sql).to_arrow_table()
    finally:
        database.unregister("rows_")
    return {
        name: pa.array([], pa.string()) if not len(column) else column.combine_chunks().cast(pa.string())
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
