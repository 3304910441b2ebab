"""From the content of a file to records with line numbers.

Every reader yields `Chunk`s: good records, and lines that cannot be a record with the reason. A file that cannot
be trusted as a whole raises `BrokenFile`, possibly after some chunks, so take all chunks before using any.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats.archives import expanded
from jobs.ingest.formats.avro_files import read_avro
from jobs.ingest.formats.content import MAX_REFUSED, BrokenFile, Content, Snapshot, as_text, keep
from jobs.ingest.formats.csv_files import read_csv
from jobs.ingest.formats.disguises import refuse_disguise
from jobs.ingest.formats.json_files import query, read_json, read_jsonl
from jobs.ingest.formats.parquet_files import read_parquet
from jobs.ingest.formats.records import Chunk

BARE = re.compile(r'"(?:[^"\\]|\\.)*"|(-?(?:NaN|Infinity))')
IN_CACHE = 1 << 16
"""Bytes looked at at a time."""
LONGEST = 1 << 30
"""Bytes of records that are put together in one array."""


@contextmanager
def opened(snapshot: Snapshot, form: Format, limits: Limits) -> Iterator[Content]:
    """The content of a landed file, decompressed, and as UTF-8 if the format is one of text.

    Raises BrokenFile if it cannot be decompressed to its end, is larger than `limits` allow, or of another kind.
    """
    with tempfile.TemporaryFile() as copy, tempfile.TemporaryFile() as text:
        chunks = expanded(snapshot.path, snapshot.data, limits)
        data = snapshot.data if chunks is None else keep(chunks, copy)[0]
        refuse_disguise(data, form)
        yield Content(data) if form.type in ("parquet", "avro") else as_text(data, form, limits, text)


def read(database: duckdb.DuckDBPyConnection, content: Content, form: Format, limits: Limits) -> Iterator[Chunk]:
    """The records of a file; `database` is where JSON is looked at.

    Raises BrokenFile if it cannot be read to its end, or if too much of it cannot be records.
    """
    if not len(content):
        raise BrokenFile("the file is empty; send it again, with at least a header")
    refused = 0
    for chunk in _reader(database, content, form, limits):
        refused += len(chunk.rejects)
        if refused > MAX_REFUSED:
            raise BrokenFile(
                f"more than {MAX_REFUSED:,} lines cannot be records, the first of them: {chunk.rejects[0].reason}; "
                "correct the dataset's `format` or send the file again"
            )
        yield chunk


def _reader(database: duckdb.DuckDBPyConnection, content: Content, form: Format, limits: Limits) -> Iterator[Chunk]:
    if form.delimited:
        return read_csv(content, form, limits)
    if form.type == "parquet":
        return read_parquet(database, content, limits)
    if form.type == "avro":
        return read_avro(content, limits)
    if form.type == "jsonl":
        return read_jsonl(database, content, form, limits)
    return read_json(content, form, limits)


def to_json(database: duckdb.DuckDBPyConnection, columns: pa.Table) -> pa.Array:
    """Each row of a table as the text of a JSON object of column to value; NaN and infinity are texts."""
    if not columns.num_rows:
        return pa.array([], pa.string())
    if _is_plain(columns):
        return pa.concat_arrays([_joined(batch) for batch in columns.to_batches()])
    records = query(database, "select to_json(rows_)::varchar as r from rows_", columns)["r"]
    if all(pa.types.is_string(kind) for kind in columns.schema.types):
        return records
    odd = pc.or_(pc.match_substring(records, "NaN"), pc.match_substring(records, "Infinity"))
    if not pc.any(odd).as_py():
        return records
    return pc.replace_with_mask(records, odd, pa.array(map(_quoted, records.filter(odd).to_pylist()), pa.string()))


def _is_plain(columns: pa.Table) -> bool:
    """Whether all values are texts that JSON writes as they are, and few enough for one array."""
    if any(not pa.types.is_string(column.type) or column.null_count for column in columns.columns):
        return False
    if columns.nbytes + columns.num_rows * sum(len(name.encode()) + 6 for name in columns.column_names) > LONGEST:
        return False
    texts = (text for column in columns.columns for text in column.chunks)
    return all(map(_is_bare, [pa.array(columns.column_names), *texts]))


def _is_bare(texts: pa.StringArray) -> bool:
    """Whether no text holds a quote, a backslash or a control character."""
    if not len(texts):
        return True
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if ends[0] == ends[-1]:
        return True
    found = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    pieces = (found[start : start + IN_CACHE] for start in range(0, len(found), IN_CACHE))
    return all(piece.min() >= ord(" ") and not ((piece == ord('"')) | (piece == ord("\\"))).any() for piece in pieces)


def _joined(batch: pa.RecordBatch) -> pa.Array:
    """Each row as a JSON object, of values that need no escape."""
    pieces: list[Any] = []
    for place, name in enumerate(batch.schema.names):
        pieces += [f'{"," if place else ""}"{name}":"', batch.column(place), '"']
    return pc.binary_join_element_wise("{", *pieces, "}", "")


def _quoted(record: str) -> str:
    """The record with its bare NaN and Infinity, which are no JSON, in quotes."""
    return BARE.sub(lambda found: f'"{found[1]}"' if found[1] else found[0], record)
