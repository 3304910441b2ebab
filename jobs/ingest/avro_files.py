"""Avro files: records as JSON objects, with values written so that none loses anything."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from jobs.ingest.content import BrokenFile, Content
from jobs.ingest.records import Chunk, check_columns

BATCH = 20_000


def read_avro(content: Content) -> Iterator[Chunk]:
    """One JSON object per record. The line of a record is its number, from 1.

    Moments are ISO 8601 (in UTC if they are one moment everywhere), bytes hexadecimal unless they are text, decimals
    numbers with all their digits, and NaN and infinity texts.
    """
    import fastavro

    try:
        reader = fastavro.reader(io.BytesIO(content.data))
        schema = reader.writer_schema
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise BrokenFile("the Avro file does not hold records; send one that does")
        check_columns([field["name"] for field in schema["fields"]])
        texts: list[str] = []
        line = 1
        for record in reader:
            texts.append(_text(record))
            if len(texts) == BATCH:
                yield _chunk(line, texts)
                line, texts = line + len(texts), []
        yield _chunk(line, texts)
    except BrokenFile:
        raise
    except Exception as error:  # the library raises whatever a damaged byte leads to
        raise BrokenFile(f"not a readable Avro file ({type(error).__name__}); send the file again") from None


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
