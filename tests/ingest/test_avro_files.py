"""Avro files that would take down a reader that believes what they say."""

import io
import json
import zlib
from decimal import Decimal

import fastavro
import pyarrow as pa
import pytest
import zstandard

from jobs.config.sources.formats import Limits
from jobs.ingest.formats import avro_files, compression
from tests.ingest.read_files import broken, read_all

ID = {"name": "id", "type": "long"}
SYNC = b"s" * 16


def number(value: int) -> bytes:
    value, out = (value << 1) ^ (value >> 63), b""
    while value > 0x7F:
        value, out = value >> 7, out + bytes([value & 0x7F | 0x80])
    return out + bytes([value])


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def avro(*fields, count=1, block=b"\x02", codec="null") -> bytes:
    """A file with one block, written without the library: it may lie."""
    schema = {"type": "record", "name": "r", "fields": fields}
    header = text(b"avro.schema") + text(json.dumps(schema).encode()) + text(b"avro.codec") + text(codec.encode())
    return b"Obj\x01" + number(2) + header + number(0) + SYNC + number(count) + text(block) + SYNC


def test_a_block_of_endless_nothings_is_refused():
    nothing = {"name": "x", "type": "null"}
    assert "more records than it has bytes" in broken(avro(nothing, count=10**12, block=b""), type="avro")
    assert "more records than it has bytes" in broken(avro(ID, count=3, block=b"\x02\x04"), type="avro")


@pytest.mark.parametrize("items", ["null", {"type": "record", "name": "e", "fields": []}])
def test_a_list_of_endless_nothings_is_refused(items):
    endless = {"name": "x", "type": {"type": "array", "items": items}}
    assert "could be endless" in broken(avro(endless, block=number(10**12) + number(0)), type="avro")


def test_a_type_inside_itself_is_refused_before_it_exhausts_the_stack():
    inside = {"name": "next", "type": ["null", "r"]}
    assert "holds itself" in broken(avro(inside, block=b"\x02" * 1_000_000 + b"\0"), type="avro")


def test_a_decimal_of_endless_digits_is_refused():
    endless = {"type": "bytes", "logicalType": "decimal", "precision": 10**9, "scale": 10**9}
    assert "digits" in broken(avro({"name": "x", "type": endless}, block=text(b"\x01")), type="avro")


def test_a_block_that_is_a_bomb_is_stopped_while_it_expands(monkeypatch):
    produced = []

    def counted(*where):
        for chunk in compression.inflated(*where):
            produced.append(len(chunk))
            yield chunk

    monkeypatch.setattr(compression, "HONEST", 1 << 20)
    monkeypatch.setattr(avro_files, "inflated", counted)
    bomb = zlib.compress(b"\x02" * (64 << 20))[2:-4]
    bombed = avro(ID, count=64 << 20, block=bomb, codec="deflate")
    assert "expands" in broken(bombed, limits=Limits(expansion=100), type="avro")
    assert sum(produced) <= 16 << 20


def test_many_blocks_together_are_over_the_limit():
    target = io.BytesIO()
    schema = {"type": "record", "name": "r", "fields": [{"name": "t", "type": "string"}]}
    fastavro.writer(target, schema, [{"t": "x" * 1000}] * 3000, codec="deflate", sync_interval=10_000)
    assert "2 MB" in broken(target.getvalue(), limits=Limits(expanded_mb=2), type="avro")


def test_bytes_after_the_records_of_a_block_are_not_dropped_silently():
    assert "more than its records" in broken(avro(ID, block=b"\x02\x04"), type="avro")


@pytest.mark.parametrize("codec", ["snappy", "zstandard"])
def test_codecs_of_other_tools_are_read_and_their_damage_is_found(codec):
    plain = b"\x02\x04"
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(plain)
    if codec == "snappy":
        packed = pa.compress(plain, codec="snappy", asbytes=True) + zlib.crc32(plain).to_bytes(4, "big")
    good, _ = read_all(avro(ID, count=2, block=packed, codec=codec), type="avro")
    assert good == [(1, {"id": 1}), (2, {"id": 2})]
    assert broken(avro(ID, count=2, block=packed[:-1] + bytes([packed[-1] ^ 1]), codec=codec), type="avro")


def test_an_unknown_codec_is_named():
    assert "compressed by lz4, which is not read" in broken(avro(ID, codec="lz4"), type="avro")


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_a_file_cut_off_inside_a_block_is_broken(codec):
    target = io.BytesIO()
    total = {"name": "x", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}
    schema = {"type": "record", "name": "r", "fields": [ID, total]}
    rows = [{"id": place, "x": Decimal("1.50")} for place in range(4)]
    fastavro.writer(target, schema, rows, codec=codec, sync_interval=1)
    data = target.getvalue()
    assert [record for _, record in read_all(data, type="avro")[0]] == [{"id": row["id"], "x": 1.5} for row in rows]
    for cut in (1, 15, 16, 17, 18):
        assert "Avro" in broken(data[:-cut], type="avro")
