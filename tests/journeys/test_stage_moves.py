"""Moves between stages: how long the stage before took, what came next, and what the days after were worth."""

import datetime as dt

import pytest

from jobs.config.traits import Trait
from jobs.config.yaml_files import ConfigError
from jobs.journeys.stage_moves import stage_moves

AS_OF = dt.date(2017, 3, 31)
REVENUE = Trait(
    title="t", over="touchpoints", value="sum(amount)", days=10, type="decimal(18,2)", default=0
)  # in the timeline below: what was bought in the last 10 days


def stay(stage, valid_from, since, previous=None, valid_to=None, **more):
    days = {"valid_from": f"2017-03-{valid_from}", "since": f"2017-03-{since}"}
    told = {"customer_id": "c", "kind": "customer", "stage": stage, "allowed": True, "rule": "r", "state": "active"}
    return {**told, **days, "previous_stage": previous, "valid_to": valid_to and f"2017-03-{valid_to}", **more}


STAYS = [
    stay("awareness", "01", "01", valid_to="04"),
    stay("purchase", "05", "05", "awareness", "09"),
    stay("purchase", "10", "05", "awareness", "24"),
    stay("loyalty", "25", "25", "purchase"),
    stay("awareness", "20", "20", customer_id="d", kind="visitor"),
]


def told(rows, *worth):
    """The value of the trait from each day on, of customer c."""
    lines = [{"customer_id": "c", "valid_from": dt.date(2017, 3, day), "revenue": value} for day, value in worth]
    return rows("journeys/stages").sparkSession.createDataFrame(
        [(one["customer_id"], one["valid_from"], one["revenue"]) for one in lines],
        "customer_id string, valid_from date, revenue decimal(18,2)",
    )


def test_each_time_a_customer_enters_a_stage_is_one_move_by_whatever_rules_it_stays_there(rows, expect):
    stays = [{name: value for name, value in one.items() if value is not None} for one in STAYS]
    expect(
        stage_moves(rows("journeys/stages", *stays), told(rows), None, AS_OF),
        "customer_id kind day from_stage to_stage days_before next_stage days value",
        ("c", "customer", "2017-03-01", None, "awareness", None, "purchase", 4, None),
        ("c", "customer", "2017-03-05", "awareness", "purchase", 4, "loyalty", 20, None),
        ("c", "customer", "2017-03-25", "purchase", "loyalty", 20, None, None, None),
        ("d", "visitor", "2017-03-20", None, "awareness", None, None, None, None),
    )


def test_a_move_is_worth_the_trait_of_the_days_that_begin_with_it_once_they_have_passed(rows, expect):
    from decimal import Decimal

    stays = [{name: value for name, value in one.items() if value is not None} for one in STAYS]
    worth = told(rows, (1, Decimal(3)), (10, Decimal(7)), (14, Decimal(9)), (15, Decimal(0)), (30, Decimal(5)))
    found = stage_moves(rows("journeys/stages", *stays), worth, ("revenue", REVENUE), AS_OF)
    expect(
        found.where("customer_id = 'c'"),
        "day value",
        ("2017-03-01", "7.00"),
        ("2017-03-05", "9.00"),
        ("2017-03-25", None),
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("revenue_28", "unknown trait 'revenue_28'; did you mean 'revenue_28d'?"),
        ("revenue_all", "'revenue_all' has no window of the last `days`; what a move is worth needs one"),
    ],
)
def test_a_value_of_moves_that_is_no_trait_over_a_window_is_refused_with_its_line(settings, name, message):
    from tests.journey_rows import RULES

    journey = RULES["journey.yaml"].replace("stage_value: revenue_28d", f"stage_value: {name}")
    with pytest.raises(ConfigError) as refused:
        settings({**RULES, "journey.yaml": journey})
    line = next(n for n, text in enumerate(journey.splitlines(), 1) if text.startswith("stage_value"))
    (problem,) = refused.value.problems
    assert problem.endswith(f"journey.yaml:{line}: stage_value: {message}")
