"""What is read from files, line by line, and what is refused."""

import gzip
import io
import json

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.config.sources.formats import Format, Limits
from jobs.ingest.formats import compression, csv_files, json_files, parquet_files
from jobs.ingest.formats.content import BrokenFile, Content
from jobs.ingest.formats.csv_files import without_separator_line
from jobs.ingest.formats.readers import to_json
from tests.ingest.read_files import broken, read_all


def test_the_first_record_after_a_csv_header_is_line_2():
    assert read_all(b"id,name\n1,Ann\n2,Bo\n")[0] == [(2, {"id": "1", "name": "Ann"}), (3, {"id": "2", "name": "Bo"})]


def test_quoted_line_breaks_and_blank_lines_count_as_lines():
    data = b'id,note\n1,"two\nlines"\n\n2,"a ""word""\r\n"\n3,x\n'
    assert read_all(data)[0] == [
        (2, {"id": "1", "note": "two\nlines"}),
        (5, {"id": "2", "note": 'a "word"\r\n'}),
        (7, {"id": "3", "note": "x"}),
    ]


def test_a_header_of_two_lines_moves_all_lines():
    good, refused = read_all(b'id,"no\nte"\n1,a\nbad\n2,b\n')
    assert [line for line, _ in good] == [3, 5]
    assert refused == [(4, "bad")]


def test_lines_with_too_few_or_too_many_fields_are_refused_with_their_line():
    good, refused = read_all(b"id,name\n1,Ann\nx\n2,Bo\n3,C,c\n")
    assert [line for line, _ in good] == [2, 4]
    assert refused == [(3, "x"), (5, "3,C,c")]


