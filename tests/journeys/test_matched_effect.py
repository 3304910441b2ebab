"""Effects against what was alike before: planted effects are found, planted nothing is not. Pure numbers, 3 seconds."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from jobs.journeys.moments.matched_effect import Effect, matched_effect

SEEDS = 80
RATES = np.array([0.04, 0.12, 0.3])
CHANCE_OF_HAVING = np.array([0.15, 0.35, 0.6])
"""By cell: who buys more also has it more often, so that rates that are not matched differ a lot."""


def frame(*rows):
    """Rows of customer, cell, visits, converted and, if several are just like it, times."""
    columns = ["customer", "cell", "visits", "converted", "times"]
    return pd.DataFrame([(*row, 1)[:5] for row in rows], columns=columns)


def company(seed, effect, customers=250):
    """Visits of customers who differ in how much they buy; with it an order is likelier by `effect`."""
    chance = np.random.default_rng(seed)
    of = np.repeat(np.arange(customers), chance.poisson(1.5, customers) + 1)
    cell = chance.integers(0, 3, customers)[of]
    has = chance.random(len(of)) < CHANCE_OF_HAVING[cell]
    rate = RATES[cell] + chance.normal(0, 0.04, customers)[of] + effect * has
    converted = (chance.random(len(of)) < rate).astype(int)
    rows = pd.DataFrame({"customer": of, "cell": cell.astype(str), "visits": 1, "converted": converted, "times": 1})
    return rows[has], rows[~has]


def test_rates_are_compared_cell_by_cell_and_weighed_by_those_with_it():
    with_it = frame((1, "a", 4, 2), (2, "a", 4, 2), (3, "b", 1, 1), (4, "b", 1, 1))
    without = frame((5, "a", 2, 0), (6, "a", 2, 1), (7, "b", 10, 5), (8, "b", 10, 5), (9, "c", 9, 9))
    found = matched_effect(with_it, without)
    # Cell a: 4 of 8 against 1 of 4, cell b: 2 of 2 against 10 of 20; weights 8 and 2.
    assert (found.visits, found.matched, found.controls) == (10, 10, 24)
    assert (found.rate, found.rate_without, found.effect) == (0.6, 0.3, 0.3)


def test_visits_that_nobody_is_like_are_counted_and_left_out():
    with_it = frame((1, "a", 1, 1), (2, "a", 1, 0), (3, "alone", 5, 5))
    without = frame((4, "a", 1, 0), (5, "a", 1, 0), (6, "else", 7, 7))
    found = matched_effect(with_it, without)
    assert (found.visits, found.matched, found.controls, found.effect) == (7, 2, 2, 0.5)


@pytest.mark.parametrize("without", [frame(), frame((5, "b", 3, 1), (6, "b", 3, 1)), frame((5, "a", 30, 10))])
def test_without_two_customers_alike_on_each_side_there_is_no_effect(without):
    found = matched_effect(frame((1, "a", 1, 1), (2, "a", 1, 0)), without)
    assert found == Effect(visits=2)
    assert found.importance == -math.inf


def test_customers_just_like_one_another_told_once_or_one_by_one_give_the_same():
    one_by_one = frame(*[(n, "a", 2, n % 2) for n in range(6)]), frame(*[(n + 10, "a", 3, n % 3) for n in range(9)])
    told_once = (
        frame((0, "a", 2, 0, 3), (1, "a", 2, 1, 3)),
        frame((2, "a", 3, 0, 3), (3, "a", 3, 1, 3), (4, "a", 3, 2, 3)),
    )
    assert matched_effect(*told_once) == matched_effect(*one_by_one)


def test_no_conversions_at_all_do_not_make_the_effect_certain():
    found = matched_effect(frame(*[(n, "a", 1, 0) for n in range(20)]), frame(*[(n, "a", 1, 0) for n in range(50, 90)]))
    assert found.effect == 0
    assert found.low < -0.05 < 0.05 < found.high


def test_a_customer_with_many_visits_is_no_more_certain_than_one_customer():
    few = matched_effect(
        frame(*[(n, "a", 1, n % 2) for n in range(20)]), frame(*[(n, "a", 1, 0) for n in range(50, 70)])
    )
    many = matched_effect(
        frame(*[(n, "a", 50, 50 * (n % 2)) for n in range(20)]), frame(*[(n, "a", 50, 0) for n in range(50, 70)])
    )
    assert (few.effect, many.effect) == (0.5, 0.5)
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.15)


def test_what_does_nothing_is_called_an_effect_as_seldom_as_the_interval_says():
    found = [matched_effect(*company(seed, 0.0)) for seed in range(SEEDS)]
    wrong = sum(one.importance > 0 for one in found)
    assert wrong <= binom.ppf(0.995, SEEDS, 0.05)
    assert abs(np.mean([one.effect for one in found])) < 0.01
    unmatched = [a["converted"].mean() - b["converted"].mean() for a, b in map(company, range(20), [0.0] * 20)]
    assert np.mean(unmatched) > 0.05, "the planted company misleads who does not match"


def test_a_planted_effect_is_in_the_interval_as_often_as_it_says_and_away_from_0():
    found = [matched_effect(*company(1000 + seed, 0.2)) for seed in range(SEEDS)]
    inside = sum(one.low <= 0.2 <= one.high for one in found)
    assert binom.ppf(0.005, SEEDS, 0.95) <= inside
    assert sum(one.importance > 0 for one in found) >= 0.9 * SEEDS
