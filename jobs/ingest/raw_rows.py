"""Records of files on their way into the raw tables: as JSON text, with file, line and arrival day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from jobs.ingest.formats.readers import to_json
from jobs.ingest.formats.records import Chunk
from jobs.ingest.ledger import NewFile
from jobs.lake.tables import catalogue

RAW_BATCH = 100_000
"""Records turned into JSON text at a time: small files are taken together, large ones in parts."""


class RawRows:
    """Records of several files with the same columns, waiting to be turned into raw rows together."""

    def __init__(self, database: duckdb.DuckDBPyConnection, source: str):
        self._database, self._source = database, source
        self._chunks: list[tuple[NewFile, Chunk]] = []
        self._rows = 0

    def add(self, new: NewFile, chunk: Chunk) -> Iterator[pa.RecordBatch]:
        if self._chunks and _columns_of(chunk) != _columns_of(self._chunks[0][1]):
            yield from self.flush()
        self._chunks.append((new, chunk))
        self._rows += len(chunk.lines)
        if self._rows >= RAW_BATCH:
            yield from self.flush()

    def flush(self) -> Iterator[pa.RecordBatch]:
        if self._rows:
            yield self._batch()
        self._chunks, self._rows = [], 0

    def _batch(self) -> pa.RecordBatch:
        tables = [chunk.columns for _, chunk in self._chunks if chunk.columns is not None]
        if tables:
            records = to_json(self._database, pa.concat_tables(tables))
        else:
            records = pa.concat_arrays([chunk.text for _, chunk in self._chunks])
        columns = {
            "record": records,
            "source": pa.repeat(self._source, self._rows),
            "file_id": pa.concat_arrays([pa.repeat(new.file_id, len(chunk.lines)) for new, chunk in self._chunks]),
            "line": pa.concat_arrays([chunk.lines for _, chunk in self._chunks]),
            "arrived": pa.concat_arrays(
                [pa.repeat(pa.scalar(new.file.arrived, pa.date32()), len(chunk.lines)) for new, chunk in self._chunks]
            ),
        }
        schema = catalogue.RAW.arrow_schema()
        return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _columns_of(chunk: Chunk) -> Any:
    return chunk.columns.schema if chunk.columns is not None else None
