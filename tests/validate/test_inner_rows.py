"""Several rows of a dataset inside one row of a file: lists, objects and columns side by side."""

import datetime as dt
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.cli import checks
from jobs.config.sources.source import SourceDataset
from jobs.config.yaml_files import ConfigError
from jobs.ingest import load
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.mapping.inner_rows import ITEM, _of_columns, expanded, of_lines
from jobs.validate.quarantine import Selection, database
from jobs.validate.reconciliation import after_replays
from jobs.validate.replay import replay
from jobs.validate.rules.broken import BROKEN
from jobs.validate.told.lines import Lines, lines_of
from tests.killed import killed_before_each

DAYS = [dt.date(2024, 5, 1), dt.date(2024, 5, 2)]
FATES = ("rows_in", "accepted", "quarantined", "duplicates", "left_out", "items")
SHOP = """
source: shop
group: crm
datasets:
  order_lines:
    files: "{day}/orders*.csv"
    each: items
    columns:
      order_id: _parent.id
      line_id: _index
      product_id: coalesce(sku, _value)
      quantity: qty
      amount: price
      ordered_at: _parent.at
"""
HEADER = "id,at,items\n"
TWO_LINES = (
    '1,2024-04-30,"[{""sku"": ""a"", ""qty"": 2, ""price"": 10.50}, {""sku"": ""b"", ""qty"": 1, ""price"": 3}]"\n'
)
ORDERS = HEADER + TWO_LINES + '2,2024-04-30,[]\n3,2024-04-30,\n4,2024-04-30,two shoes\n5,2024-04-30,"[""c""]"\n'


@pytest.fixture
def shop(spark, settings):
    """The company with files of the source `shop`."""

    def build(files, source=SHOP):
        loaded = settings({"sources/shop.yaml": source})
        for name, text in files.items():
            path = Path(loaded.landing) / "shop" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return loaded

    return build


def validated(company, *days):
    for day in days:
        load.run("shop", day, company)
        done = step.run("shop", day, company)
    return done


def lines(company, *names, dataset="order_lines"):
    rows = Lake.of(company).arrow(f"valid/{dataset}").to_pylist()
    return sorted(tuple(row[name] for name in names) for row in rows)


def counts(company):
    return [tuple(row[name] for name in FATES) for row in Lake.of(company).arrow("ops/counts").to_pylist()]


def refused(company):
    rows = Lake.of(company).arrow("quarantine/rows").sort_by("line").to_pylist()
    return [(row["line"], row["rule"], row["reason"]) for row in rows]


def test_a_list_in_a_cell_becomes_rows_an_empty_one_none_and_a_text_that_is_no_list_waits_with_its_line(shop):
    company = shop({"2024-05-01/orders.csv": ORDERS})
    validated(company, DAYS[0])
    assert lines(company, "order_id", "line_id", "product_id", "quantity", "line") == [
        ("1", "1", "a", 2.0, 2),
        ("1", "2", "b", 1.0, 2),
        ("5", "1", "c", None, 6),
    ]
    assert counts(company) == [(5, 2, 1, 0, 2, 4)]
    ((line, rule, reason),) = refused(company)
    assert (line, rule) == (5, "each:list")
    assert reason.startswith("items holds no list; ")


def test_a_line_whose_list_is_none_waits_whatever_items_the_dataset_takes(shop):
    some = SHOP.replace("    each: items\n", "    each: items\n    where: sku = 'a'\n")
    company = shop({"2024-05-01/orders.csv": ORDERS}, some)
    validated(company, DAYS[0])
    assert lines(company, "order_id", "line_id") == [("1", "1")]
    assert counts(company) == [(5, 1, 1, 0, 3, 2)]
    assert [(line, rule) for line, rule, _ in refused(company)] == [(5, "each:list")]


