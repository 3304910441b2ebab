"""What people ask of `newest` is what steps count. Takes about 5 seconds, with the engine."""

import datetime as dt
import random

import duckdb
import pyarrow as pa

from jobs.lake import newest
from jobs.lake.lake import Lake, Txn
from jobs.lake.queries import connect, with_dots
from jobs.lake.tables import catalogue
from jobs.validate.versions.counting import newest_known_on

LINES = catalogue.get("valid/order_lines")
MAY = [dt.datetime(2024, 5, day, tzinfo=dt.UTC) for day in range(1, 5)]


def line(order, number, written, amount=1, delivery=None, deleted=None, arrived=None, at=0):
    row = {"source": "shop", "order_id": order, "line_id": number, "updated_at": MAY[written], "amount": amount}
    row |= {"delivery": None if delivery is None else MAY[delivery], "deleted": deleted, "file_id": "f", "line": at}
    return row | {"arrived": MAY[written if arrived is None else arrived].date()}


def table(rows):
    return pa.Table.from_pylist(rows, schema=LINES.arrow_schema())


EDITED = [line("1", "1", 0, 30), line("1", "2", 0, 30), line("1", "1", 1, 10), line("2", "1", 1, -12)]


def counted(rows):
    with duckdb.connect() as asked:
        asked.execute("set timezone = 'UTC'; create schema valid; create schema newest")
        asked.register("rows", table(rows))
        asked.execute("create view valid.order_lines as select * from rows")
        asked.execute(newest.view(LINES))
        found = asked.sql("select order_id, line_id, updated_at from newest.order_lines").fetchall()
        return sorted((order, number, at.astimezone(dt.UTC)) for order, number, at in found)


def test_of_an_edited_line_the_newest_version_counts():
    assert [row[:2] for row in counted(EDITED)] == [("1", "1"), ("1", "2"), ("2", "1")]


def test_a_line_that_the_newest_delivery_lacks_and_one_that_is_deleted_count_no_more():
    whole = [line("1", "1", 0, delivery=0), line("1", "2", 0, delivery=0), line("1", "1", 1, delivery=1)]
    gone = [line("2", "1", 0), line("2", "1", 2, deleted=True)]
    assert counted(whole + gone) == [("1", "1", MAY[1])]


def test_a_query_over_versions_says_how_many_count(settings):
    company = settings()
    Lake.of(company).append("valid/order_lines", table(EDITED), Txn("test", 1))
    database = connect(company)
    assert database.sql("select count(*) from newest.order_lines").fetchall() == [(3,)]
    assert with_dots("from newest/order_lines", company) == "from newest.order_lines"
    assert newest.earlier_versions("select * from valid.order_lines", database, {"valid/order_lines": 4}) == [
        "valid.order_lines keeps every version: 4 rows, of which 3 count now; newest.order_lines has only those."
    ]
    assert newest.earlier_versions("select * from newest.order_lines", database, {"valid/order_lines": 4}) == []
    only = connect(company, only=["newest.order_lines"])
    assert only.sql("select sum(amount) from newest.order_lines").fetchall()[0][0] == 28


def test_people_and_steps_count_the_same(spark):
    """Rows of forty orders, some delivered as a whole, some deleted, arriving in another order than written."""
    chance = random.Random(7)
    rows = []
    for at in range(400):
        order = str(chance.randrange(40))
        delivered = chance.randrange(4) if int(order) % 2 else None
        written = chance.randrange(4) if delivered is None else delivered
        deleted = True if chance.random() < 0.1 else None
        arrived = chance.randrange(written, 4)
        rows.append(line(order, str(chance.randrange(3)), written, at, delivered, deleted, arrived, at))
    every = spark.createDataFrame(table(rows))
    steps = newest_known_on(every, [MAY[3].date()], "order_id", "line_id").select("order_id", "line_id", "updated_at")
    found = [(row["order_id"], row["line_id"], row["updated_at"]) for row in steps.toArrow().to_pylist()]
    assert len(found) > 60
    assert counted(rows) == sorted((order, number, at.astimezone(dt.UTC)) for order, number, at in found)
