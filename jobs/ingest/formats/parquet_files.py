"""Parquet files: typed columns, decoded no further than the limits allow.

A text that a file holds once may stand in each of a million rows: five kilobytes become gigabytes, and no part of
the footer says so. So texts are read as places in a dictionary, and decoded only where what they become is small.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.compression import Expansion
from jobs.ingest.formats.content import MB, BrokenFile, Content
from jobs.ingest.formats.records import Chunk, Reject, check_columns

BATCH = 100_000
"""Rows that are read at a time, at most."""
TOGETHER = 256 * MB
"""Bytes that rows are decoded to at a time."""
WIDTH = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
"""Bytes that a value takes in memory before texts are decoded, by its physical type."""
VALUES = "select type, sum(num_values)::bigint from parquet_metadata($footer) group by type"
"""How many values each kind of leaf has."""


def read_parquet(database: duckdb.DuckDBPyConnection, content: Content, limits: Limits) -> Iterator[Chunk]:
    """Typed columns. The line of a record is its row number, from 1.

    Raises BrokenFile if it cannot be read to its end, or becomes larger than `limits` allow.
    """
    try:
        source = pa.BufferReader(pa.py_buffer(content.data))
        footer = pq.ParquetFile(source)
        groups = [footer.metadata.row_group(number) for number in range(footer.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > limits.expanded_mb * MB:
            raise BrokenFile("expands to more than general.limits.expanded_mb; send it in smaller files")
        check_columns(footer.schema_arrow.names, limits)
        leaves = [footer.schema.column(place) for place in range(len(footer.schema))]
        _refuse_long_lists(database, content, leaves, limits)
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        file = pq.ParquetFile(source, metadata=footer.metadata, read_dictionary=texts)
        at_once = max(1, min(BATCH, TOGETHER // (1 + sum(map(_width, leaves)))))
        row, expansion = 1, Expansion(len(content), limits)
        for batch in file.iter_batches(at_once):
            for part, size in _parts(batch):
                if part.num_rows == 1 and size > limits.record_mb * MB:
                    reason = f"longer than {limits.record_mb} MB; send it shorter, or raise general.limits.record_mb"
                    reject = Reject(row, "record:size", reason, "")
                    yield Chunk(pa.array([], pa.int64()), text=pa.array([], pa.string()), rejects=[reject])
                else:
                    expansion.add(size)  # what the footer says of it may be a lie
                    yield Chunk(pa.array(np.arange(row, row + len(part))), pa.Table.from_batches([_decoded(part)]))
                row += len(part)
    except (pa.ArrowException, duckdb.Error, OSError, UnicodeDecodeError, MemoryError) as error:
        raise BrokenFile(f"not a readable Parquet file ({type(error).__name__}); send the file again") from None


def _width(leaf: pq.ColumnSchema) -> int:
    return int(WIDTH.get(leaf.physical_type, leaf.length))


def _refuse_long_lists(
    database: duckdb.DuckDBPyConnection, content: Content, leaves: list[pq.ColumnSchema], limits: Limits
) -> None:
    """Raises BrokenFile if lists of any row may hold more values than `limits` allow: a row is read whole.

    How many values there are is asked of DuckDB, of the footer alone: for a damaged footer Arrow ends the process.
    """
    if not any(leaf.max_repetition_level for leaf in leaves):
        return
    data, widest = content.data, max(map(_width, leaves))
    length = int.from_bytes(data[-8:-4], "little") + 8
    with tempfile.NamedTemporaryFile(suffix=".parquet") as footer:
        footer.truncate(len(data))
        footer.write(data[:4])
        footer.seek(len(data) - length)
        footer.write(data[-length:])
        footer.flush()
        found = database.execute(VALUES, {"footer": footer.name}).fetchall()
    expansion = Expansion(len(content), limits)
    for kind, values in found:
        expansion.add(values * WIDTH.get(kind, widest))


def _parts(batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The rows in parts of at most TOGETHER decoded bytes, or of one row, each with that size."""
    size = sum(map(_size, batch.columns))
    if size <= TOGETHER or batch.num_rows < 2:
        yield batch, size
        return
    half = batch.num_rows // 2
    yield from _parts(batch.slice(0, half))
    yield from _parts(batch.slice(half))


def _size(array: pa.Array) -> int:
    """Bytes of the values once they are decoded."""
    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary)
        return pc.sum(lengths.cast(pa.int64()).take(array.indices)).as_py() or 0
    if pa.types.is_struct(array.type):
        return sum(map(_size, array.flatten()))
    if pa.types.is_map(array.type):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return sum(_size(part.slice(first, last - first)) for part in (array.keys, array.items))
    if pa.types.is_nested(array.type):
        return _size(array.flatten())
    return int(array.nbytes)


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Texts as texts. Raises pyarrow.ArrowInvalid for text that is none: it would become an empty record."""
    decoded = pa.record_batch(
        [array.cast(_plain(array.type)) for array in batch.columns],
        schema=pa.schema([field.with_type(_plain(field.type)) for field in batch.schema]),
    )
    decoded.validate(full=True)
    return decoded


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without dictionaries."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(
            kind.key_field.with_type(_plain(kind.key_type)), kind.item_field.with_type(_plain(kind.item_type))
        )
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    return kind