def test_a_bad_item_waits_with_its_line_the_good_ones_of_the_line_count_and_a_replay_lands_it_once(shop, settings):
    bad = TWO_LINES.replace("10.50", '""ten""')
    company = shop({"2024-05-01/orders.csv": HEADER + bad})
    validated(company, DAYS[0])
    assert lines(company, "line_id") == [("2",)]
    assert counts(company) == [(1, 0, 1, 0, 0, 2)]
    ((line, rule, reason),) = refused(company)
    assert (line, rule) == (2, "amount:type")
    assert reason.startswith("item 1: ")
    assert replay.run(Selection("shop"), company, "ann").outcomes["outcome"].to_pylist() == ["refused"]
    mended = SHOP.replace("amount: price", "amount: {from: price, values: {ten: 10}}")
    company = settings({"sources/shop.yaml": mended})
    assert replay.run(Selection("shop"), company, "ann").outcomes["outcome"].to_pylist() == ["accepted"]
    assert lines(company, "line_id", "amount") == [("1", 10), ("2", 3)]
    with database(Lake.of(company)) as tables:
        found = tables.sql(f"select rows_in, accepted, waiting, open from ({after_replays()})").fetchall()
    assert found == [(1, 1, 0, 0)]


def test_a_line_that_came_before_is_a_duplicate_and_days_one_by_one_are_all_at_once(shop):
    again = HEADER + TWO_LINES + '9,2024-05-01,"[{""sku"": ""d""}]"\n'
    company = shop({"2024-05-01/orders.csv": ORDERS, "2024-05-02/orders.csv": again})
    validated(company, *DAYS)
    one_by_one = Lake.of(company).content_hash("valid/order_lines")
    assert sorted(counts(company)) == [(2, 1, 0, 1, 0, 3), (5, 2, 1, 0, 2, 4)]
    version = Lake.of(company).version("valid/order_lines")
    validated(company, DAYS[1])
    assert Lake.of(company).version("valid/order_lines") == version
    shutil.rmtree(company.lake)
    validated(company, DAYS[1])
    assert Lake.of(company).content_hash("valid/order_lines") == one_by_one


def test_a_run_killed_between_two_tables_and_run_again_counts_every_line_once(shop, tmp_path):
    bad = '6,2024-04-30,"[{""sku"": ""d"", ""price"": ""ten""}, {""sku"": ""e""}]"\n'
    company = shop({"2024-05-01/orders.csv": ORDERS + bad})
    load.run("shop", DAYS[0], company)
    with killed_before_each(tmp_path, "append") as left:
        step.run("shop", DAYS[0], company)
    assert len(left) >= 4
    for folder in left[1:4]:
        shutil.rmtree(company.lake)
        folder.rename(company.lake)
        step.run("shop", DAYS[0], company)
        assert lines(company, "order_id", "line_id") == [("1", "1"), ("1", "2"), ("5", "1"), ("6", "2")]
        assert counts(company) == [(6, 2, 2, 0, 2, 6)]
        assert [line for line, _, _ in refused(company)] == [5, 7]


def test_a_line_with_several_bad_items_waits_once_with_the_reasons_of_all_on_both_engines(on_engine):
    told = [
        ("f", 2, 3, "amount:type", "item 3: no number", ["amount:type"], "amount:type"),
        ("f", 2, 1, "quantity:type", "item 1: no number", ["quantity:type", "amount:type"], "quantity:type"),
        ("f", 2, 2, None, None, None, None),
        ("f", 4, 1, None, None, None, None),
    ]
    schema = (
        f"file_id string, line bigint, {ITEM} bigint, rule string, reason string, rules array<string>, {BROKEN} string"
    )
    flagged = get_spark().createDataFrame(told, schema)
    (waits,) = of_lines(flagged.where("rule is not null")).collect()
    assert (waits["line"], waits["rule"], waits["reason"]) == (
        2,
        "quantity:type",
        "item 1: no number; item 3: no number",
    )
    assert waits["rules"] == ["amount:type", "quantity:type"]
    assert lines_of(flagged) == {"f": Lines(2, 1)}


