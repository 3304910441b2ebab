"""Differences between arms: published numbers, intervals that hold at every look, planted effects found, nulls not.

Costs about 6 s.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jobs.effects import estimates
from tests.shared_data import folder


def test_cookie_cats_is_as_published():
    found = pd.read_csv(folder("experiment_cookie_cats") / "cookie_cats.csv.gz")
    arms = dict(iter(found.groupby("version")))
    p_values = {}
    for days in (1, 7):
        counted = [arms[name][f"retention_{days}"].to_numpy() for name in ("gate_30", "gate_40")]
        p_values[days] = estimates.means(*counted).p_value
    assert p_values[7] == pytest.approx(0.0016, abs=5e-5)
    assert p_values[1] == pytest.approx(0.074, abs=5e-4)
    sizes = [len(arms["gate_30"]), len(arms["gate_40"])]
    assert estimates.sample_ratio(*sizes, 0.5) == pytest.approx(0.0086, abs=5e-5)


def test_looking_every_day_finds_nothing_where_there_is_nothing():
    """600 A/A tests that grow from 100 units to 10,000: an interval that always holds, narrowed by what people did
    before, is wrong in at most 5 %, a fixed one far more often."""
    chance = np.random.default_rng(1)
    looks = np.geomspace(100, 10_000, 20).astype(int)
    held_out = np.arange(looks[-1]) % 5 == 0
    wrong_always = wrong_fixed = 0
    for _ in range(600):
        before = chance.exponential(size=looks[-1])
        after = before + chance.exponential(size=looks[-1])
        found = [_narrowed(after[:units], before[:units], held_out[:units]) for units in looks]
        wrong_always += any(look.low > 0 or look.high < 0 for look in found)
        wrong_fixed += any(look.p_value < 0.05 for look in found)
    assert wrong_always <= 0.05 * 600
    assert wrong_fixed > 3 * 0.05 * 600, "or the simulation would not show why the other interval is needed"


def _narrowed(after, before, held_out):
    return estimates.means(after[~held_out], after[held_out], before=(before[~held_out], before[held_out]))


@pytest.mark.parametrize("asked", [(), (20_000,)], ids=["by default", "planned"])
def test_the_intervals_of_all_looks_are_those_of_one_sequence(asked):
    """At its ends the mixture martingale of the normal, with one rho for all looks, is 1 / alpha (Robbins 1970)."""
    units = np.geomspace(60, 3_000_000, 40).astype(int)
    rho = np.sqrt((-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / (*asked, 1_000)[0])
    for many in units:
        spread = many * rho**2 + 1
        reached = estimates.always_valid(1.0, int(many), *asked)
        assert np.exp(rho**2 * many * reached**2 / (2 * spread)) / np.sqrt(spread) == pytest.approx(1 / 0.05)


def test_a_single_look_is_wrong_as_often_as_it_says():
    chance = np.random.default_rng(2)
    wrong = sum(
        estimates.means(chance.exponential(5, 400), chance.exponential(5, 200)).p_value < 0.05 for _ in range(1000)
    )
    assert stats.binom.ppf(0.001, 1000, 0.05) <= wrong <= stats.binom.ppf(0.999, 1000, 0.05)


def test_a_planted_effect_is_found_and_lies_in_its_interval():
    chance = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        found = estimates.means(chance.normal(10.5, 3, 4000), chance.normal(10, 3, 2000))
        inside += found.low <= 0.5 <= found.high
    assert inside >= 190
    assert found.low > 0


def test_what_people_did_before_narrows_the_interval_and_moves_no_arm():
    chance = np.random.default_rng(4)
    past = [chance.gamma(2, 10, 3000), chance.gamma(2, 10, 3000)]
    after = [past[0] + chance.normal(1, 4, 3000), past[1] + chance.normal(0, 4, 3000)]
    alone, narrowed = estimates.means(*after), estimates.means(*after, before=tuple(past))
    explained = 1 - np.corrcoef(np.concatenate(after), np.concatenate(past))[0, 1] ** 2
    assert (narrowed.error / alone.error) ** 2 == pytest.approx(explained, rel=0.05)
    assert narrowed.low <= 1 <= narrowed.high
    same = estimates.means(*after, before=(np.ones(3000), np.ones(3000)))
    assert same.difference == alone.difference, "a past without differences explains nothing"


def test_a_ratio_counts_people_not_what_they_bought():
    """Amount per order: people with many orders are one unit each, so the error is that of people drawn again."""
    chance = np.random.default_rng(5)
    orders = chance.poisson(3, 4000) + 1
    spent = orders * chance.gamma(4, 5, 4000)
    found = estimates.ratios((spent[:2000], orders[:2000]), (spent[2000:], orders[2000:]))
    drawn = []
    for _ in range(300):
        i, j = chance.integers(0, 2000, 2000), chance.integers(2000, 4000, 2000)
        drawn.append(spent[i].sum() / orders[i].sum() - spent[j].sum() / orders[j].sum())
    assert found.error == pytest.approx(np.std(drawn), rel=0.15)


@pytest.mark.parametrize("arms", [([], [1.0, 2.0]), ([1.0, 2.0], [3.0])])
def test_an_arm_of_nobody_is_refused(arms):
    with pytest.raises(ValueError, match="fewer than two"):
        estimates.means(*map(np.array, arms))


def test_people_who_are_all_alike_have_no_effect():
    found = estimates.means(np.zeros(50), np.zeros(50))
    assert (found.difference, found.p_value) == (0, 1)
