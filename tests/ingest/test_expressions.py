"""Column expressions name their source columns and never stop a query at a bad value."""

import pytest
from pyspark.sql import functions as F

from jobs.config.yaml_files import ConfigError
from jobs.ingest.expressions import Expression, parse
from jobs.lake.engine import get_spark
from jobs.validate.mapping.records import flattened


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
        ("p::decimal(18,2)", "try_cast(`p` as decimal(18,2))", ("p",)),
        ("a + interval '1' day", "`a` + interval '1' day", ("a",)),
        ("transform(split(a, ','), x -> trim(x))", "transform(split(`a`, ','), `x` -> trim(`x`))", ("a",)),
        ("'it''s ' || n", r"'it\'s ' || `n`", ("n",)),
        ("split(a, '[0]')[1]", "get(split(`a`, '[0]'), 1)", ("a",)),
        ("filter(split(a, ','), x -> x <> '')[0]", "get(filter(split(`a`, ','), `x` -> `x` <> ''), 0)", ("a",)),
        ("from_json(a, 's').xs[0].y[1]", "get(get(from_json(`a`, 's').`xs`, 0).`y`, 1)", ("a",)),
        ("from_json(a, 's').`b c`", "from_json(`a`, 's').`b c`", ("a",)),
        ("coalesce(int(a), INT(b), 0)", "coalesce(try_cast(`a` as int), try_cast(`b` as int), 0)", ("a", "b")),
        ("parse_url(a, 'HOST')", "try_parse_url(`a`, 'HOST')", ("a",)),
    ],
)
def test_names_are_columns_and_everything_else_is_not(text, sql, columns):
    expression = parse(text, texts=False)
    assert (expression.sql, expression.columns) == (sql, columns)


def test_a_path_goes_into_json_but_is_one_column_name_in_csv():
    assert parse("context.page.url", nested=True).sql == "`$.context.page.url`"
    assert parse("context.page.url").columns == ("context.page.url",)


def test_a_name_with_a_space_must_be_in_backticks():
    with pytest.raises(ConfigError, match="`First Name`"):
        parse("upper(First Name)")


def test_windows_over_the_rows_of_a_delivery_name_columns_too():
    found = parse("sum(cast(price as double)) over (partition by order order by line)")
    assert found.sql == "sum(try_cast(`price` as double)) over (partition by `order` order by `line` asc nulls first)"
    assert found.columns == ("price", "order", "line")
    assert parse("lower(partition)").columns == ("partition",)


def test_items_of_a_list_are_reached_in_nested_records_only():
    assert parse("items[0].sku", nested=True).reads == (("$.items[0].sku", ("items", 0, "sku")),)
    assert parse("upper(items[0].sku)", nested=True).columns == ("items",)
    assert parse("items[0].sku").columns == ("items[0].sku",)
    assert parse("transform(xs, x -> x[0])", nested=True) == Expression(
        "transform(`xs`, `x` -> get(`x`, 0))", ("xs",), False, optional=True, reads=(("xs", ("xs",)),)
    )


@pytest.mark.parametrize(
    "path", ["`my-list`[0].`a b`", "`my-list`[0].`c.d`", "`my-list`[0].`it's`", "upper(`my-list`[0].e)"]
)
def test_a_name_in_a_path_may_need_backticks_too(spark, path):
    record = '[{"a b": "X", "c.d": "X", "it\'s": "X", "e": "x"}]'
    found = parse(path, nested=True)
    assert found.columns == ("my-list",)
    ((name, way),) = found.reads
    rows = spark.createDataFrame([(f'{{"my-list": {record}}}',)], "record string")
    flat = rows.select(
        F.from_json(flattened(F.col("record"), {name: way}), f"`{name.replace('`', '``')}` string").alias("r")
    )
    assert flat.select("r.*").select(F.expr(found.sql)).first()[0] == "X"


EMPTY_CELLS = [
    ("coalesce(a, b)", "2"),
    ("coalesce(blank, b)", "2"),
    ("coalesce(b, a)", "2"),
    ("coalesce(lower(a), blank, 'c')", "c"),
    ("coalesce(regexp_extract(word, '[0-9]+', 0), b)", "2"),
    ("nvl(a, b)", "2"),
    ("coalesce(cast(a as int), 0)", 0),
    ("case when a is null then 'none' else a end", "none"),
    ("case when blank is not null then a else b end", "2"),
    ("case when not isnull(a) then a else b end", "2"),
    ("case when a = '' then 'empty' end", "empty"),
    ("coalesce(a, '') || '-' || b", "-2"),
    ("transform(split(list, ','), x -> coalesce(x, 'none'))[0]", ""),
    ("concat('C-', a)", None),
    ("'K' || blank || a", None),
    ("concat_ws('-', a, blank)", None),
    ("concat(a, '/', b)", "/2"),
    ("upper('k' || b) || a", "K2"),
    ("case when a = '' then 'C-' || b else 'D-' || a end", "C-2"),
    ("coalesce('C-' || a, b)", "2"),
    ("concat('C', '-')", "C-"),
]
WHOLE_IDS = [
    ("concat(b, '-', a)", None),
    ("concat(b, '-', coalesce(a, '0'))", "2-0"),
    ("concat(b, '-', case when a = '' then '0' else a end)", "2-0"),
    ("concat(b, '-', word)", "2-x"),
]


def test_an_empty_cell_is_no_value_where_it_is_asked_whether_there_is_one(on_engine):
    row = get_spark().createDataFrame([{"a": "", "blank": " ", "b": "2", "word": "x", "list": ",1"}])
    asked = [parse(text).sql for text, _ in EMPTY_CELLS] + [parse(text, every=True).sql for text, _ in WHOLE_IDS]
    (found,) = row.selectExpr(*asked).collect()
    assert list(found) == [value for _, value in (*EMPTY_CELLS, *WHOLE_IDS)]


def test_an_expression_that_gives_no_value_of_its_own_is_told_from_one_that_skips_empty_cells():
    assert not parse("cast(coalesce(a, b) as double)").optional
    assert parse("coalesce(nullif(a, 'x'), b)").optional
    assert parse("case when a is null then b end").optional


def test_of_rules_over_typed_columns_nothing_is_taken_for_a_text():
    assert parse("born is null", texts=False).sql == "`born` is null"