def test_a_list_inside_a_record_goes_by_columns_of_other_files_also_when_these_come_later(shop):
    source = (
        SHOP.replace("orders*.csv", "orders*.jsonl")
        .replace(
            "    each: items\n",
            "    each: cart.items\n    format: {type: jsonl}\n    where: coalesce(gift, 'false') = 'false'\n"
            '    lookups: {product: {files: "{day}/products*.csv", on: {sku: sku}}}\n',
        )
        .replace("amount: price", "amount: coalesce(price, product.price)")
    )
    record = {"id": 1, "at": "2024-04-30", "cart": {"items": [{"sku": "a"}, {"sku": "b", "price": 5}, {"gift": True}]}}
    twice = {"id": 2, "at": "2024-04-30", "cart": {"items": json.dumps([{"sku": "a", "qty": 3}])}}
    none = {"id": 3, "cart": None}
    files = {
        "2024-05-01/orders.jsonl": "\n".join(map(json.dumps, (record, twice, none))),
        "2024-05-02/products.csv": "sku,price\na,7.00\n",
    }
    company = shop(files, source)
    validated(company, DAYS[0])
    assert lines(company, "order_id", "product_id", "amount") == [("1", "a", None), ("1", "b", 5), ("2", "a", None)]
    validated(company, DAYS[1])
    assert lines(company, "order_id", "product_id", "amount") == [("1", "a", 7), ("1", "b", 5), ("2", "a", 7)]
    assert (3, 2, 0, 0, 1, 3) in counts(company)
    one_by_one = Lake.of(company).content_hash("valid/order_lines")
    shutil.rmtree(company.lake)
    validated(company, DAYS[1])
    assert Lake.of(company).content_hash("valid/order_lines") == one_by_one


ANSWERS = """
source: shop
group: survey
datasets:
  survey_responses:
    files: "{day}/answers*.csv"
    each: {columns: "q{n}"}
    columns:
      response_id: _parent.id
      question_id: _key
      survey_id: "'yearly'"
      kind: "'csat'"
      score: _value
      scale_max: "5"
      answered_at: _parent.at
"""


def test_columns_side_by_side_become_rows_and_empty_ones_none(shop):
    company = shop({"2024-05-01/answers.csv": "id,at,q1,q2,q10\na,2024-04-30,4,,5\nb,2024-04-30,,,\n"}, ANSWERS)
    validated(company, DAYS[0])
    found = lines(company, "response_id", "question_id", "score", dataset="survey_responses")
    assert found == [("a", "q1", 4.0), ("a", "q10", 5.0)]
    assert counts(company) == [(2, 1, 0, 0, 1, 2)]


def items(spark, record, **each):
    """The rows inside one record, without those around them."""
    columns = {"order_id": "_parent.id", "line_id": "_index", "product_id": "sku"}
    told = {"files": "x", "format": {"type": "jsonl"}, "each": each, "columns": columns}
    raw = spark.createDataFrame(pa.table({"record": [json.dumps(record)], "arrived": [DAYS[0]], "line": [1]}))
    found = expanded(raw, SourceDataset.model_validate(told)).collect()
    rows = [(row["item_"], json.loads(row["record"])) for row in sorted(found, key=lambda row: row["item_"])]
    assert all(row.pop("_parent") == {"id": 7} for _, row in rows)
    return rows


@pytest.mark.parametrize(
    ("record", "each", "rows"),
    [
        ({"tags": "red; blue"}, {"items": "tags", "separator": ";"}, [{"_value": "red"}, {"_value": "blue"}]),
        ({"answers": {"q1": 4, "q2": None}}, {"fields": "answers"}, [{"_value": 4, "_key": "q1"}]),
        (
            {"item_1_sku": "a", "item_1_qty": 2, "item_12_sku": "b", "item_2_sku": ""},
            {"columns": "item_{n}_{field}"},
            [{"sku": "a", "qty": 2}, {"sku": "b", "_index": 12}],
        ),
        (
            {"score_price": 3, "score_staff": 5},
            {"columns": "score_{name}"},
            [
                {"_value": 3, "_key": "score_price", "_name": "price"},
                {"_value": 5, "_key": "score_staff", "_name": "staff"},
            ],
        ),
    ],
)  # fmt: skip
def test_rows_are_items_of_a_text_fields_of_an_object_and_groups_of_columns(spark, record, each, rows):
    found = items(spark, {"id": 7, **record}, **each)
    assert found == [(place, {"_index": place} | row) for place, row in enumerate(rows, 1)]


def test_the_place_of_a_column_is_its_own_whichever_others_are_filled(spark):
    found = items(spark, {"id": 7, "score_price": None, "score_staff": 5}, columns="score_{name}")
    assert found == [(2, {"_value": 5, "_key": "score_staff", "_name": "staff", "_index": 2})]
    found = items(spark, {"id": 7, "item_1_sku": "", "item_2_sku": "b"}, columns="item_{n}_{field}")
    assert found == [(2, {"sku": "b", "_index": 2})]


