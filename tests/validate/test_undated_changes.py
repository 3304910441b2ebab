"""An invoice that comes again under its old date, paid, is a version as of the day it arrived, where YAML says so."""

import datetime as dt
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jobs.config.yaml_files import ConfigError
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step

SOURCE = """
source: books
group: crm
datasets:
  orders:
    files: "{day}/invoices*.csv"
    changes_without_date: arrival
    columns: {order_id: number, updated_at: date, ordered_at: date, status: status, currency: "'EUR'", total: total}
"""
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HEADER = "number,date,status,total\n"
DELIVERIES = {
    1: "1,2024-04-30,open,10.00\n2,2024-04-30,open,20.00\n",
    2: "1,2024-04-30,open,10.00\n2,2024-04-30,completed,20.00\n",
    3: "1,2024-04-30,open,10.00\n2,2024-04-30,open,20.00\n3,2024-05-02,open,5.00\n",
}
VERSIONS = [
    ("1", "2024-04-30", "open"),
    ("2", "2024-04-30", "open"),
    ("2", "2024-05-02", "completed"),
    ("2", "2024-05-03", "open"),
    ("3", "2024-05-02", "open"),
]


@pytest.fixture
def books(spark, settings):
    company = settings({"sources/books.yaml": SOURCE})
    for day, rows in DELIVERIES.items():
        path = Path(company.landing) / "books" / f"2024-05-0{day}" / "invoices.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + rows)
    return company


def versions(company, *days):
    for day in days:
        load.run("books", dt.date(2024, 5, day), company)
        step.run("books", dt.date(2024, 5, day), company)
    rows = Lake.of(company).arrow("valid/orders").sort_by([("order_id", "ascending"), ("updated_at", "ascending")])
    return [
        (row["order_id"], str(row["updated_at"].astimezone(AMSTERDAM).date()), row["status"])
        for row in rows.to_pylist()
    ]


def test_a_change_without_a_date_is_a_version_of_its_arrival_day_by_day_and_all_at_once(books):
    assert versions(books, 1, 2, 3, 3) == VERSIONS
    shutil.rmtree(books.lake)
    assert versions(books, 3) == VERSIONS


def test_a_dataset_whose_rows_have_no_versions_says_so(settings):
    source = SOURCE.replace("orders:", "events:").split("    columns")[0] + "    columns: {event_id: number}\n"
    with pytest.raises(ConfigError, match="`updated_at`"):
        settings({"sources/books.yaml": source})
