"""A change that a source writes without a date of change is a version as of the day it arrived."""

import datetime as dt
import random
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jobs.config.yaml_files import ConfigError
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay
from jobs.validate.versions.counting import newest_known_on
from tests.company import loaded
from tests.killed import killed_before_each

pytestmark = pytest.mark.slow

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SOURCE = """
source: books
group: crm
datasets:
  DATASET:
    files: "{day}/*.csv"
    columns: COLUMNS
"""
EVENTS = "{event_id: id, occurred_at: at, type: type, product_id: sku, cookie_id: visitor}"
ORDERS = """{order_id: id, updated_at: at, ordered_at: at, status: status, currency: "'EUR'", total: total}"""
LINES = "{order_id: order, line_id: line, product_id: sku, amount: amount, ordered_at: at}"
ANSWERS = """
      {response_id: id, question_id: "'nps'", kind: "'nps'", score: score, scale_max: "10", answered_at: at,
       email: mail}
"""
PRODUCTS = "{product_id: sku, name: name, price: price}"
CONSENTS = """
      {consent_id: id, purpose: "'marketing'", channel: "'email'", status: status, changed_at: at, proof: form,
       email: mail}
"""


@pytest.fixture
def books(spark, settings):
    """The company with one dataset; `landed` are texts by (day, name of the file)."""

    def build(dataset, columns, landed):
        company = settings({"sources/books.yaml": SOURCE.replace("DATASET", dataset).replace("COLUMNS", columns)})
        for folder in (company.landing, company.lake):
            shutil.rmtree(folder, ignore_errors=True)
        lands(company, landed)
        return company

    def again(columns):
        """The company, with other columns, as its lake stands."""
        source = SOURCE.replace("DATASET", "order_lines").replace("COLUMNS", f"{columns}\n    all_rows_of: order_id")
        return settings({"sources/books.yaml": source})

    build.again = again
    return build


def lands(company, landed):
    for (day, name), text in landed.items():
        path = Path(company.landing) / "books" / f"2024-05-{day:02}" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def lived(company, *days):
    for day in days:
        load.run("books", dt.date(2024, 5, day), company)
        step.run("books", dt.date(2024, 5, day), company)


def versions(company, table, *columns):
    """Rows of a table as texts, moments in Amsterdam."""
    rows = Lake.of(company).arrow(table).to_pylist()
    return sorted(tuple(_text(row[name]) for name in columns) for row in rows)


def _text(value):
    return value.astimezone(AMSTERDAM).strftime("%m-%d %H:%M:%S") if isinstance(value, dt.datetime) else str(value)


def both_ways(build, dataset, columns, landed, *shown):
    """The rows of a table, the same whether days are lived one by one (each twice) or all at once."""
    return same_both_ways(build(dataset, columns, landed), f"valid/{dataset}", landed, *shown)


def same_both_ways(company, table, landed, *shown):
    days = sorted({day for day, _ in landed})
    lived(company, *(day for each in days for day in (each, each)))
    one_by_one = versions(company, table, *shown)
    shutil.rmtree(company.lake)
    lived(company, days[-1])
    assert versions(company, table, *shown) == one_by_one
    return one_by_one


def file_of(*rows):
    return "id,at,status,total\n" + "".join(f"{row}\n" for row in rows)


OPENED, PAID = (file_of(f"back,2024-04-30,{status},10") for status in ("open", "completed"))
OF_ORDERS = {
    (1, "invoice"): file_of("1,2024-04-30,open,10", "2,2024-04-30,open,20"),
    (2, "invoice"): file_of("1,2024-04-30,open,10", "2,2024-04-30,completed,20"),
    (3, "invoice"): file_of("1,2024-04-30,open,10", "2,2024-04-30,completed,20", "3,2024-05-02,open,5"),
    (4, "invoice"): file_of("2,2024-04-30,open,20"),
    **{(day, "back"): text for day, text in enumerate((OPENED, PAID, OPENED, OPENED, PAID), 1)},
    (1, "old"): file_of("old,2024-04-30,open,10"),
    (2, "old"): file_of("old,2024-05-01,completed,10"),
    (3, "old"): file_of("old,2024-04-30,open,10"),
    (4, "old"): file_of("old,2024-04-30,returned,10"),
    (1, "name_09"): file_of("name,2024-04-30,open,10"),
    (1, "name_11"): file_of("name,2024-04-30,returned,10"),
    (1, "name_10"): file_of("name,2024-04-30,completed,10"),
}
"""Files of orders by day and name, each story with files and ids of its own; with them come those of `anything`."""