@pytest.mark.parametrize(
    ("orders", "rows"),
    [
        ([{"items": [None, "b"]}, {"items": ["c"]}], [(2, {"_value": "b", "_index": 2})]),
        ([{"items": None}], []),
        ([], []),
        (None, []),
        ({"items": ["a"]}, [(0, {})]),
        (["a"], [(0, {})]),
    ],
)  # fmt: skip
def test_a_list_is_found_by_its_way_through_lists_and_a_way_through_something_else_is_told(spark, orders, rows):
    assert items(spark, {"id": 7, "orders": orders}, items="orders[0].items") == rows


def test_a_column_with_a_dot_in_its_name_holds_a_list_and_a_file_without_it_is_set_aside(shop):
    dotted = SHOP.replace("each: items", "each: cart.items")
    files = {"2024-05-01/orders.csv": ORDERS.replace("items", "cart.items")}
    company = shop(files | {"2024-05-02/orders.csv": ORDERS.replace("items", "cart")}, dotted)
    validated(company, DAYS[0])
    assert lines(company, "order_id", "product_id") == [("1", "a"), ("1", "b"), ("5", "c")]
    validated(company, DAYS[1])
    assert any("column 'cart.items' is missing" in reason for _, _, reason in refused(company))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=4), inside, max_size=3),
    max_leaves=6,
)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=VALUES)
def test_every_item_that_is_something_is_one_row_as_it_was_written_and_what_is_no_list_is_one_that_is_told(spark, held):
    found = items(spark, {"id": 7, "held": held}, items="held")
    listed = held if isinstance(held, list) else None
    if isinstance(held, str) and held.strip():
        try:
            listed = json.loads(held) if held.strip()[:1] == "[" else None
        except ValueError:
            listed = None
    if held is None or (isinstance(held, str) and not held.strip()):
        assert found == []
    elif not isinstance(listed, list):
        assert found == [(0, {})]
    else:
        something = [
            (n, one)
            for n, one in enumerate(listed, 1)
            if one is not None and not (isinstance(one, str) and not one.strip())
        ]
        expected = [(n, (one if isinstance(one, dict) else {"_value": one}) | {"_index": n}) for n, one in something]
        assert found == [(n, {name: value for name, value in row.items() if name != "_parent"}) for n, row in expected]


@pytest.mark.parametrize(
    ("each", "message"),
    [
        ("{items: a, fields: b}", "give one of `items`, `fields` and `columns`"),
        ("{fields: a, separator: ;}", "`separator` divides the text in `items`"),
        ("{columns: 'q{m}'}", "write each of {n} (a number), {name} and {field} once at most"),
        ("{columns: '{field}'}", "write {n} or {name} where their names differ"),
    ],
)
def test_what_is_inside_a_row_is_said_in_one_way(settings, each, message):
    with pytest.raises(ConfigError) as refused:
        settings({"sources/shop.yaml": SHOP.replace("each: items", f"each: {each}")})
    assert message in str(refused.value)
    assert "shop.yaml:7" in str(refused.value)


def test_a_column_of_items_that_is_no_name_is_told_with_its_line(settings):
    loaded = settings({"sources/shop.yaml": SHOP.replace("each: items", "each: order items")})
    (told,) = [problem for problem in checks.problems(loaded) if "each" in problem]
    assert "shop.yaml:7: datasets.order_lines.each.items: 'order items' is no column" in told


def test_a_run_refuses_what_check_refuses(shop):
    loaded = shop({"2024-05-01/orders.csv": "id,items\n1,a;b\n"}, SHOP.replace("each: items", "each: split(items)"))
    with pytest.raises(ConfigError, match="is no column"):
        load.run("shop", DAYS[0], loaded)


def test_a_column_whose_name_never_ends_is_none_of_those_side_by_side():
    rows = _of_columns(r"(?P<name>.+)_(?P<field>.+?)_(?P<n>\d+)", ["id"], [], False)()
    record = {"id": 7, "a_b_1": "x", "_" * 200_000: "y"}
    (told,) = rows(json.dumps(record), "2024-05-01")
    assert "x" in told