def test_line_numbers_hold_across_blocks(monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK", 128)
    data = b"id,note\n" + b"".join(b'%d,"a\nb"\n' % n if n % 3 else b"%d\n" % n for n in range(1, 200))
    good, refused = read_all(data)
    found = {int(record["id"]): line for line, record in good} | {int(text): line for line, text in refused}
    line = 2
    for n in range(1, 200):
        assert found[n] == line
        line += 2 if n % 3 else 1


def test_a_line_of_only_delimiters_is_a_record_but_an_empty_line_is_not():
    assert read_all(b"id,name\n,\n\n1,Ann\n")[0] == [(2, {"id": "", "name": ""}), (4, {"id": "1", "name": "Ann"})]


def test_a_file_with_only_a_header_holds_no_records():
    assert read_all(b"id,name") == ([], [])


def test_windows_line_ends_and_byte_order_mark_are_no_part_of_the_values():
    assert read_all("\ufeffid,name\r\n1,Ann\r\n".encode())[0] == [(2, {"id": "1", "name": "Ann"})]


def test_a_byte_order_mark_at_the_first_value_is_part_of_it():
    assert read_all("id,name\n\ufeff1,Ann\n".encode())[0] == [(2, {"id": "\ufeff1", "name": "Ann"})]


def test_semicolons_and_latin_1_are_read_as_configured():
    good, _ = read_all("id;stad\n1;Málaga\n".encode("latin-1"), delimiter=";", encoding="latin-1")
    assert good == [(2, {"id": "1", "stad": "Málaga"})]


def test_gzip_is_decompressed_and_a_gzip_of_several_parts_is_one_file():
    data = gzip.compress(b"id,name\n1,Ann\n") + gzip.compress(b"2,Bo\n")
    assert [record["id"] for _, record in read_all(data, path="a.csv.gz")[0]] == ["1", "2"]


@pytest.mark.parametrize("cut", [1, 9, 20])
def test_a_truncated_gzip_is_broken(cut):
    whole = gzip.compress(b"id,name\n" + bytes(range(32, 127)) * 5)
    assert "cut off" in broken(whole[:-cut], path="a.csv.gz")


def test_a_damaged_gzip_is_broken():
    whole = bytearray(gzip.compress(b"id,name\n" + bytes(range(40, 120)) * 50))
    whole[30] ^= 0xFF
    assert "gzip" in broken(bytes(whole), path="a.csv.gz")


def test_a_gzip_bomb_is_refused_before_it_fills_memory(monkeypatch):
    monkeypatch.setattr(compression, "HONEST", 1 << 20)
    assert "expands" in broken(gzip.compress(b"\n" * (20 << 20)), path="a.csv.gz")


def test_a_line_in_another_encoding_is_refused_alone_and_its_bytes_are_shown():
    good, refused = read_all("id,name\n1,Ann\n2,Zoë\n3,Bo\n".encode("latin-1"))
    assert good == [(2, {"id": "1", "name": "Ann"}), (4, {"id": "3", "name": "Bo"})]
    assert refused == [(3, r"2,Zo\xeb")]


def test_a_nul_byte_is_refused_with_its_line_alone():
    assert read_all(b"id,name\n1,\0\n2,Bo\n") == ([(3, {"id": "2", "name": "Bo"})], [(2, r"1,\x00")])


def test_a_damaged_header_is_broken():
    assert "line 1 is not utf-8" in broken("id,naïm\n1,Ann\n".encode("latin-1"))
    assert "line 1 is a NUL byte at byte 2" in broken(b"i\0d,name\n1,Ann\n")
    assert "line 1 is a NUL byte" in broken("id,name\n1,Ann\n".encode("utf-16-le"))


def test_a_column_named_twice_is_broken():
    assert "'id' is in the header twice" in broken(b"id,id\n1,2\n")


@pytest.mark.parametrize(
    "data", [b'id,note\n1,"open\n2,b\n3,c\n', b'id,note\n1,"open\n2,b', b'id,note\n1,a\n2,b\n"3,c\n4,d\n']
)
def test_a_quote_that_is_never_closed_is_broken(data):
    assert "never closed" in broken(data)


def test_a_stray_quote_that_would_swallow_lines_is_broken():
    assert "line 2 swallows the lines up to 4" in broken(b'id,note\n1,"2\n3,4\n5,"6\n7,8\n')


def test_an_empty_file_is_broken():
    assert "empty" in broken(b"")
    assert "empty" in broken(b"", type="jsonl")


def test_json_lines_keep_their_text_and_lines_that_are_no_object_are_refused():
    data = b'{"id": 1.50}\n\nnope\n[1]\n{"id": NaN}\n{"id": 2,}\n{"id": "NaN"}\n{"id": 3'
    good, refused = read_all(data, type="jsonl")
    assert [line for line, _ in good] == [1, 7]
    assert [line for line, _ in refused] == [3, 4, 5, 6, 8]


def test_json_lines_hold_across_blocks(monkeypatch):
    monkeypatch.setattr(json_files, "BLOCK", 64)
    data = b"".join(b'{"id": %d, "t": "%s"}\n' % (n, "é".encode() * (n % 50)) for n in range(200))
    good, refused = read_all(data, type="jsonl")
    assert [(line, record["id"]) for line, record in good] == [(n + 1, n) for n in range(200)]
    assert refused == []


def test_a_json_array_gives_one_record_per_element():
    good, refused = read_all(b'[{"id": 1, "a": {"b": [1, 2]}}, 5, {"id": 2}]', type="json")
    assert good == [(1, {"id": 1, "a": {"b": [1, 2]}}), (3, {"id": 2})]
    assert refused == [(2, "5")]


def test_broken_json_names_its_line():
    assert "line 2" in broken(b'[{"id": 1},\n{"id": }]', type="json")


def test_parquet_rows_are_numbered_from_1_and_a_torn_footer_is_broken():
    target = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2], "name": ["Ann", None]}), target)
    good, _ = read_all(target.getvalue(), type="parquet")
    assert good == [(1, {"id": 1, "name": "Ann"}), (2, {"id": 2, "name": None})]
    assert "Parquet" in broken(target.getvalue()[:-6], type="parquet")


