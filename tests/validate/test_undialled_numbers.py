"""A phone number that may be of any country is nobody's, and the run says so and what to write. Costs a second."""

import datetime as dt

import pytest

from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step

DAY = dt.date(2024, 5, 1)
COLUMNS = {
    "order_id": "id",
    "updated_at": "at",
    "ordered_at": "at",
    "status": "'completed'",
    "total": "1",
    "phone": "tel",
}
NUMBERS = ("0478 12 34 56", "478123456", "+32 478 12 34 56", "0032478123456", "unknown", "")


@pytest.mark.parametrize(
    ("attributes", "told"),
    [({}, 2), ({"country": "land"}, 1), ({"country": "'BE'"}, 0)],
)
def test_numbers_of_no_country_are_counted_and_told(settings, tmp_path, caplog, attributes, told):
    orders = {"files": "{day}/orders*.csv", "columns": COLUMNS, "attributes": attributes}
    found = settings({"sources/shop.yaml": {"source": "shop", "group": "pos", "datasets": {"orders": orders}}})
    landed = tmp_path / "var" / "landing" / "shop" / str(DAY)
    landed.mkdir(parents=True)
    lines = [f"{n},2024-05-01,{number},{'BE' if n else 'Belgium'}" for n, number in enumerate(NUMBERS)]
    (landed / "orders.csv").write_text("\n".join(["id,at,tel,land", *lines, ""]))
    load.run("shop", DAY, found)
    step.run("shop", DAY, found)
    assert (f"{told} of 6 rows have a phone number without the code of its country" in caplog.text) == bool(told)
    failed = [
        row for row in Lake.of(found).arrow("ops/validations").to_pylist() if row["expectation"] == "phone:country"
    ]
    assert [row["failed"] for row in failed] == [told] * bool(told)
