"""Avro files: records as JSON objects, with values written so that none loses anything.

The container is walked here and not by the Avro library, which believes what a file says: a block that expands
without end, a list of a million million nothings, or a type inside itself would take down the process.
"""

from __future__ import annotations

import bz2
import datetime as dt
import io
import json
import lzma
import math
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from jobs.config.sources.formats import Limits
from jobs.ingest.formats.compression import PIECE, capped, inflated, unzstd
from jobs.ingest.formats.content import BrokenFile, Content, Data, slices
from jobs.ingest.formats.records import Chunk, check_columns

BATCH = 20_000
HEADER = 16 << 20
"""The longest header, in bytes: it holds the schema."""
SYNC = 16
DIGITS = 1_000
"""The most digits of a decimal."""
AGAIN = "send the file again"


def read_avro(content: Content, limits: Limits) -> Iterator[Chunk]:
    """One JSON object per record. The line of a record is its number, from 1.

    Moments are ISO 8601 (in UTC if they are one moment everywhere), bytes hexadecimal unless they are text, decimals
    numbers with all their digits, and NaN and infinity texts.
    """
    import fastavro

    try:
        header = io.BytesIO(content.data[:HEADER])
        reader = fastavro.reader(header)
        schema = fastavro.parse_schema(reader.writer_schema)
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise BrokenFile("the Avro file does not hold records; send one that does")
        check_columns([field["name"] for field in schema["fields"]], limits)
        _takes_bytes(schema, {})
        texts: list[str] = []
        line = 1
        for count, block in _blocks(content.data, header.tell(), reader.codec, limits):
            records = io.BytesIO(block)
            for _ in range(count):
                texts.append(_text(fastavro.schemaless_reader(records, schema, None)))
                if len(texts) == BATCH:
                    yield _chunk(line, texts)
                    line, texts = line + len(texts), []
            if records.tell() != len(block):
                raise BrokenFile(f"a block of the Avro file holds more than its records; {AGAIN}")
        yield _chunk(line, texts)
    except BrokenFile:
        raise
    except Exception as error:  # the library raises whatever a damaged byte leads to
        raise BrokenFile(f"not a readable Avro file ({type(error).__name__}); {AGAIN}") from None


def _takes_bytes(schema: Any, known: dict[str, bool | None]) -> bool:
    """Whether a value of this parsed schema takes at least a byte; `known` are the named types, None while inside one.

    Raises BrokenFile for a schema by which a few bytes could become a value without end.
    """
    if isinstance(schema, list):
        for kind in schema:
            _takes_bytes(kind, known)
        return True
    if isinstance(schema, str):
        if schema in known and known[schema] is None:
            raise BrokenFile("a type of the Avro schema holds itself, which is not read; send flat records")
        return known.get(schema, True) is not False and schema != "null"
    kind = schema["type"]
    if not isinstance(kind, str):
        return _takes_bytes(kind, known)
    if schema.get("logicalType") == "decimal" and schema.get("precision", 0) > DIGITS:
        raise BrokenFile(f"a decimal of the Avro schema has more than {DIGITS:,} digits; send it as text")
    takes = kind != "null"
    if kind in ("record", "error"):
        known[schema["name"]] = None
        takes = sum(_takes_bytes(field["type"], known) for field in schema["fields"]) > 0  # all are looked at
    elif kind == "fixed":
        takes = schema["size"] > 0
    elif kind == "map":
        _takes_bytes(schema["values"], known)
    elif kind == "array" and not _takes_bytes(schema["items"], known):
        raise BrokenFile("a list of the Avro schema holds values that take no bytes, so that it could be endless")
    elif kind not in ("array", "enum"):
        return _takes_bytes(kind, known)
    if "name" in schema:
        known[schema["name"]] = takes
    return takes


def _blocks(data: Data, start: int, codec: str, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """How many records each block holds, and their bytes."""
    sync, position, counts = data[start - SYNC : start], start, []

    def expanded() -> Iterator[bytes]:
        nonlocal position
        while position < len(data):
            count, first = _number(data, position)
            size, first = _number(data, first)
            position = first + size + SYNC
            if count < 0 or size < 0 or data[first + size : position] != sync:
                raise BrokenFile(f"the Avro file is cut off or damaged after byte {first}; {AGAIN}")
            block = b"".join(capped(_block(codec, data, first, first + size), len(data), limits))
            if count > len(block):
                raise BrokenFile(f"a block of the Avro file claims more records than it has bytes; {AGAIN}")
            counts.append(count)
            yield block

    for block in capped(expanded(), len(data), limits):
        yield counts.pop(), block


def _block(codec: str, data: Data, start: int, end: int) -> Iterator[bytes]:
    """The content of a block, piece by piece where the codec can."""
    if codec == "null":
        yield from slices(data[start:end])
    elif codec == "deflate":
        yield from inflated(data, start, end)
    elif codec == "zstandard":
        yield from unzstd(data[start:end])
    elif codec in ("bzip2", "xz"):
        expander = bz2.BZ2Decompressor() if codec == "bzip2" else lzma.LZMADecompressor(memlimit=1 << 28)
        piece = data[start:end]
        while not expander.eof:
            chunk = expander.decompress(piece, PIECE)
            if not chunk and not expander.eof:
                raise BrokenFile(f"a block of the Avro file is cut off; {AGAIN}")
            piece = b""
            yield chunk
    elif codec == "snappy":
        size, _ = _varint(data, start)
        if size > PIECE * 8:
            raise BrokenFile(f"a block of the Avro file claims to expand to {size:,} bytes; send it in smaller blocks")
        block = pa.decompress(data[start : end - 4], size, codec="snappy", asbytes=True)
        if zlib.crc32(block) != int.from_bytes(data[end - 4 : end], "big"):
            raise BrokenFile(f"a block of the Avro file has another checksum than it says; {AGAIN}")
        yield block
    else:
        raise BrokenFile(f"compressed by {codec}, which is not read; send it with deflate, snappy or zstandard")


def _number(data: Data, position: int) -> tuple[int, int]:
    """A zigzag number, and where what follows it begins."""
    value, position = _varint(data, position)
    return (value >> 1) ^ -(value & 1), position


def _varint(data: Data, position: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = data[position + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, position + place + 1
    raise BrokenFile(f"the Avro file is damaged at byte {position}; {AGAIN}")


def _chunk(line: int, texts: list[str]) -> Chunk:
    return Chunk(pa.array(np.arange(line, line + len(texts))), text=pa.array(texts, pa.string()))


def _text(value: Any) -> str:
    """A value as JSON text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(name))}: {_text(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(str(value))
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return json.dumps(value.isoformat())
    if isinstance(value, UUID):
        return json.dumps(str(value))
    if isinstance(value, bytes):
        try:
            return json.dumps(value.decode())
        except UnicodeDecodeError:
            return json.dumps(value.hex())
    return json.dumps(value)
