"""Reads a whole file as ingest does."""

import hashlib
import json

import duckdb
import pytest

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats.content import BrokenFile, Snapshot
from jobs.ingest.formats.readers import opened, read, to_json


def read_all(data: bytes, path="file", limits=None, **form):
    """(line, record) of each good record, and (line, text) of each refused line."""
    form, limits = Format(**form), limits or Limits()
    good, refused = [], []
    with (
        duckdb.connect() as database,
        opened(Snapshot(path, hashlib.sha256(data).hexdigest(), len(data), data), form, limits) as content,
    ):
        for chunk in read(database, content, form, limits):
            text = to_json(database, chunk.columns) if chunk.columns is not None else chunk.text
            good += zip(chunk.lines.to_pylist(), map(json.loads, text.to_pylist()), strict=True)
            refused += [(reject.line, reject.record) for reject in chunk.rejects]
    return good, refused


def broken(data: bytes, path="file", limits=None, **form) -> str:
    with pytest.raises(BrokenFile) as error:
        read_all(data, path, limits, **form)
    return str(error.value)