def test_a_record_of_several_lines_longer_than_a_block_is_broken_with_its_line(monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK", 128)
    assert "on line 2 or later is longer than" in broken(b'id,note\n1,a\n2,"' + b"x\n" * 500 + b'"\n')


def test_nested_json_lines_are_judged_one_by_one_whoever_their_neighbours_are():
    bad = ['{"a": {"b": 1, "b": 2}}', '{"a": [1,]}', '{"a": {"b": NaN}}', '{"a": {"b": 1}']
    bad += [
        '{"a": ' + "[" * 100 + "]" * 100 + "}",
        '{"a": {"\\u0062": "\\u0022\\u0022", "b": 2}}',
        '{"a": [9' + "9" * 400 + "]}",
    ]
    lines = [line for one in bad for line in (*['{"a": {"b": [1.50, "x"]}}'] * 5, one)]
    good, refused = read_all("\n".join(lines).encode(), type="jsonl")
    assert [text for _, text in refused] == bad
    assert [line for line, _ in refused] == [6 * place for place in range(1, len(bad) + 1)]
    assert len(good) == 5 * len(bad)


def parquet(table) -> bytes:
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


def test_numbers_of_parquet_that_json_does_not_have_are_texts():
    nan, infinite = float("nan"), float("-inf")
    data = parquet(pa.table({"a": [nan, 1.5], "b": [[infinite], []], "c": ['NaN "NaN', "x"]}))
    assert [record for _, record in read_all(data, type="parquet")[0]] == [
        {"a": "NaN", "b": ["-Infinity"], "c": 'NaN "NaN'},
        {"a": 1.5, "b": [], "c": "x"},
    ]


def test_parquet_text_that_is_no_utf_8_is_broken_and_not_an_empty_record():
    data = parquet(pa.table({"name": ["plain", "Zo\u00eb"]}))
    assert "Parquet" in broken(data.replace("Zo\u00eb".encode(), b"Zo\xff\xff"), type="parquet")


def test_utf_16_without_its_byte_order_mark_is_broken():
    assert "utf-16-le" in broken("id\n1\n".encode("utf-16-le"), encoding="utf-16")
    assert read_all("id\n1\n".encode("utf-16-le"), encoding="utf-16-le")[0] == [(2, {"id": "1"})]


def test_a_damaged_byte_that_may_have_been_a_quote_makes_an_odd_quote_after_it_the_end_of_trust():
    assert "may have been a quote" in broken(b'id,name\n1,\xffAnn\n2,Bo\n3,5" nails\n')
    good, refused = read_all(b'id,name\n1,A\xffnn\n2,Bo\n3,5" nails\n')
    assert ([line for line, _ in good], [line for line, _ in refused]) == ([3, 4], [2])
    assert [line for line, _ in read_all(b'id,name\n3,5" nails\n1,\xffAnn\n')[0]] == [2]


def test_a_parquet_bomb_is_stopped_whatever_its_footer_says(monkeypatch):
    monkeypatch.setattr(compression, "HONEST", 1 << 20)
    assert "expands to more than 500 times" in broken(parquet(pa.table({"n": [0] * 1_000_000})), type="parquet")


def test_a_text_that_a_parquet_file_holds_once_for_many_rows_is_counted_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(compression, "HONEST", 1 << 20)
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), ["x" * 1_000])
    assert "expands to more than 500 times" in broken(parquet(pa.table({"v": once})), type="parquet")


def test_a_list_without_end_in_one_parquet_row_is_told_before_it_is_read(monkeypatch):
    monkeypatch.setattr(compression, "HONEST", 1 << 20)
    table = pa.table({"id": ["1"], "a.b": [[0] * 1_000_000]})
    assert "expands to more than 500 times" in broken(parquet(table), type="parquet")


