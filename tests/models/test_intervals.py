"""How sure a number is: intervals against published formulas and against drawing again. Under 2 CPU seconds."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from jobs.models import intervals


def scores(count=400, strength=1.0, seed=0):
    random = np.random.default_rng(seed)
    label = (random.random(count) < 0.3).astype(int)
    return label, label * strength + random.normal(size=count)


def test_an_auc_and_its_standard_error_are_those_of_delong_counted_by_hand():
    """Scores with the outcome 2 and 3, without it 1 and 2: placements (0.75, 1) and (1, 0.75); the tie is a half."""
    found = intervals.auc(np.array([1, 1, 0, 0]), np.array([2.0, 3.0, 1.0, 2.0]))
    assert found.value == 0.875
    assert (found.high - found.value) / 1.959964 == pytest.approx(np.sqrt(0.03125 / 2 + 0.03125 / 2))


def test_the_interval_of_an_auc_is_as_wide_as_that_of_drawing_customers_again():
    label, score = scores()
    exact = intervals.auc(label, score)
    again = [roc_auc_score(label, score, sample_weight=often) for often in intervals.draws(len(label))]
    drawn = intervals.of_draws(roc_auc_score(label, score), again)
    assert exact.value == pytest.approx(roc_auc_score(label, score))
    assert exact.high - exact.low == pytest.approx(drawn.high - drawn.low, rel=0.15)


def test_rows_of_one_customer_are_no_independent_witnesses():
    """Each customer three times over: the interval is that of the customers, not of three times as many."""
    label, score = scores()
    once = intervals.auc(label, score)
    thrice = intervals.auc(np.tile(label, 3), np.tile(score, 3), np.tile(np.arange(400), 3))
    naive = intervals.auc(np.tile(label, 3), np.tile(score, 3))
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.02)
    assert naive.high - naive.low < 0.65 * (once.high - once.low)


def test_two_models_are_compared_on_the_same_rows_so_that_a_small_true_gain_is_seen():
    label, score = scores(2000)
    better = score + 0.3 * label
    gain = intervals.auc_gain(label, better, score)
    assert gain.value == pytest.approx(roc_auc_score(label, better) - roc_auc_score(label, score))
    assert gain.above_zero
    assert gain.high - gain.low < 0.5 * (intervals.auc(label, score).high - intervals.auc(label, score).low)


def test_a_model_against_itself_gains_nothing_and_that_for_sure():
    label, score = scores()
    gain = intervals.auc_gain(label, score, score)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_in_95_of_100_samples_the_interval_holds_the_truth():
    truth = 0.7602  # of a normal with mean 1 against one with mean 0: the normal distribution function at 1 / sqrt(2)
    found = [intervals.auc(*scores(seed=seed)) for seed in range(300)]
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98


def test_the_mean_of_differences_has_the_interval_of_its_customers():
    values, groups = np.array([1.0, 1.0, 2.0, 2.0, 6.0, 6.0]), np.array([1, 1, 2, 2, 3, 3])
    found = intervals.mean(values, groups)
    assert found.value == 3
    assert (found.high - found.value) / 1.959964 == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))


def test_rows_of_one_customer_are_drawn_together():
    groups = np.array(["b", "a", "b", "c"])
    for often in intervals.draws(4, groups, count=20):
        assert often[0] == often[2]
        assert often[0] + often[1] + often[3] == 3
