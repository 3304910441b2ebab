"""A day of which most rows are set aside is stopped, fewer but more than usual are told."""

import datetime as dt
import re
import shutil
from pathlib import Path

import pytest

from jobs.errors import DataStopped
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay
from jobs.validate.replay.rows import Decision

SOURCE = """
source: shop
group: crm
datasets:
  contacts:
    files: "{day}/*.csv"
    columns: {contact_id: id, email: mail}
"""
MAY = dt.date(2024, 5, 1)


@pytest.fixture
def shop(spark, settings):
    """The company whose shop delivers, a day from 1 May on, so many contacts of which so many have a hashed address."""

    def build(*days, source=SOURCE):
        company = settings({"sources/shop.yaml": source})
        for folder in (company.landing, company.lake):
            shutil.rmtree(folder, ignore_errors=True)
        for place, (rows, bad) in enumerate(days):
            path = Path(company.landing) / "shop" / str(MAY + dt.timedelta(place)) / "contacts.csv"
            path.parent.mkdir(parents=True)
            addresses = ["9f86d081884c7d659a2feaa0c55ad015" if n < bad else f"a{n}@mail.example" for n in range(rows)]
            path.write_text("id,mail\n" + "".join(f"{place}-{n},{one}\n" for n, one in enumerate(addresses)))
        return company

    return build


def lived(company, *days):
    """What each day's step said when it failed."""
    said = {}
    for number in days:
        day = MAY + dt.timedelta(number - 1)
        load.run("shop", day, company)
        try:
            step.run("shop", day, company)
        except DataStopped as stopped:
            said[number] = str(stopped)
    return said


def losses(company):
    """(day of May, severity, what is said) of each verdict about losses."""
    rows = Lake.of(company).arrow("ops/validations").to_pylist()
    found = [row for row in rows if row["expectation"] == "history:loss"]
    arrived = {row["detail"]: int(re.search(r"of 2024-05-(\d\d) are", row["detail"])[1]) for row in found}
    return sorted((arrived[row["detail"]], row["severity"], row["detail"]) for row in found)


def test_a_day_that_loses_every_row_fails_until_somebody_decides(shop):
    company = shop((500, 500))
    said = lived(company, 1)[1]
    assert "shop.contacts is stopped by history:loss: 500 of 500 rows of 2024-05-01 are set aside (100.0%)" in said
    assert "most for email:" in said
    assert lived(company, 1)[1] == said  # and every later run of that day
    report = replay.run(Selection("shop"), company, "ann", decision=Decision.of(["history:loss"], "a list", "ann"))
    assert "500" in str(report.problem())
    assert lived(company, 1) == {}


def test_what_is_good_of_a_day_that_loses_most_waits_with_the_rest(shop):
    company = shop((40, 30))
    assert "30 of 40 rows of 2024-05-01 are set aside (75.0%)" in lived(company, 1)[1]
    assert Lake.of(company).rows("valid/contacts") == 0
    assert Lake.of(company).rows("quarantine/rows") == 40
    replay.run(Selection("shop"), company, "ann", decision=Decision.of(["history:loss"], "known", "ann"))
    assert Lake.of(company).rows("valid/contacts") == 10


def test_a_handful_of_rows_is_told_and_stops_nothing(shop, caplog):
    assert lived(shop((4, 4)), 1) == {}
    assert "shop.contacts: 4 of 4 rows of 2024-05-01 are set aside (100.0%), most for email:" in caplog.text


def test_lines_that_are_no_records_count_too(shop):
    company = shop((0, 0))
    path = Path(company.landing) / "shop" / "2024-05-01" / "contacts.csv"
    path.write_text("id,mail\n" + "torn\n" * 30)
    assert "30 of 30 rows of 2024-05-01 are set aside" in lived(company, 1)[1]


def test_what_is_usual_is_not_told_and_what_is_more_is_day_by_day_as_at_once(shop, caplog):
    days = [(100, 20), *[(100, 21)] * 8, (100, 60), (100, 45), (100, 70)]
    company = shop(*days)
    assert list(lived(company, *range(1, 13))) == [10, 12]
    found = losses(company)
    assert [(day, severity) for day, severity, _ in found] == [
        *[(day, "warning") for day in range(1, 8)],
        (10, "critical"),
        (11, "warning"),
        (12, "critical"),
    ]
    assert "45 of 100 rows of 2024-05-11 are set aside (45.0%, usual 21.0%), most for email:" in found[-2][2]
    shutil.rmtree(company.lake)
    lived(company, 12)
    assert losses(company) == found


def test_a_dataset_may_say_that_losses_are_only_told_or_nothing(shop):
    told = shop((40, 40), source=SOURCE + "    history: {loss: warning}\n")
    assert lived(told, 1) == {}
    assert [severity for _, severity, _ in losses(told)] == ["warning"]
    silent = shop((40, 40), source=SOURCE + '    history: {loss: "off"}\n')
    assert lived(silent, 1) == {}
    assert losses(silent) == []
