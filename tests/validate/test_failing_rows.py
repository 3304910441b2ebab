"""A row at which an expression stops the engine is set aside by itself; what stops at many is refused in words."""

import pytest

from jobs.cli import checks
from jobs.errors import StepFailed
from jobs.ingest import load
from jobs.lake.lake import Lake
from jobs.validate import step
from jobs.validate.quarantine import Selection
from jobs.validate.replay import replay

COLUMNS = {
    "order_id": "id",
    "updated_at": "at",
    "ordered_at": "at",
    "status": "case when total > 5 then 'completed' else 'open' end",
    "currency": "'EUR'",
    "total": {"from": "total", "values": {"ten": "10"}},
}
TOTALS = {"rows_in": 500, "duplicates": 0, "files": 1}


@pytest.fixture
def till(settings, tmp_path):
    """Settings of a till with a file of 500 rows in which the cells of some lines are others: total, rate, words."""

    def make(odd=None, **dataset):
        config = {"files": "{day}/orders.csv", "columns": COLUMNS, **dataset}
        source = {"source": "till", "group": "crm", "datasets": {"orders": config}}
        lines = dict.fromkeys(range(2, 502), "10,4,a b") | (odd or {})
        file = tmp_path / "var/landing/till/2024-05-01/orders.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"o{line},2024-05-01,{cells}" for line, cells in lines.items()]
        file.write_text("\n".join(["id,at,total,rate,words", *rows]) + "\n")
        return settings({"sources/till.yaml": source})

    return make


@pytest.fixture
def validate(day):
    def run(settings):
        load.run("till", day("2024-05-01"), settings)
        return step.run("till", day("2024-05-01"), settings)

    return run


def set_aside(settings):
    rows = Lake.of(settings).arrow("quarantine/rows").to_pylist()
    return {row["line"]: row["rules"] for row in rows}


def test_only_the_rows_that_stop_an_expression_are_set_aside_and_replayed_when_it_is_corrected(till, validate):
    odd = {7: "ten,4,a b", 400: "10,0,a b", 401: "ten,0,a b"}
    ratio = {"ratio": "1 / try_cast(rate as int)"}
    settings = till(odd, attributes=ratio)
    assert validate(settings) == {**TOTALS, "accepted": 497, "quarantined": 3}
    found = {line: [rule for rule in rules if rule.endswith(":type")] for line, rules in set_aside(settings).items()}
    assert found == {
        7: ["status:type"],
        400: ["attributes.ratio:type"],
        401: ["attributes.ratio:type", "status:type"],
    }
    rows = Lake.of(settings).arrow("quarantine/rows").to_pylist()
    assert not any("'ten'" in row["reason"] for row in rows)

    still = till(odd, attributes=ratio, columns={**COLUMNS, "status": "'completed'"})
    report = replay.run(Selection(source="till"), still, "ann")
    assert {row["line"]: row["outcome"] for row in report.outcomes.to_pylist()} == {
        7: "accepted",
        400: "refused",
        401: "refused",
    }
    assert Lake.of(settings).arrow("valid/orders").num_rows == 498


def test_an_item_that_a_list_does_not_have_is_empty_and_stops_nothing(till, validate):
    settings = till({7: "10,4,a"}, attributes={"second": "split(words, ' ')[1]"})
    assert validate(settings) == {**TOTALS, "accepted": 500, "quarantined": 0}
    rows = Lake.of(settings).arrow("valid/orders").to_pylist()
    assert {row["attributes"] for row in rows if row["line"] == 7} == {None}


def test_an_expression_that_stops_at_many_rows_is_named_with_one_of_them_and_nothing_is_published(till, validate):
    settings = till(dict.fromkeys(range(100, 160), "ten,4,a b"))
    with pytest.raises(StepFailed, match=r"expression of status stops at more than 50 rows, such as line \d+ of till/"):
        validate(settings)
    assert not Lake.of(settings).exists("valid/orders")


def test_a_condition_that_stops_is_found_by_check_and_named_by_a_run(till, validate):
    rule = {"name": "big_order", "rule": "condition", "condition": "order_id > 5"}
    settings = till(rules=[rule])
    (problem,) = checks.problems(settings)
    assert "rules.0.condition: stops at text that is no number or date; take try_cast" in problem
    with pytest.raises(StepFailed, match="the condition of rule big_order stops at a row; where it needs a number"):
        validate(settings)


def test_a_connection_that_is_lost_is_not_taken_for_a_bad_row(till, validate, monkeypatch):
    from pyspark.errors import PySparkException

    from jobs.lake.scratch import Scratch

    def lost(*_):
        raise PySparkException("connection lost")

    monkeypatch.setattr(Scratch, "__call__", lost)
    with pytest.raises(PySparkException, match="connection lost"):
        validate(till())
