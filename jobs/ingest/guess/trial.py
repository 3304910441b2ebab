"""The start of each file, as it lands for a first try: small files whole, of large ones as many records as fit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.ingest.formats.compression import GZIP, ZSTD
from jobs.ingest.guess import heads
from jobs.ingest.guess.samples import Sample

WHOLE = 4 << 20
"""Bytes up to which a file is tried whole."""


def land(sample: Sample, folder: Path) -> bool:
    """Put the file, or its start, into the folder of a day; whether it is all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, kind = sample.path, sample.form.get("type", "csv")
    packed = path.name.lower().endswith((*GZIP, *ZSTD, ".zip"))
    if path.stat().st_size <= (WHOLE >> 3 if packed else WHOLE):
        shutil.copyfile(path, folder / path.name)
        return True
    name = path.name.rsplit(".", 1)[0] if packed else path.name
    if kind == "parquet":
        file = pq.ParquetFile(path)
        batch = next(file.iter_batches(10_000))
        pq.write_table(pa.Table.from_batches([batch]), folder / name)
        return False
    head, whole = heads.head_of(path, WHOLE)
    if kind == "avro":
        sync = head[head.rfind(b"avro.schema") :] and _sync(head)
        content = head if whole else head[: head.rfind(sync) + len(sync)]
    else:
        encoding = sample.form.get("encoding", "utf-8")
        text = head.decode(encoding, errors="strict" if whole else "ignore")
        if not whole:
            text = (
                heads.whole_document(text)
                if kind == "json"
                else heads.whole_lines(text, "" if kind == "jsonl" else '"')
            )
        content = text.encode(encoding)
    (folder / name).write_bytes(content)
    return whole


def _sync(head: bytes) -> bytes:
    """The mark between blocks of an Avro file."""
    import io

    import fastavro

    reader = io.BytesIO(head)
    fastavro.reader(reader)
    return head[reader.tell() - 16 : reader.tell()]
