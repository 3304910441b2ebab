"""Reading changes no value: what other programs write comes back equal, with the right lines."""

import csv
import io
import json
import re
import zipfile

import fastavro
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.read_files import read_all

TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12) | st.sampled_from(
    [
        "",
        " a ",
        "=1+1",
        "\ufeff",
        "0001-01-01",
        "9999-12-31",
        "раypal",
        "1e400",
        "a\r\nb",
        "a\nb",
        'say "x"',
        "\\",
        "\\N",
        "\t",
        "\x02",
    ]
)
TABLE = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), max_size=8))
DIALECTS = [
    {"delimiter": ","},
    {"delimiter": "\t"},
    {"delimiter": "|", "quote": "'"},
    {"delimiter": ";", "escape": "\\"},
    {"delimiter": "\x01", "encoding": "utf-16"},
    {"delimiter": ",", "encoding": "utf-8-sig"},
    {"delimiter": ",", "header": False},
    {"delimiter": ",", "skip_lines": 2},
]
LINE_END = re.compile("\r\n|\n|\r")


def written(rows, form, ends, quote_all) -> tuple[str, list[int]]:
    """The text of a CSV file, and the line on which each row begins."""
    target = io.StringIO(newline="")
    writer = csv.writer(
        target,
        delimiter=form["delimiter"],
        quotechar=form.get("quote", '"'),
        escapechar=form.get("escape"),
        doublequote=not form.get("escape"),
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
        lineterminator=ends,
    )
    target.write(f"a title{ends}" * form.get("skip_lines", 0))
    lines = []
    for row in rows:
        lines.append(1 + len(LINE_END.findall(target.getvalue())))
        writer.writerow(row)
    return target.getvalue(), lines


@pytest.mark.parametrize("form", DIALECTS, ids=lambda form: " ".join(map(repr, form.values())))
@settings(max_examples=60, deadline=None)
@given(rows=TABLE, ends=st.sampled_from(["\n", "\r\n", "\r"]), quote_all=st.booleans(), cut=st.booleans())
def test_every_csv_table_comes_back_equal_with_its_lines(form, rows, ends, quote_all, cut):
    names = [f"c{place}" for place in range(len(rows[0]) if rows else 1)]
    header = form.get("header", True)
    # Python's own writer leaves a lone CR or LF unquoted if it is not in its line end
    text, lines = written([names, *rows] if header else rows, form, ends, quote_all or ends != "\r\n")
    if cut:
        text = text[: -len(ends)]
    if not text or text.startswith("\ufeff"):  # there it is the mark of the encoding
        return
    data = text.encode(form.get("encoding", "utf-8"))
    good, refused = read_all(data, **({**form, "names": names} if not header else form))
    assert refused == []
    assert good == [(line, dict(zip(names, row, strict=True))) for line, row in zip(lines[header:], rows, strict=True)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=6)


@settings(max_examples=100, deadline=None)
@given(records=RECORDS, ascii_only=st.booleans(), ends=st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_json_line_comes_back_equal_with_its_line(records, ascii_only, ends):
    data = "".join(json.dumps(record, ensure_ascii=ascii_only) + ends for record in records).encode()
    if data:
        assert read_all(data, type="jsonl") == (list(enumerate(records, 1)), [])


@settings(max_examples=100, deadline=None)
@given(records=RECORDS, indent=st.sampled_from([None, 2]), more=VALUES)
def test_every_json_document_comes_back_equal_with_the_place_of_each_record(records, indent, more):
    assert read_all(json.dumps(records, indent=indent).encode(), type="json") == (list(enumerate(records, 1)), [])
    inside = json.dumps({"meta": more, "data": {"items": records, "next": more}}, indent=indent).encode()
    parent = {"next": more, "_parent": {"meta": more}}
    expected = [(place, {"_parent": parent, "_index": place, **record}) for place, record in enumerate(records, 1)]
    assert read_all(inside, type="json", records="data.items[]") == (expected, [])


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.lists(TEXT, min_size=2, max_size=2), min_size=1, max_size=5))
def test_compression_changes_nothing(rows):
    text, _ = written([["a", "b"], *rows], {"delimiter": ","}, "\r\n", True)
    data = text.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", data)
    plain = read_all(data)
    assert read_all(packed.getvalue(), path="a.csv.zip") == plain
    assert read_all(zstandard.ZstdCompressor().compress(data), path="a.csv.zst") == plain


def test_a_file_without_quotes_keeps_them_as_text():
    assert read_all(b'a,b\n"x,y"\n', quote="")[0] == [(2, {"a": '"x', "b": 'y"'})]


def test_a_column_without_name_is_named_after_its_place():
    assert read_all(b",a,\n1,2,3\n")[0] == [(2, {"column_1": "1", "a": "2", "column_3": "3"})]


def test_tabs_are_the_default_of_tsv():
    assert read_all(b"a\tb\n1\t2\n", type="tsv")[0] == [(2, {"a": "1", "b": "2"})]


def test_a_chat_turn_becomes_a_record_with_the_conversation_above_it():
    chats = b'[{"id": 7, "turns": [["agent", "hello"], "bye", {"by": 1.50}]}, {"id": 8, "turns": []}]'
    good, refused = read_all(chats, type="json", records="[].turns[]")
    parent = {"id": 7, "_index": 1}
    assert refused == []
    assert good == [
        (1, {"_value": ["agent", "hello"], "_parent": parent, "_index": 1}),
        (2, {"_value": "bye", "_parent": parent, "_index": 2}),
        (3, {"by": 1.5, "_parent": parent, "_index": 3}),
    ]


def test_every_part_of_a_document_is_reached_by_a_star():
    good, _ = read_all(b'{"train": [{"id": 1}], "dev": [{"id": 2}], "v": 3}', type="json", records="*[]")[0:2]
    assert [(record["id"], record["_key"], record["_parent"]) for _, record in good] == [
        (1, "train", {"v": 3}),
        (2, "dev", {"v": 3}),
    ]


def test_json_lines_can_hold_the_records_inside_too():
    data = b'{"id": 1, "items": [{"n": 1}, {"n": 2}]}\nnope\n{"id": 2, "items": [{"n": 3}]}\n'
    good, refused = read_all(data, type="jsonl", records="items[]")
    assert [(line, record["n"], record["_parent"]) for line, record in good] == [
        (1, 1, {"id": 1}),
        (2, 2, {"id": 1}),
        (4, 3, {"id": 2}),
    ]
    assert refused == [(3, "nope")]


def test_avro_records_keep_every_digit_and_moment():
    import datetime as dt
    from decimal import Decimal

    fields = [
        {"name": "id", "type": "long"},
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "score", "type": "double"},
    ]
    row = {
        "id": 2**60,
        "total": Decimal("12345678901234567.80"),
        "at": dt.datetime(9999, 12, 31, tzinfo=dt.UTC),
        "tags": [None, "é"],
        "score": float("nan"),
    }
    target = io.BytesIO()
    fastavro.writer(target, {"type": "record", "name": "r", "fields": fields}, [row], codec="deflate")
    from jobs.config.sources.formats import Limits
    from jobs.ingest.formats.avro_files import read_avro
    from jobs.ingest.formats.content import Content

    (chunk,) = read_avro(Content(target.getvalue()), Limits())
    assert chunk.text.to_pylist() == [
        '{"id": 1152921504606846976, "total": 12345678901234567.80, "at": "9999-12-31T00:00:00+00:00", '
        '"tags": [null, "\\u00e9"], "score": "nan"}'
    ]
    assert read_all(target.getvalue(), type="avro", limits=Limits())[0][0][0] == 1