def test_a_parquet_row_larger_than_a_record_may_be_is_refused_and_the_rest_is_read(monkeypatch):
    monkeypatch.setattr(parquet_files, "TOGETHER", 1 << 20)
    rows = {"id": ["1", "2", "3"], "v": [["a"], ["y" * 1_000] * 2_000, ["b", None]]}
    good, refused = read_all(parquet(pa.table(rows)), limits=Limits(record_mb=1), type="parquet")
    assert good == [(1, {"id": "1", "v": ["a"]}), (3, {"id": "3", "v": ["b", None]})]
    assert refused == [(2, "")]


def test_parquet_values_of_every_kind_come_out_as_they_went_in():
    row = {
        "text": "Zoë", "none": None, "number": 7, "struct": {"a": "x", "b": [1, 2]}, "list": ["p", None, "q"],
        "map": [("k", "v")], "large": "L", "view": "w", "fixed": ["1", "2"], "structs": [{"a": "x"}, None],
    }  # fmt: skip
    kinds = {
        "text": pa.string(), "none": pa.string(), "number": pa.int64(),
        "struct": pa.struct({"a": pa.string(), "b": pa.list_(pa.int32())}), "list": pa.large_list(pa.string()),
        "map": pa.map_(pa.string(), pa.string()), "large": pa.large_string(), "view": pa.string_view(),
        "fixed": pa.list_(pa.string(), 2), "structs": pa.list_(pa.struct({"a": pa.string()})),
    }  # fmt: skip
    table = pa.Table.from_pylist([row, row], schema=pa.schema(kinds))
    good, _ = read_all(parquet(table), type="parquet")
    assert good == [(line, row | {"map": {"k": "v"}}) for line in (1, 2)]


@pytest.mark.parametrize("type", ["csv", "parquet"])
def test_a_file_of_more_columns_than_the_limit_is_told_and_not_read(type):
    names = [f"c{number}" for number in range(11)]
    data = ",".join(names).encode() + b"\n" if type == "csv" else parquet(pa.table({name: ["1"] for name in names}))
    assert "11 columns, more than the 10 of general.limits.columns" in broken(
        data, limits=Limits(columns=10), type=type
    )


ODD = ['"', "\\", "\n", "\t", "\x01", "\x1f", "\x7f", "\u2028", "é", "日本", "😀", "'", "</script>", "", " "]


@pytest.mark.parametrize("name", ["plain", 'a "quoted" name', "back\\slash", "naïve"])
@pytest.mark.parametrize("odd", ODD)
def test_a_record_is_the_same_json_whether_or_not_any_value_needs_an_escape(name, odd):
    columns = pa.table({name: ["a", f"x{odd}y", odd], "number": ["1.50", "", "007"]})
    with duckdb.connect() as database:
        expected = database.sql("select to_json(columns)::varchar as r from columns").to_arrow_table()["r"].to_pylist()
        sliced = pa.concat_tables([columns.slice(0, 1), columns.slice(1)])
        assert to_json(database, columns).to_pylist() == expected
        assert to_json(database, sliced).to_pylist() == expected
    assert [json.loads(record) for record in expected] == columns.to_pylist()


def test_json_objects_that_follow_one_another_are_records_however_they_are_laid_out():
    texts = {
        b'{"a": 1}{"a": 2} {"a": 3}\n{"a": 4}': [1, 2, 3, 4],
        b'{"a": 1},\n{"a": 2},': [1, 2],
        b'{\n "a": 1,\n "b": [{"c": "}{"}]\n}\n{\n "a": 2\n}\n': [1, 2],
        b'[{"a": 1},\n {"a": 2}]': [1, 2],
        b'[{"a": 1}]\n[{"a": 2}, {"a": 3}]\n[]': [1, 2, 3],
        b'\x1e{"a": 1}\n\x1e{"a": 2}\n': [1, 2],
        b"title\n[\n]\n": [],
    }
    for text, expected in texts.items():
        good, refused = read_all(text, type="jsonl", skip_lines=int(text.startswith(b"title")))
        assert ([record["a"] for _, record in good], refused) == (expected, []), text


