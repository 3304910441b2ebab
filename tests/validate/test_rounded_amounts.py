"""An amount with more decimals than its column holds is rounded, and the run says where."""

import datetime as dt

import pytest

from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay

DAY = dt.date(2024, 5, 1)
COLUMNS = {
    "order_id": "id",
    "updated_at": "at",
    "ordered_at": "at",
    "status": "status",
    "total": {"from": "Totaal", "decimal": ","},
    "discount": {"from": "korting", "decimal": ","},
}
TOLD = (
    "1 of 2 rows have an amount with more than two decimals, which was rounded, such as total (from Totaal) in line 3 "
    "of crm/2024-05-01/orders.csv"
)


@pytest.fixture
def validated(settings, tmp_path):
    """Settings of a company after its two orders with these amounts and states were validated."""

    def run(first, second, state="completed"):
        orders = {"files": "{day}/orders*.csv", "format": {"delimiter": ";"}, "columns": COLUMNS}
        found = settings({"sources/crm.yaml": {"source": "crm", "group": "crm", "datasets": {"orders": orders}}})
        landed = tmp_path / "var" / "landing" / "crm" / str(DAY)
        landed.mkdir(parents=True, exist_ok=True)
        lines = [f"{n};2024-05-01;{state};{amount};0,10" for n, amount in enumerate((first, second))]
        (landed / "orders.csv").write_text("\n".join(["id;at;status;Totaal;korting", *lines, ""]))
        load.run("crm", DAY, found)
        step.run("crm", DAY, found)
        return found

    return run


def verdicts(settings):
    rows = Lake.of(settings).arrow("ops/validations").to_pylist()
    return [row for row in rows if row["expectation"] == "types:decimals"]


def test_a_rounded_amount_is_told_with_file_line_and_column_and_without_the_value(validated, caplog):
    (row,) = verdicts(validated("1.234,50", "1,234"))
    assert (row["severity"], row["success"], row["rows"], row["failed"]) == ("warning", False, 2, 1)
    assert row["detail"].startswith(TOLD)
    assert TOLD in caplog.text
    assert "1,234" not in caplog.text


@pytest.mark.parametrize("amount", ["1.234,56", "1.234", "0,5", "7,5000", "1.234,560"])
def test_what_loses_nothing_is_not_told(validated, amount):
    assert verdicts(validated(amount, "1")) == []


def test_a_replay_tells_it_too(validated, settings, caplog):
    found = validated("1", "1,234", state="sold")
    assert TOLD not in caplog.text
    found.sources["crm"].datasets["orders"].columns["status"].values["sold"] = "completed"
    assert replay.run(Selection(), found, "ann").counts()["accepted"] == 2
    assert TOLD in caplog.text
