"""Numbers of insights that cannot be: the day goes on, and the map says what is wrong with them."""

import datetime as dt

import duckdb
import pytest

from jobs.journeys.journey_map.tables import MapQueries, estimated

DAYS = (dt.date(2017, 3, 1), dt.date(2017, 3, 31))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select 3 as part, 2 as whole", "part is not between 0 and whole: 3 of 2"),
        ("select 2.5 as part, 2.25 as whole", "part is not between 0 and whole"),
        ("select -1 as part, 2 as whole", "part is not between 0 and whole"),
        ("select 'many' as part, 2 as whole", "part is not a number: 'many'"),
        ("select 1 as part, 'nan'::double as whole", "whole is not a number"),
        ("select true as part, 2 as whole", "part is not a number"),
        ("select date '2017-03-01' as value, 1 as deviation, 9 as number", "value is not a number"),
        ("select 1 as value, 'inf'::double as deviation, 9 as number", "deviation is not a number"),
        ("select 1 as value, -2 as deviation, 9 as number", "deviation is below 0: -2"),
    ],
)
def test_what_can_be_no_share_or_mean_gives_no_number_and_the_reason(query, reason):
    estimate, told = estimated(MapQueries(duckdb.connect(), set(), DAYS), query)
    assert estimate is None
    assert reason in told


@pytest.mark.parametrize(
    ("query", "value", "observations"),
    [
        ("select 1.0::decimal(9, 2) as part, 4 as whole", 0.25, 4),
        ("select 0 as part, 4::double as whole", 0.0, 4),
        ("select 4 as part, sum(4) as whole", 1.0, 4),
        ("select -3 as value, 0 as deviation, 9 as number", -3.0, 9),
    ],
)
def test_numbers_of_every_type_are_numbers(query, value, observations):
    estimate, told = estimated(MapQueries(duckdb.connect(), set(), DAYS), query)
    assert (estimate.value, estimate.observations, told) == (value, observations, None)
