"""A company changes or switches off, in YAML, a rule that every company's data is held to."""

import datetime as dt

import pytest

from jobs.cli import checks
from jobs.config.yaml_files import ConfigError
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.contract import Contract
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay
from tests.validate.crm_files import quarantined

COLUMNS = {
    "order_id": "id",
    "updated_at": "at",
    "ordered_at": "at",
    "status": "status",
    "total": "total",
    "discount": "discount",
}
DAY = dt.date(2024, 5, 1)
FILE = """id,at,status,total,discount
1,2024-05-01,completed,10,0
2,2024-05-01,completed,10,-10
3,2024-05-01,completed,10,-20000
"""


@pytest.fixture
def company(settings):
    """Settings of a company whose tills write surcharges as negative discounts; `company(**built_in)`."""

    def build(built_in):
        orders = {"files": "{day}/orders*.csv", "columns": COLUMNS, "built_in": built_in}
        return settings({"sources/crm.yaml": {"source": "crm", "group": "crm", "datasets": {"orders": orders}}})

    return build


@pytest.fixture
def validated(company, tmp_path):
    """The lake of the company after its orders were validated."""

    def run(built_in):
        found = company(built_in)
        landed = tmp_path / "var" / "landing" / "crm" / str(DAY)
        landed.mkdir(parents=True)
        (landed / "orders.csv").write_text(FILE)
        load.run("crm", DAY, found)
        step.run("crm", DAY, found)
        return Lake.of(found)

    return run


def orders(lake):
    return sorted(lake.arrow("valid/orders")["order_id"].to_pylist())


@pytest.mark.parametrize(
    ("change", "published", "bad"),
    [
        ({}, ["1"], [3, 4]),
        ({"min": -10000}, ["1", "2"], [4]),
        ({"min": None}, ["1", "2", "3"], []),
        ({"skip": True}, ["1", "2", "3"], []),
        ({"fate": "report"}, ["1", "2", "3"], []),
    ],
)
def test_surcharges_are_published_where_a_company_has_them(validated, change, published, bad):
    lake = validated({"discount:between": change})
    assert orders(lake) == published
    assert quarantined(lake) == [(line, "discount:between") for line in bad]


def test_the_reason_has_the_limits_that_hold(validated):
    (row,) = validated({"discount:between": {"min": -10000}}).arrow("quarantine/rows").to_pylist()
    assert row["reason"].startswith("discount is not at least -10,000 and at most 10,000,000;")


def test_rows_that_waited_for_the_change_are_replayed(validated, company):
    lake = validated({})
    assert orders(lake) == ["1"]
    assert replay.run(Selection(), company({"discount:between": {"skip": True}}), "ann").counts()["accepted"] == 2
    assert orders(lake) == ["1", "2", "3"]


def test_a_reported_rule_is_still_counted_with_the_severity_it_was_given(validated):
    lake = validated({"discount:between": {"fate": "report", "severity": "info", "mostly": 0.9}})
    (found,) = (row for row in lake.arrow("ops/validations").to_pylist() if row["expectation"] == "discount:between")
    assert (found["severity"], found["rows"], found["failed"]) == ("info", 3, 2)


@pytest.mark.parametrize(
    ("built_in", "problem"),
    [
        (
            {"discount:betwen": {"skip": True}},
            "discount:betwen: no rule of orders is called 'discount:betwen'",
        ),
        ({"types": {"skip": True}}, "types.skip: rows that break it cannot be published"),
        ({"order_id:not_null": {"fate": "report"}}, "order_id:not_null.fate: rows that break it cannot be published"),
        ({"status:in_set": {"min": 1}}, "status:in_set.min: the rule has no limits"),
        ({"discount:between": {"min": "low"}}, "discount:between.min: must be a number"),
        ({"discount:between": {"min": None, "max": None}}, "discount:between.min: without any limit there is no rule"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_its_place(company, built_in, problem):
    found = company(built_in)
    (told,) = checks.problems(found)
    assert f"datasets.orders.built_in.{problem}" in told
    assert "crm.yaml:" in told
    with pytest.raises(ConfigError, match=r"datasets\.orders\.built_in"):
        Contract.of("crm", "orders", found)
