"""What a line that has all rows of something (`each`, `all_rows_of`) does not have any more has ended."""

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from jobs.activity.touchpoints import given_answers
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay
from jobs.validate.versions.counting import newest_known_on
from tests.killed import killed_before_each

FATES = ("arrived", "rows_in", "accepted", "quarantined", "duplicates", "left_out", "items")
ORDERS = """
source: shop
group: crm
datasets:
  order_lines:
    files: "{day}/orders*.FORMAT"
    each: items
    all_rows_of: order_id
    columns: {order_id: _parent.id, line_id: _index, product_id: sku, amount: price, ordered_at: _parent.at}
"""
ANSWERS = """
source: shop
group: survey
datasets:
  survey_responses:
    files: "{day}/answers*.csv"
    each: {columns: "q{n}_{field}"}
    columns:
      response_id: _parent.id
      question_id: "concat('q', _index)"
      kind: "'csat'"
      score: score
      comment: text
      scale_max: "5"
      answered_at: _parent.at
"""


@pytest.fixture
def shop(spark, settings):
    """The company with texts by day of the source `shop`."""

    def build(texts, source):
        company = settings({"sources/shop.yaml": source})
        for folder in (company.landing, company.lake):
            shutil.rmtree(folder, ignore_errors=True)
        name = "answers.csv" if "survey" in source else f"orders.{'jsonl' if 'jsonl' in source else 'csv'}"
        for day, text in texts.items():
            path = Path(company.landing) / "shop" / f"2024-05-{day:02}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return company

    return build


def lived(company, *days):
    for day in days:
        load.run("shop", dt.date(2024, 5, day), company)
        step.run("shop", dt.date(2024, 5, day), company)


def both_ways(company, days, table):
    """The counts, with the table the same whether days are lived one by one (each twice) or all at once."""
    lived(company, *(day for each in sorted(days) for day in (each, each)))
    one_by_one = Lake.of(company).content_hash(table)
    shutil.rmtree(company.lake)
    lived(company, max(days))
    assert Lake.of(company).content_hash(table) == one_by_one
    return counts(company)


def counts(company):
    rows = Lake.of(company).arrow("ops/counts").to_pylist()
    return sorted((row["arrived"].day, *(row[name] for name in FATES[1:])) for row in rows)


def lines_on(company, *days):
    """Order and product of the lines there were on each day."""
    rows = Lake.of(company).read("valid/order_lines")
    found = newest_known_on(rows, [dt.date(2024, 5, day) for day in days], "order_id", "line_id").toArrow().to_pylist()
    return {
        day: sorted(
            (row["order_id"], row["product_id"])
            for row in found
            if row["known_from"] <= dt.date(2024, 5, day) < row["known_until"]
        )
        for day in days
    }


def in_csv(*orders):
    return "id,at,items\n" + "".join(f"{id_},2024-04-30,{items}\n" for id_, items in orders)


A_AND_B = '"[{""sku"": ""a"", ""price"": 1}, {""sku"": ""b"", ""price"": 2}]"'
A = '"[{""sku"": ""a"", ""price"": 1}]"'


EMPTY = {"list": "[]", "nothing": "", "null": '"[null]"'}
"""Ways to say that an order has no lines."""


def test_an_order_edited_to_no_lines_has_none_until_it_has_some_again(shop):
    told = {
        1: lambda empty: {1: A_AND_B, 2: A, 3: empty},
        2: lambda empty: {1: empty, 2: A, 3: empty},
        3: lambda empty: {1: empty, 3: A},
        4: lambda empty: {1: A},
    }
    days = {
        day: in_csv(*((f"{way} {id_}", items) for way, empty in EMPTY.items() for id_, items in of(empty).items()))
        for day, of in told.items()
    }
    company = shop(days, ORDERS.replace("FORMAT", "csv"))
    found = both_ways(company, days, "valid/order_lines")
    left = {
        1: [("1", "a"), ("1", "b"), ("2", "a")],
        2: [("2", "a")],
        3: [("2", "a"), ("3", "a")],
        4: [("1", "a"), ("2", "a"), ("3", "a")],
    }
    assert lines_on(company, 1, 2, 3, 4) == {
        day: sorted((f"{way} {id_}", sku) for way in EMPTY for id_, sku in lines) for day, lines in left.items()
    }
    assert found == [(1, 9, 6, 0, 0, 3, 9), (2, 9, 3, 0, 3, 3, 3), (3, 6, 3, 0, 3, 0, 3), (4, 3, 3, 0, 0, 0, 3)]


def test_a_record_that_lacks_the_list_says_nothing_of_its_lines(shop):
    told = {"empty": {"items": []}, "null": {"items": None}, "lacking": {}}
    first = [{"id": id_, "at": "2024-04-30", "items": [{"sku": "a", "price": 1}]} for id_ in told]
    second = [{"id": id_, "at": "2024-04-30", **items} for id_, items in told.items()]
    days = {day: "".join(f"{json.dumps(one)}\n" for one in some) for day, some in ((1, first), (2, second))}
    company = shop(days, ORDERS.replace("FORMAT", "jsonl") + "    format: {type: jsonl}\n")
    both_ways(company, days, "valid/order_lines")
    assert lines_on(company, 1, 2) == {1: [(id_, "a") for id_ in sorted(told)], 2: [("lacking", "a")]}


