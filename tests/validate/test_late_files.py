"""Files that land after those of later days give what they give on their day, where changes have no date.

Takes about 15 seconds: three small companies on the engine.
"""

import datetime as dt
import random
import shutil
from pathlib import Path

import pytest

from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from tests.killed import killed_after

SOURCE = """
source: books
group: crm
datasets:
  DATASET:
    files: "{day}/*"
    columns: COLUMNS
"""
ORDERS = """{order_id: id, updated_at: at, ordered_at: at, status: status, currency: "'EUR'", total: total}"""
LINES = """{order_id: order, line_id: line, product_id: sku, amount: amount, ordered_at: at}
    all_rows_of: order_id"""


@pytest.fixture
def books(spark, settings):
    """`books(dataset, columns, landed, *orders)`: rows and counts, after days landed in each of the orders.

    An order is days that land together, a run, further days, a run, and so on.
    """

    def build(dataset, columns, landed):
        company = settings({"sources/books.yaml": SOURCE.replace("DATASET", dataset).replace("COLUMNS", columns)})

        def run():
            load.run("books", dt.date(2024, 5, max(landed)), company)
            step.run("books", dt.date(2024, 5, max(landed)), company)

        def after(*batches, killed=None):
            for folder in (company.landing, company.lake):
                shutil.rmtree(folder, ignore_errors=True)
            for place, days in enumerate(batches, 1):
                for day in days:
                    path = Path(company.landing) / "books" / f"2024-05-{day:02}" / "a.csv"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(landed[day])
                if killed is not None and place == len(batches):
                    with killed_after(killed, "revise"):
                        run()
                run()
            lake = Lake.of(company)
            files = lake.arrow("ops/files", columns=["file_id", "state"]).to_pylist()
            loaded = {file["file_id"] for file in files if file["state"] == "loaded"}
            counts = {
                row["arrived"].day: (row["accepted"], row["duplicates"])
                for row in lake.arrow("ops/counts").to_pylist()
                if row["file_id"] in loaded
            }
            rows = lake.arrow(f"valid/{dataset}").drop_columns(["file_id"]).to_pylist()
            return sorted(({k: str(v) for k, v in row.items() if v is not None} for row in rows), key=str), counts

        return after

    return build


def orders(*lines):
    """A file of orders as `id date status`."""
    rows = (f"{number},2024-04-{day},{status},10\n" for number, day, status in (line.split() for line in lines))
    return "id,at,status,total\n" + "".join(rows)


def states(rows, number):
    found = [row for row in rows if row["order_id"] == number]
    return [(row["arrived"][-2:], row["status"]) for row in sorted(found, key=lambda row: row["updated_at"])]


def test_a_late_file_is_told_in_the_order_of_its_day(books):
    chance = random.Random(20240502)
    landed = {
        1: ["again 30 open", "first 30 open", "older 29 open"],
        2: ["again 30 completed", "first 30 completed", "older 30 completed"],
        3: ["again 30 open", "first 30 completed", "older 30 returned"],
    }
    for lines in landed.values():
        some = chance.sample(range(60), 40)
        lines += [f"r{number} {chance.choice([29, 30])} {chance.choice(['open', 'completed'])}" for number in some]
    after = books("orders", ORDERS, {day: orders(*lines) for day, lines in landed.items()})
    rows, counts = after((1, 2, 3))
    assert states(rows, "again") == [("01", "open"), ("02", "completed"), ("03", "open")]
    assert states(rows, "first") == [("01", "open"), ("02", "completed")]
    assert states(rows, "older") == [("01", "open"), ("02", "completed"), ("03", "returned")]
    assert len(rows) == sum(accepted for accepted, _ in counts.values())
    for batches in ([(1, 3), (2,)], [(3,), (1, 2)]):
        found, counted = after(*batches)
        assert ([row for row in found if row not in rows], [row for row in rows if row not in found]) == ([], [])
        assert counted == counts


def test_a_run_killed_while_records_are_told_again_gives_the_same_when_it_is_run_once_more(books):
    landed = {1: orders("a 30 open", "b 30 open"), 2: orders("a 30 returned"), 3: orders("a 30 open", "b 30 test")}
    after = books("orders", ORDERS, landed)
    rows, counts = after((1, 3), (2,), killed=1)
    assert states(rows, "a") == [("01", "open"), ("02", "returned"), ("03", "open")]
    assert counts == {1: (2, 0), 2: (1, 0), 3: (2, 0)}


def test_a_file_in_the_same_bytes_as_before_counts_when_another_lands_in_between(books):
    both, one = "o1,1,A,5,2024-04-30\no1,2,B,6,2024-04-30\n", "o1,1,A,5,2024-04-30\n"
    landed = {day: f"order,line,sku,amount,at\n{text}" for day, text in enumerate((both, one, both), 1)}
    after = books("order_lines", LINES, landed)
    rows, counts = after((1, 2, 3))
    days = sorted({row["delivery"] for row in rows})
    assert [[row["line_id"] for row in rows if row["delivery"] == day] for day in days] == [
        ["1", "2"],
        ["1"],
        ["1", "2"],
    ]
    assert after((1, 3), (2,)) == (rows, counts)