def anything():
    """Files of 200 orders that change, stay, come again, or do not come, over six days; and what was said of each."""
    chance = random.Random(20240501)
    said: dict[str, list[str]] = {}
    landed = {}
    for day in range(1, 7):
        rows = []
        for record in chance.sample(range(200), 120):
            order, value = f"any{record}", chance.choice(["open", "completed", "returned"])
            rows.append(f"{order},2024-04-30,{value},10")
            if not said.setdefault(order, []) or said[order][-1] != value:
                said[order].append(value)
        landed[day, "any"] = file_of(*rows)
    return landed, said


@pytest.fixture(scope="module")
def told_of_orders(tmp_path_factory):
    """(moment, status, undated) of the versions of each order, the same both ways."""
    source = SOURCE.replace("DATASET", "orders").replace("COLUMNS", ORDERS)
    with loaded(tmp_path_factory.mktemp("orders") / "config", {"sources/books.yaml": source}) as company:
        landed = OF_ORDERS | anything()[0]
        lands(company, landed)
        found = {}
        shown = ("order_id", "updated_at", "status", "undated")
        for order, *version in same_both_ways(company, "valid/orders", landed, *shown):
            found.setdefault(order, []).append(tuple(version))
        return found


def test_an_invoice_that_is_paid_and_reopened_under_its_old_date_has_three_versions(told_of_orders):
    assert {order: told_of_orders[order] for order in ("1", "2", "3")} == {
        "1": [("04-30 00:00:00", "open", "None")],
        "2": [
            ("04-30 00:00:00", "open", "None"),
            ("05-02 00:00:00", "completed", "True"),
            ("05-04 00:00:00", "open", "True"),
        ],
        "3": [("05-02 00:00:00", "open", "None")],
    }


def test_a_state_that_comes_back_in_the_same_bytes_is_a_version(told_of_orders):
    assert [(at, status) for at, status, _ in told_of_orders["back"]] == [
        ("04-30 00:00:00", "open"),
        ("05-02 00:00:00", "completed"),
        ("05-03 00:00:00", "open"),
        ("05-05 00:00:00", "completed"),
    ]


def test_an_old_version_that_comes_again_is_no_change_not_even_with_other_values(told_of_orders):
    assert [(at, status) for at, status, _ in told_of_orders["old"]] == [
        ("04-30 00:00:00", "open"),
        ("05-01 00:00:00", "completed"),
    ]


def test_files_of_one_day_count_in_the_order_of_their_names(told_of_orders):
    assert [(at, status) for at, status, _ in told_of_orders["name"]] == [
        ("04-30 00:00:00", "open"),
        ("05-01 00:00:01", "completed"),
        ("05-01 00:00:02", "returned"),
    ]


def test_whatever_comes_in_whatever_order_the_last_that_was_said_counts(told_of_orders):
    found = {order: [one[1] for one in rows] for order, rows in told_of_orders.items() if order.startswith("any")}
    assert found == anything()[1]


def test_rows_of_one_file_that_contradict_each_other_are_told_and_the_first_stays(books, caplog):
    landed = {
        (1, "a"): "id,at,status,total\n1,2024-04-30,open,10\n1,2024-04-30,completed,10\n",
        (2, "a"): "id,at,status,total\n1,2024-04-30,returned,10\n1,2024-04-30,returned,10\n",
    }
    assert both_ways(books, "orders", ORDERS, landed, "updated_at", "status") == [
        ("04-30 00:00:00", "open"),
        ("05-02 00:00:00", "returned"),
    ]
    assert "1 of 2 rows have the key of another row" in caplog.text


