"""What an engine refuses is said with what to write instead."""

import pytest

from jobs.ingest.complaints import DIALECT, complaint, pattern_complaint
from jobs.ingest.expressions import parse


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "net + tax",
            "net and tax are texts, and '+' is of numbers; write cast(net as decimal(18,2)) + "
            "cast(tax as decimal(18,2)), or to join them concat(net, tax)",
        ),
        (
            "`pre fix` + '-' + cust",
            "`pre fix` and '-' and cust are texts, and '+' is of numbers; "
            "texts are joined by concat(`pre fix`, '-', cust)",
        ),
        (
            "first-name",
            "first and name are texts, and '-' is of numbers; write cast(first as decimal(18,2)) - "
            "cast(name as decimal(18,2)); if it is one name, write it in backticks, as `first-name`",
        ),
        ("net * 2", "net is a text, and '*' is of numbers; write cast(net as decimal(18,2)) * 2"),
        (
            "cast(a as double) - upper(b)",
            "upper(b) is a text, and '-' is of numbers; write try_cast(a as double) - cast(upper(b) as decimal(18,2))",
        ),
        ("case when a + 1 > 2 then b end", "a is a text, and '+' is of numbers; write cast(a as decimal(18,2)) + 1"),
    ],
)
def test_arithmetic_with_texts_is_told_with_what_to_write(text, told):
    assert complaint("Cannot coerce arithmetic expression Utf8 + Utf8 to valid types", parse(text).sql) == told


def test_ways_into_records_and_lookups_are_shown_as_they_are_written():
    found = parse("properties.net + items[0].`the tax` - rate.amount", nested=True, lookups=["rate"])
    told = complaint("no", found.sql, paths=[name for name, _, _ in found.partners])
    assert "rate.amount is a text, and '-' is of numbers" in told
    found = parse("properties.net + items[0].`the tax`", nested=True)
    assert complaint("no", found.sql).startswith(
        "properties.net and items[0].`the tax` are texts, and '+' is of numbers"
    )


def test_what_is_advised_is_understood(spark):
    row = spark.createDataFrame([{"net": "10.00", "tax": "2.10"}])
    (found,) = row.selectExpr(
        parse("cast(net as decimal(18,2)) + cast(tax as decimal(18,2))").sql, parse("concat(net, tax)").sql
    ).collect()
    assert [str(value) for value in found] == ["12.10", "10.002.10"]


def test_columns_that_are_no_texts_are_left_alone():
    assert complaint("no such function", "`a` + `b`", {"a": "double", "b": "double"}).startswith("no such function;")


def test_the_error_of_a_pattern_is_whole_and_says_which_kind_it_has_to_be():
    rust = "Compute error: Syntax(\n~~~\nregex parse error:\n    ^(a\n     ^\nerror: unclosed group\n~~~\n)"
    assert pattern_complaint(rust) == f"unclosed group; {DIALECT}"
    java = "[INVALID_PATTERN] Unclosed group near index 3\n^(a"
    assert pattern_complaint(java) == f"[INVALID_PATTERN] Unclosed group near index 3; {DIALECT}"
