"""Mutate valid files of every format and compression at random, and read each: it is read or set aside, never more.

`python -m benchmarks.fuzz --count 20000 --seed 1` flips, deletes, inserts, cuts and repeats bytes. A case fails if
reading raises anything but BrokenFile, gives more records than its bytes can hold, numbers them wrongly, or takes
longer than a file of its size may. A crash of the process itself names the case that was being read.
"""

from __future__ import annotations

import argparse
import faulthandler
import gzip
import io
import itertools
import json
import random
import struct
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.columns import Seen
from jobs.ingest.formats.content import BrokenFile, Snapshot
from jobs.ingest.formats.readers import opened, read, to_json

LIMITS = Limits(field_mb=1, record_mb=2, archive_files=100, expanded_mb=16, expansion=100)
SECONDS = 5.0
"""The longest that a case of some kilobytes may take, on a busy machine too."""
ROWS = [
    {"id": place, "name": name, "born": "1980-01-01", "talk": {"by": "agent", "n": [1.5, 2]}}
    for place, name in enumerate(["Ann", "Smith, Jo", 'say "x"', "two\nlines", "Zoë", '5" nails', "", "=1+1"])
]


@dataclass(frozen=True)
class Sample:
    """A valid file, and how it is read."""

    name: str
    data: bytes
    form: Format
    path: str


@dataclass
class Outcome:
    """What became of all cases."""

    cases: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    escapes: list[str] = field(default_factory=list)

    def summary(self) -> str:
        fates = ", ".join(f"{count:,} {fate}" for fate, count in sorted(self.fates.items()))
        return f"{self.cases:,} mutated files: {fates}; {len(self.escapes):,} escapes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one case")
    chosen = parser.parse_args()
    faulthandler.enable()
    outcome = run(chosen.count, chosen.seed, chosen.only, tell=True)
    sys.stderr.write("\n")
    for escape in outcome.escapes[:20]:
        print(escape)
    print(outcome.summary())
    raise SystemExit(bool(outcome.escapes))


def run(count: int, seed: int, only: int | None = None, tell: bool = False) -> Outcome:
    """Read so many mutated files; the same seed gives the same files."""
    files, outcome = samples(), Outcome()
    with duckdb.connect() as database:
        for number in range(count) if only is None else [only]:
            chance = random.Random(f"{seed} {number}")
            sample = files[number % len(files)]
            data = mutated(sample.data, chance)
            if tell:
                sys.stderr.write(f"\rcase {number} {sample.name:<40}")
            outcome.cases += 1
            started = time.process_time()
            try:
                fate, problem = _read(database, sample, data)
            except Exception as error:
                fate, problem = "escaped", f"{type(error).__name__}: {str(error)[:200]}"
            taken = time.process_time() - started
            outcome.fates[fate] += 1
            if not problem and taken > SECONDS:
                problem = f"took {taken:.0f} s"
            if problem:
                outcome.escapes.append(f"case {number} of seed {seed} ({sample.name}): {problem}")
    return outcome