def test_an_answer_is_corrected_also_where_its_export_has_no_date_of_change(books):
    landed = {
        (1, "a"): "id,at,score,mail\nr1,2024-04-30 10:00:00,2,a@b.example\nr2,2024-04-30 10:00:00,5,c@b.example\n",
        (2, "a"): "id,at,score,mail\nr1,2024-05-01 20:00:00,9,a@b.example\nr2,2024-04-30 10:00:00,5,c@b.example\n",
    }
    shown = ("response_id", "updated_at", "answered_at", "score")
    assert both_ways(books, "survey_responses", ANSWERS, landed, *shown) == [
        ("r1", "04-30 10:00:00", "04-30 10:00:00", "2.0"),
        ("r1", "05-02 00:00:00", "05-01 20:00:00", "9.0"),
        ("r2", "04-30 10:00:00", "04-30 10:00:00", "5.0"),
    ]


def test_a_line_of_an_order_is_edited(books):
    landed = {
        (1, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\no2,1,A,5,2024-04-30\n",
        (2, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,7,2024-04-30\n",
    }
    assert both_ways(books, "order_lines", LINES, landed, "order_id", "line_id", "updated_at", "amount") == [
        ("o1", "1", "04-30 00:00:00", "5.00"),
        ("o1", "2", "04-30 00:00:00", "6.00"),
        ("o1", "2", "05-02 00:00:00", "7.00"),
        ("o2", "1", "04-30 00:00:00", "5.00"),
    ]


def test_a_line_that_the_newest_delivery_of_its_order_lacks_has_ended(books):
    landed = {
        (1, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\no2,1,A,5,2024-04-30\n",
        (2, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\no2,1,A,5,2024-04-30\n\n",
        (3, "a"): "order,line,sku,amount,at\no1,2,B,6,2024-04-30\n",
        (4, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no2,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\n",
    }
    columns = f"{LINES}\n    all_rows_of: order_id"
    assert both_ways(books, "order_lines", columns, landed, "order_id", "line_id", "delivery", "amount") == [
        ("o1", "1", "05-01 00:00:00", "5.00"),
        ("o1", "1", "05-04 00:00:00", "5.00"),
        ("o1", "2", "05-01 00:00:00", "6.00"),
        ("o1", "2", "05-03 00:00:00", "6.00"),
        ("o1", "2", "05-04 00:00:00", "6.00"),
        ("o2", "1", "05-01 00:00:00", "5.00"),
    ]
    company = books("order_lines", columns, landed)
    lived(company, 4)
    lines = Lake.of(company).read("valid/order_lines")

    def standing(*days):
        found = newest_known_on(lines, [dt.date(2024, 5, day) for day in days], "order_id", "line_id").toArrow()
        return sorted((row["known_from"].day, row["order_id"], row["line_id"]) for row in found.to_pylist())

    assert standing(3) == [(3, "o1", "2"), (3, "o2", "1")]
    assert standing(1, 3, 4) == [
        (1, "o1", "1"),
        (1, "o1", "2"),
        (1, "o2", "1"),
        (3, "o1", "2"),
        (4, "o1", "1"),
        (4, "o1", "2"),
    ]


def test_lines_with_a_date_of_their_own_are_of_the_delivery_of_that_date(books):
    landed = {
        (1, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\n",
        (2, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-05-01\n",
        (3, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\n\n",
    }
    columns = LINES.replace("at: at", "at: at, updated_at: at") + "\n    all_rows_of: order_id"
    assert both_ways(books, "order_lines", columns, landed, "line_id", "delivery") == [
        ("1", "04-30 00:00:00"),
        ("1", "05-01 00:00:00"),
        ("2", "04-30 00:00:00"),
    ]


def test_a_line_out_of_quarantine_joins_the_delivery_it_came_with(books):
    landed = {
        (1, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\no1,3,C,x,2024-04-30\n",
        (2, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\n",
    }
    company = books("order_lines", f"{LINES}\n    all_rows_of: order_id", landed)
    lived(company, 1)
    mended = books.again(LINES.replace("amount: amount", "amount: {from: amount, values: {x: 7}}"))
    replay.run(Selection("books"), mended, "ann")
    assert versions(mended, "valid/order_lines", "line_id", "delivery", "amount")[-1] == ("3", "05-01 00:00:00", "7.00")
    lived(mended, 2)
    lines = newest_known_on(Lake.of(mended).read("valid/order_lines"), [dt.date(2024, 5, 2)], "order_id", "line_id")
    assert lines.toArrow()["line_id"].to_pylist() == ["1"]


def test_that_a_delivery_is_whole_may_be_said_when_lines_are_there_already(books):
    landed = {
        (1, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\no2,1,A,5,2024-04-30\n",
        (2, "a"): "order,line,sku,amount,at\no1,1,A,7,2024-04-30\n",
    }
    company = books("order_lines", LINES, landed)
    lived(company, 1)
    later = books.again(LINES)
    lived(later, 2)
    rows = Lake.of(later).read("valid/order_lines")
    found = newest_known_on(rows, [dt.date(2024, 5, 2)], "order_id", "line_id").toArrow().to_pylist()
    standing = sorted((row["order_id"], row["line_id"], str(row["amount"])) for row in found)
    assert standing == [("o1", "1", "7.00"), ("o2", "1", "5.00")]


@pytest.mark.parametrize(
    ("dataset", "whole", "advice"),
    [
        ("order_lines", "line_id", "write order_id"),
        ("survey_responses", "question_id", "write response_id"),
        ("products", "product_id", "only order_lines and survey_responses can have it"),
    ],
)
def test_all_rows_of_is_what_lines_are_part_of(settings, dataset, whole, advice):
    columns = {"order_lines": LINES, "survey_responses": ANSWERS, "products": PRODUCTS}[dataset]
    source = SOURCE.replace("DATASET", dataset).replace("COLUMNS", f"{columns}\n    all_rows_of: {whole}")
    with pytest.raises(ConfigError, match=advice):
        settings({"sources/books.yaml": source})


def test_a_list_of_products_without_any_date_has_a_version_for_each_change(books):
    landed = {
        (1, "a"): "sku,name,price\nA,Bike,100\nB,Bell,5\n",
        (2, "a"): "sku,name,price\nA,Bike,100\nB,Bell,6\n",
        (3, "a"): "sku,name,price\nB,Bell,5\nA,Bike,100\n",
    }
    assert both_ways(books, "products", PRODUCTS, landed, "product_id", "updated_at", "price") == [
        ("A", "05-01 00:00:00", "100.00"),
        ("B", "05-01 00:00:00", "5.00"),
        ("B", "05-02 00:00:00", "6.00"),
        ("B", "05-03 00:00:00", "5.00"),
    ]


def test_a_no_without_a_date_counts_from_its_arrival_and_a_yes_after_it_does_not(books, caplog):
    landed = {
        (1, "a"): "id,at,status,form,mail\n1,2024-04-30,granted,f1,a@b.example\n2,2024-04-30,granted,f1,c@b.example\n",
        (
            2,
            "a",
        ): "id,at,status,form,mail\n1,2024-04-30,withdrawn,f1,a@b.example\n2,2024-04-30,granted,f2,c@b.example\n",
        (3, "a"): "id,at,status,form,mail\n1,2024-04-30,granted,f1,a@b.example\n",
        (4, "a"): "id,at,status,form,mail\n1,2024-04-30,withdrawn,f1,a@b.example\n",
        (5, "a"): "id,at,status,form,mail\n1,2024-05-04,granted,f1,a@b.example\n",
    }
    assert both_ways(books, "consents", CONSENTS, landed, "consent_id", "changed_at", "status", "proof") == [
        ("1", "04-30 00:00:00", "granted", "f1"),
        ("1", "05-02 00:00:00", "withdrawn", "f1"),
        ("1", "05-04 00:00:00", "granted", "f1"),
        ("2", "04-30 00:00:00", "granted", "f1"),
        ("2", "04-30 00:00:01", "granted", "f2"),
    ]
    assert "the row that came first stays" in caplog.text


@pytest.mark.parametrize("whole", ["", "\n    all_rows_of: order_id"])
def test_a_run_killed_after_any_commit_and_run_again_gives_the_same_versions(books, whole, tmp_path):
    landed = {
        (1, "a"): "order,line,sku,amount,at\no1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\n",
        (2, "a"): "order,line,sku,amount,at\no1,1,A,7,2024-04-30\no1,2,B,6,2024-04-30\no2,1,A,1,2024-05-01\n",
    }
    shown = ("order_id", "line_id", "updated_at", "amount")
    company = books("order_lines", LINES + whole, landed)
    lived(company, 1)
    load.run("books", dt.date(2024, 5, 2), company)
    with killed_before_each(tmp_path, "append") as left:
        step.run("books", dt.date(2024, 5, 2), company)
    assert len(left) >= 3
    found = []
    for folder in left[:3]:
        shutil.rmtree(company.lake)
        folder.rename(company.lake)
        lived(company, 2)
        found.append(versions(company, "valid/order_lines", *shown))
    assert len(found[0]) == (5 if whole else 4)
    assert found == [both_ways(books, "order_lines", LINES + whole, landed, *shown)] * 3


def test_of_two_events_with_one_id_the_first_stays_and_both_are_told(books, caplog):
    landed = {
        (1, "a"): "id,at,type,sku,visitor\n1,2024-04-30,page_view,,c1\n2,2024-04-30,page_view,,c1\n",
        (2, "b"): "id,at,type,sku,visitor\n2,2024-04-30,page_view,,c1\n1,2024-05-01,product_view,A,c2\n",
    }
    assert both_ways(books, "events", EVENTS, landed, "event_id", "type") == [("1", "page_view"), ("2", "page_view")]
    assert (
        "1 of 2 rows have the key of another row (event_id) and other values (occurred_at, type, product_id and 1 more "
        "columns), such as line 3 of books/2024-05-02/b.csv beside line 2 of books/2024-05-01/a.csv; the row that came "
        "first stays, both are in raw/books_events"
    ) in caplog.text


def test_what_is_told_instead_where_yaml_says_so(books, caplog):
    landed = {
        (1, "a"): "id,at,status,total\n1,2024-04-30,open,10\n",
        (2, "a"): "id,at,status,total\n1,2024-04-30,completed,10\n",
    }
    columns = f"{ORDERS}\n    changes_without_date: ignore"
    assert both_ways(books, "orders", columns, landed, "updated_at", "status") == [("04-30 00:00:00", "open")]
    assert "1 of 1 rows have the key of another row" in caplog.text


def test_a_dataset_whose_rows_have_no_versions_says_so(settings):
    source = SOURCE.replace("DATASET", "events").replace("COLUMNS", "{event_id: id, occurred_at: at, type: type}")
    with pytest.raises(ConfigError, match="`changes_without_date` is for records that come in versions"):
        settings({"sources/books.yaml": f"{source}    changes_without_date: arrival\n"})


def test_without_changes_as_of_their_arrival_a_date_of_change_has_to_be_mapped(settings):
    source = SOURCE.replace("DATASET", "products").replace("COLUMNS", PRODUCTS)
    settings({"sources/books.yaml": source})
    with pytest.raises(ConfigError, match="key column 'updated_at' is missing"):
        settings({"sources/books.yaml": f"{source}    changes_without_date: ignore\n"})
