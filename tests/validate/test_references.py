"""References between datasets of a source, from files to verdicts."""

import datetime as dt

import pytest

from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step

DAY = dt.date(2024, 5, 1)
ORDERS = {name: name for name in ("order_id", "updated_at", "ordered_at", "status", "total", "currency")}
LINES = {name: name for name in ("order_id", "line_id", "product_id", "ordered_at", "quantity")}


@pytest.mark.parametrize(("fate", "accepted"), [("report", ["1", "2"]), ("quarantine", ["1"])])
def test_lines_of_an_unknown_order_are_counted_and_set_aside_only_if_asked(settings, tmp_path, fate, accepted):
    reference = {"column": "order_id", "rule": "references", "references": "orders.order_id", "fate": fate}
    lines = {"files": "{day}/lines.csv", "columns": LINES, "rules": [reference]}
    source = {
        "source": "pos",
        "group": "crm",
        "datasets": {"orders": {"files": "{day}/orders.csv", "columns": ORDERS}, "order_lines": lines},
    }
    company = settings({"sources/pos.yaml": source})
    folder = tmp_path / "var" / "landing" / "pos" / str(DAY)
    folder.mkdir(parents=True)
    at = "2024-05-01 10:00:00"
    (folder / "orders.csv").write_text(f"{','.join(ORDERS)}\nknown,{at},{at},completed,5,EUR\n")
    (folder / "lines.csv").write_text(f"{','.join(LINES)}\nknown,1,p,{at},1\nunknown,2,p,{at},1\n")
    load.run("pos", DAY, company)
    step.run("pos", DAY, company)

    lake = Lake.of(company)
    assert sorted(lake.arrow("valid/order_lines")["line_id"].to_pylist()) == accepted
    (verdict,) = [
        row for row in lake.arrow("ops/validations").to_pylist() if row["expectation"] == "order_id:references"
    ]
    assert (verdict["rows"], verdict["failed"], verdict["severity"]) == (2, 1, "warning")
    set_aside = lake.arrow("quarantine/rows").to_pylist()
    assert [row["rules"] for row in set_aside] == ([["order_id:references"]] if fate == "quarantine" else [])