def test_records_keep_their_lines_where_no_two_begin_on_one_and_else_get_their_places():
    assert [line for line, _ in read_all(b'[\n{"a":\n1},\n{"a": 2}]', type="jsonl")[0]] == [2, 4]
    assert [line for line, _ in read_all(b'{"a": 1}\n{"a": 2}{"a": 3}', type="jsonl")[0]] == [1, 2, 3]


def test_one_broken_object_among_others_is_refused_alone():
    good, refused = read_all(b'{"a": 1}{"a": 2}\n{"a": \n{"a": 3}\n', type="jsonl")
    assert ([record["a"] for _, record in good], refused) == ([1, 2, 3], [(3, '{"a": ')])
    good, refused = read_all(b'{"a": 1}\n{"a": \n{"a": 3}\n', type="jsonl")
    assert ([line for line, _ in good], refused) == ([1, 3], [(2, '{"a":')])


def test_an_array_that_is_cut_off_is_no_file_to_trust():
    assert "never closed" in broken(b'[{"a": 1}, {"a": 2},', type="jsonl")


def test_documents_over_several_lines_have_their_records_inside():
    good, _ = read_all(b'{"items": [\n{"a": 1}, {"a": 2}\n]}\n{"items": [\n{"a": 3}]}', type="jsonl", records="items[]")
    assert [(line, record["a"]) for line, record in good] == [(1, 1), (2, 2), (3, 3)]


def test_half_an_emoji_is_refused_with_what_it_is():
    _, refused = read_all(b'{"a": "cut \\ud83d"}\n{"a": "whole \\ud83d\\ude00"}', type="jsonl")
    assert [line for line, _ in refused] == [1]


def test_a_line_that_says_the_separator_is_no_record():
    for text in (b"sep=;\nid;name\n1;Ann\n", b'"sep=;"\r\nid;name\r\n1;Ann\r\n'):
        content = Content(text)
        form, told = without_separator_line(content, Format())
        assert (form.delimiter, form.skip_lines) == (";", 1)
        assert "sep=;" in told
        assert "skip_lines" in told
    assert without_separator_line(Content(b"separate;id\n"), Format())[1] == ""
    with pytest.raises(BrokenFile, match=r"sep=,.*`delimiter` of the dataset is ';'.*skip_lines"):
        without_separator_line(Content(b"sep=,\nid;name\n"), Format(delimiter=";"))


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04..[Content_Types].xml", "Excel workbook"),
        (b"PK\x03\x04..a.csv", "zip archive; let its name end in .zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook"),
        (b"\x1f\x8b\x08", "let its name end in .gz"),
        (b"%PDF-1.7", "PDF"),
        (b"<!DOCTYPE html><title>Log in</title>", "HTML page"),
        (b"\n <html lang=nl>", "HTML page"),
        (b'<?xml version="1.0"?>', "XML"),
        (b"PAR1..PAR1", "type: parquet"),
    ],
)
def test_what_is_no_data_of_this_format_is_named(start, what):
    assert what in broken(start, path="a.csv", type="csv")
    assert what in broken(start, path="a.jsonl", type="jsonl")


def test_a_name_that_says_gzip_of_what_is_none_is_told():
    assert "not compressed with gzip, as its name says" in broken(b"id,name\n", path="a.csv.gz", type="csv")


@pytest.mark.parametrize("end", ["gz", "zst", "zip"])
def test_a_page_under_the_name_of_a_compressed_file_is_told(end):
    assert "the file is an HTML page" in broken(b"\xef\xbb\xbf<html><h1>502</h1>", path=f"a.csv.{end}", type="csv")
    assert "the file is XML" in broken(b"<?xml version='1.0'?><Error/>", path=f"a.jsonl.{end}", type="jsonl")
