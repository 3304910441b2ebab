"""Column expressions name their source columns and never stop a query at a bad value."""

import pytest

from jobs.ingest.expressions import parse
from jobs.yaml_files import ConfigError


@pytest.mark.parametrize(
    ("text", "sql", "columns"),
    [
        ("email", "`email`", ("email",)),
        ("user", "`user`", ("user",)),
        ("`First Name`", "`First Name`", ("First Name",)),
        ("lower(e) || ' x ' || `a b`", "lower(`e`) || ' x ' || `a b`", ("e", "a b")),
        ("case g when 'M' then 'male' else g end", "case `g` when 'M' then 'male' else `g` end", ("g",)),
        ("cast(a as date)", "try_cast(`a` as date)", ("a",)),
        ("to_date(d, 'dd-MM-yyyy')", "try_to_timestamp(`d`, 'dd-MM-yyyy')", ("d",)),
        ("p::decimal(18,2)", "`p`::decimal(18,2)", ("p",)),
        ("a + interval '1' day", "`a` + interval '1' day", ("a",)),
        ("transform(split(a, ','), x -> trim(x))", "transform(split(`a`, ','), x -> trim(x))", ("a",)),
        ("'it''s ' || n", "'it''s ' || `n`", ("n",)),
    ],
)
def test_names_are_columns_and_everything_else_is_not(text, sql, columns):
    expression = parse(text)
    assert (expression.sql, expression.columns) == (sql, columns)


def test_a_path_goes_into_json_but_is_one_column_name_in_csv():
    assert parse("context.page.url", nested=True).sql == "get_json_object(`context`, '$.page.url')"
    assert parse("context.page.url").columns == ("context.page.url",)


def test_a_name_with_a_space_must_be_in_backticks():
    with pytest.raises(ConfigError, match="`First Name`"):
        parse("upper(First Name)")


def test_windows_over_the_rows_of_a_delivery_name_columns_too():
    found = parse("sum(cast(price as double)) over (partition by order order by line)")
    assert found.sql == "sum(try_cast(`price` as double)) over (partition by `order` order by `line`)"
    assert found.columns == ("price", "order", "line")
    assert parse("lower(partition)").columns == ("partition",)


def test_items_of_a_list_are_reached_in_nested_records_only():
    assert parse("items[0].sku", nested=True).sql == "get_json_object(`items`, '$[0].sku')"
    assert parse("upper(items[0].sku)", nested=True).columns == ("items",)
    assert parse("items[0].sku").columns == ("items[0].sku",)
    assert parse("transform(xs, x -> x[0])", nested=True).columns == ("xs",)