def _read(database: duckdb.DuckDBPyConnection, sample: Sample, data: bytes) -> tuple[str, str]:
    """What became of the file, and what is wrong with that."""
    lines: list[int] = []
    refused: list[int] = []
    seen = Seen({"id", "name"}, True, [], LIMITS.columns)
    try:
        with opened(Snapshot(sample.path, "", len(data), data), sample.form, LIMITS) as content:
            for chunk in read(database, content, sample.form, LIMITS):
                seen.look(chunk)
                text = to_json(database, chunk.columns) if chunk.columns is not None else chunk.text
                if text is None or len(text) != len(chunk.lines) or text.null_count:
                    return "escaped", "records without text"
                for record in text.to_pylist():
                    json.loads(record)
                lines += chunk.lines.to_pylist()
                refused += [reject.line for reject in chunk.rejects]
            size = len(content)
    except BrokenFile:
        return "set aside", ""
    fate = "read in part" if refused else "read"
    if len(set(lines)) < len(lines) or set(lines) & set(refused):
        return fate, "two records on one line"
    if lines != sorted(lines) or (lines and lines[0] < 1):
        return fate, "lines out of order"
    if len(lines) + len(refused) > size + 1:
        return fate, f"{len(lines) + len(refused)} records in {size} bytes"
    return fate, ""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one to four changes."""
    for _ in range(chance.choice([1, 1, 2, 4])):
        if not data:
            return data
        place = chance.randrange(len(data))
        kind = chance.choice(["flip", "flip", "delete", "insert", "cut", "repeat", "number"])
        if kind == "flip":
            data = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        elif kind == "delete":
            data = data[:place] + data[place + chance.choice([1, 2, 4, 16, 64]) :]
        elif kind == "insert":
            more = chance.choice([chance.randbytes(chance.randrange(1, 9)), b'"', b"\0", b"\n", b"{", b"\xff", b","])
            data = data[:place] + more + data[place:]
        elif kind == "cut":
            data = data[:place] if chance.random() < 0.5 else data[place:]
        elif kind == "repeat":
            piece = data[place : place + chance.randrange(1, 200)]
            data = data[:place] + piece * chance.choice([2, 2, 3, 50]) + data[place + len(piece) :]
        else:  # a length or count of binary formats
            number = chance.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x80\x80\x80\x10", b"\0\0\0\0"])
            data = data[:place] + number + data[place + 4 :]
    return data


def samples() -> list[Sample]:
    """Valid files of every format and compression."""
    return list(_text_files()) + list(_parquet_files()) + list(_avro_files())


def _text_files() -> Iterator[Sample]:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
    flat = "".join(json.dumps({"id": row["id"], "name": row["name"]}) + "\n" for row in ROWS)
    quoted = "id,name,born\n" + "".join(f'{r["id"]},"{_twice(r["name"])}",{r["born"]}\n' for r in ROWS)
    plain = "id,name,born\n" + "".join(f"{row['id']},Ann,{row['born']}\n" for row in ROWS)
    texts: list[tuple[str, str, dict[str, Any]]] = [
        ("csv", quoted, {}),
        ("csv plain", plain, {}),
        ("csv CR", plain.replace("\n", "\r"), {}),
        ("csv latin-1", quoted, {"encoding": "latin-1"}),
        ("csv utf-16", quoted, {"encoding": "utf-16"}),
        ("csv no header", plain, {"header": False, "names": ["id", "name", "born"], "skip_lines": 1}),
        ("csv escaped", quoted.replace('""', '\\"'), {"escape": "\\"}),
        ("tsv", plain.replace(",", "\t"), {"type": "tsv"}),
        ("jsonl", lines, {"type": "jsonl"}),
        ("jsonl flat", flat, {"type": "jsonl"}),
        ("jsonl inside", lines, {"type": "jsonl", "records": "talk.n[]"}),
        ("json", json.dumps(ROWS), {"type": "json"}),
        (
            "json inside",
            json.dumps({"data": {"items": ROWS, "next": None}}),
            {"type": "json", "records": "data.items[]"},
        ),
        ("json star", json.dumps({"a": ROWS, "b": ROWS[:2]}, indent=1), {"type": "json", "records": "*[]"}),
    ]
    for name, text, form in texts:
        data = text.encode(form.get("encoding", "utf-8"))
        yield Sample(name, data, Format(**form), "file")
    for name, text, form in (texts[0], texts[8]):
        for ending, packed in _packed(text.encode()):
            yield Sample(f"{name} {ending}", packed, Format(**form), f"file{ending}")


def _twice(text: Any) -> str:
    return str(text).replace('"', '""')


def _packed(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield ".gz", gzip.compress(data, mtime=0)
    yield ".gz", gzip.compress(data[:40], mtime=0) + gzip.compress(data[40:], mtime=0)
    yield ".zst", zstandard.ZstdCompressor(write_checksum=True).compress(data)
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo("a.csv"), data, method)
        yield ".zip", target.getvalue()


def _parquet_files() -> Iterator[Sample]:
    more = pa.table(
        {
            "id": pa.array(range(8), pa.int64()),
            "name": [row["name"] for row in ROWS],
            "at": pa.array([0] * 8, pa.timestamp("us", "UTC")),
            "total": pa.array([Decimal("1.50")] * 8, pa.decimal128(20, 2)),
            "tags": [["a", None]] * 8,
            "talk": [row["talk"] for row in ROWS],
            "day": pa.array([1] * 8, pa.date32()),
        }
    )
    for options in itertools.product(("none", "snappy", "zstd", "gzip"), ("1.0", "2.0"), (True, False)):
        target = io.BytesIO()
        compression, page, dictionary = options
        pq.write_table(more, target, compression=compression, data_page_version=page, use_dictionary=dictionary)
        name = f"parquet {compression} {page}{' dictionary' if dictionary else ''}"
        yield Sample(name, target.getvalue(), Format(type="parquet"), "file")


def _avro_files() -> Iterator[Sample]:
    kinds: dict[str, Any] = {
        "id": "long",
        "name": ["null", "string"],
        "total": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2},
        "at": {"type": "long", "logicalType": "timestamp-micros"},
        "tags": {"type": "array", "items": ["null", "string"]},
        "more": {"type": "map", "values": "double"},
        "kind": {"type": "enum", "name": "kind", "symbols": ["a", "b"]},
        "code": {"type": "fixed", "name": "code", "size": 3},
        "talk": {"type": "record", "name": "talk", "fields": [{"name": "by", "type": "string"}]},
    }
    schema = {"type": "record", "name": "r", "fields": [{"name": name, "type": kind} for name, kind in kinds.items()]}
    rest = {"at": 1_700_000_000_000_000, "tags": ["x", None], "more": {"a": 1.5}, "kind": "a", "code": b"abc"}
    rows = [{"id": r["id"], "name": r["name"], "total": b"\x01\x02", **rest, "talk": {"by": "x"}} for r in ROWS]
    for codec in ("null", "deflate", "bzip2", "xz"):
        target = io.BytesIO()
        fastavro.writer(target, schema, rows, codec=codec, sync_interval=200)
        yield Sample(f"avro {codec}", target.getvalue(), Format(type="avro"), "file")
    yield Sample("avro snappy", _snappy(schema, rows), Format(type="avro"), "file")


def _snappy(schema: dict[str, Any], rows: list[dict[str, Any]]) -> bytes:
    """One block compressed by snappy, which the Avro library only writes with another package."""
    from fastavro.io.binary_encoder import BinaryEncoder

    plain = io.BytesIO()
    for row in rows:
        fastavro.schemaless_writer(plain, schema, row)
    checksum = struct.pack(">L", zlib.crc32(plain.getvalue()))
    target = io.BytesIO()
    encoder = BinaryEncoder(target)
    target.write(b"Obj\x01")
    encoder.write_long(2)
    for name, value in (("avro.schema", json.dumps(schema)), ("avro.codec", "snappy")):
        encoder.write_utf8(name)
        encoder.write_bytes(value.encode())
    encoder.write_long(0)
    target.write(b"s" * 16)
    encoder.write_long(len(rows))
    encoder.write_bytes(pa.compress(plain.getvalue(), codec="snappy", asbytes=True) + checksum)
    return target.getvalue() + b"s" * 16


if __name__ == "__main__":
    main()