def test_an_empty_line_of_another_kind_ends_nothing(shop):
    where = "    where: \"_parent.at is not null and sku <> 'shipping'\"\n"
    days = {1: in_csv(("1", A), ("2", A)), 2: in_csv(("1", "[]")) + "2,,[]\n"}
    company = shop(days, ORDERS.replace("FORMAT", "csv") + where)
    found = both_ways(company, days, "valid/order_lines")
    assert lines_on(company, 2) == {2: [("2", "a")]}
    assert found == [(1, 2, 2, 0, 0, 0, 2), (2, 2, 1, 0, 0, 1, 0)]


def test_a_run_killed_and_run_again_ends_the_same_lines(shop, tmp_path):
    days = {1: in_csv(("1", A_AND_B)), 2: in_csv(("1", "[]"))}
    company = shop(days, ORDERS.replace("FORMAT", "csv"))
    lived(company, 1)
    load.run("shop", dt.date(2024, 5, 2), company)
    with killed_before_each(tmp_path, "append") as left:
        step.run("shop", dt.date(2024, 5, 2), company)
    assert len(left) >= 3
    for folder in left[:3]:
        shutil.rmtree(company.lake)
        folder.rename(company.lake)
        lived(company, 2)
        assert lines_on(company, 2) == {2: []}
        assert counts(company) == [(1, 1, 1, 0, 0, 0, 2), (2, 1, 1, 0, 0, 0, 0)]


def test_a_line_that_waited_is_the_delivery_it_came_as_and_ends_what_it_lacks(shop, settings):
    source = ORDERS.replace("FORMAT", "csv")
    days = {1: in_csv(("1", A_AND_B)), 2: in_csv(("1", '"[{""sku"": ""c"", ""price"": ""x""}]"'))}
    company = shop(days, source)
    lived(company, 1, 2)
    assert lines_on(company, 2) == {2: [("1", "a"), ("1", "b")]}
    mended = settings({"sources/shop.yaml": source.replace("price,", "{from: price, values: {x: 3}},")})
    assert replay.run(Selection("shop"), mended, "ann").outcomes["outcome"].to_pylist() == ["accepted"]
    assert lines_on(mended, 1, 2) == {1: [("1", "a"), ("1", "b")], 2: [("1", "c")]}


def answers_of(company):
    found = given_answers(Lake.of(company).read("valid/survey_responses")).toArrow().to_pylist()
    return sorted((row["response_id"], row["question_id"], row["score"], row["answered_at"].day) for row in found)


HEADER = "id,at,q1_score,q1_text,q3_score,q10_score\n"
SURVEYED = {1: HEADER + "a,2024-04-30 12:00:00,5,fine,,4\nb,2024-04-30 12:00:00,1,,2,3\nc,2024-04-30,,,,\n"}


def test_answers_that_a_corrected_line_lacks_are_none_any_more(shop):
    days = SURVEYED | {3: HEADER + "a,2024-05-02 12:00:00,2,worse,,\n"}
    company = shop(days, ANSWERS)
    found = both_ways(company, days, "valid/survey_responses")
    assert answers_of(company) == [("a", "q1", 2.0, 30), ("b", "q1", 1.0, 30), ("b", "q10", 3.0, 30),
                                   ("b", "q3", 2.0, 30)]  # fmt: skip
    assert found == [(1, 3, 2, 0, 0, 1, 5), (3, 1, 1, 0, 0, 0, 1)]


def test_a_response_of_which_all_answers_are_taken_back_has_none(shop):
    days = SURVEYED | {2: HEADER + "b,2024-04-30 12:00:00,,,,\n", 4: HEADER + "b,2024-04-30 12:00:00,,,2,\n"}
    company = shop({day: days[day] for day in (1, 2)}, ANSWERS)
    both_ways(company, (1, 2), "valid/survey_responses")
    assert {response for response, *_ in answers_of(company)} == {"a"}
    company = shop(days, ANSWERS)
    both_ways(company, days, "valid/survey_responses")
    assert [one[:3] for one in answers_of(company) if one[0] == "b"] == [("b", "q3", 2.0)]


def test_answers_stay_where_the_source_says_that_a_line_is_a_part_of_a_response(shop):
    days = SURVEYED | {2: HEADER + "a,2024-04-30 12:00:00,,,1,\n"}
    company = shop(days, ANSWERS + '    all_rows_of: ""\n')
    both_ways(company, days, "valid/survey_responses")
    assert [one[:3] for one in answers_of(company) if one[0] == "a"] == [
        ("a", "q1", 5),
        ("a", "q10", 4),
        ("a", "q3", 1),
    ]
