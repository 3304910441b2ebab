"""What another policy would have come to, told from what was drawn. Costs about 4 s, without the engine."""

import json

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from jobs.audiences.chances import chances
from jobs.audiences.draws import Draws, as_draws
from jobs.config.actions.allocation import Allocation
from jobs.config.actions.experiments import Experiment
from jobs.config.wrong import CommandError
from jobs.effects import off_policy, policies
from jobs.effects.off_policy import NotEvaluable

NAMES = ("a", "b", "c")
PARTS = ("person", "variant", "propensity", "outcome", "context")
ASKED = Experiment.model_validate({
    "experiment": "words", "hypothesis": "h", "owner": "o", "begins": "2017-05-01", "baseline": 0.2,
    "primary": "orders", "minimum_effect": 0.05,
    "allocation": {"context": {"orders": "orders_90d", "lapsed": "state = 'lapsed'"}},
    "variants": {name: {"action": name, "share": share} for name, share in zip(NAMES, (0.5, 0.25, 0.25), strict=True)},
})  # fmt: skip


def world(chance, size, propensities):
    """Draws of a shop where b is best for whoever orders a lot, and a for the others."""
    x = chance.normal(size=size)
    p = propensities(x)
    variant = (chance.random(size)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    outcome = (chance.random(size) < truth(x)[np.arange(size), variant]).astype(float)
    person = np.arange(size).astype(str)
    return Draws(person, variant, p[np.arange(size), variant], outcome, x[:, None], NAMES)


def truth(x):
    return np.stack([0.4 + 0.25 * np.tanh(x), 0.4 + 0.35 * np.tanh(x), np.full_like(x, 0.1)], axis=1)


def evenly(x):
    return np.tile([0.5, 0.25, 0.25], (len(x), 1))


def leaning(x):
    return np.where((x > 0)[:, None], [0.2, 0.6, 0.2], [0.7, 0.15, 0.15])


def by_context(x):
    return np.where((x > 0)[:, None], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0])


@pytest.mark.parametrize("propensities", [evenly, leaning])
def test_the_truth_is_within_the_interval_as_often_as_is_said(propensities):
    chance, runs = np.random.default_rng(7), 120
    x = np.random.default_rng(1).normal(size=400_000)
    true = (by_context(x) * truth(x)).sum(axis=1).mean()
    inside, widths = np.zeros(3), np.zeros(3)
    for _ in range(runs):
        draws = world(chance, 500, propensities)
        told = off_policy.evaluate(draws, by_context(draws.context[:, 0]))
        inside += [one.low <= true <= one.high for one in told.estimates]
        widths += [one.high - one.low for one in told.estimates]
    assert [one.name for one in told.estimates] == ["IPS", "SNIPS", "doubly robust"]
    assert (inside >= stats.binom.ppf(0.001, runs, 0.95)).all(), inside
    assert widths[2] < widths[1] < widths[0], "a prediction narrows"


def test_it_is_so_of_what_an_adaptive_experiment_drew():
    """What was drawn leans on what came of earlier draws; the propensities know."""
    chance, runs, batches = np.random.default_rng(8), 80, 4
    thompson = Allocation(method="thompson", floor=0.1)
    x = np.random.default_rng(1).normal(size=400_000)
    true, inside = truth(x).mean(axis=0), np.zeros((2, 3))
    for _ in range(runs):
        draws = world(chance, 100, evenly)
        for _ in range(batches):
            p = chances(thompson, (0.5, 0.25, 0.25), draws, np.zeros((1, 1)), False)
            more = world(chance, 100, lambda x, p=p: np.tile(p, (len(x), 1)))
            draws = Draws(*(np.concatenate([getattr(one, part) for one in (draws, more)]) for part in PARTS), NAMES)
        draws = Draws(np.arange(len(draws.outcome)).astype(str), *(getattr(draws, part) for part in PARTS[1:]), NAMES)
        for n in range(2):
            policy = np.tile(np.eye(3)[n], (len(draws.outcome), 1))
            told = off_policy.evaluate(draws, policy).estimates
            inside[n] += [one.low <= true[n] <= one.high for one in told]
    assert (inside >= stats.binom.ppf(0.001, runs, 0.95)).all(), inside


def test_the_policy_that_was_drawn_comes_to_what_was_drawn():
    draws = world(np.random.default_rng(2), 2000, leaning)
    told = off_policy.evaluate(draws, leaning(draws.context[:, 0]))
    ips, snips, robust = told.estimates
    assert ips.value == pytest.approx(draws.outcome.mean())
    assert snips.value == pytest.approx(draws.outcome.mean())
    assert robust.value == pytest.approx(draws.outcome.mean(), abs=0.01)
    assert (told.effective, told.draws) == (pytest.approx(2000), 2000)
    assert told.more.low <= 0 <= told.more.high


def test_a_better_policy_is_told_from_what_was_drawn():
    draws = world(np.random.default_rng(3), 8000, evenly)
    better = off_policy.evaluate(draws, by_context(draws.context[:, 0])).more
    worse = off_policy.evaluate(draws, np.tile([0.0, 0.0, 1.0], (8000, 1))).more
    assert (better.low > 0, worse.high < 0) == (True, True)


def test_somebody_who_was_drawn_twice_counts_as_one_in_the_width():
    once = world(np.random.default_rng(4), 1000, evenly)
    twice = Draws(*(np.concatenate([part, part]) for part in (once.person, once.variant, once.propensity, once.outcome,
                                                             once.context)), NAMES)  # fmt: skip
    policy = np.tile([0.2, 0.4, 0.4], (1000, 1))
    alone, both = off_policy.evaluate(once, policy), off_policy.evaluate(twice, np.tile(policy, (2, 1)))
    for one, other in zip(alone.estimates[:2], both.estimates[:2], strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def draws_of(variants, propensity=0.5, outcomes=None):
    variant = np.array([NAMES.index(one) for one in variants])
    size = len(variant)
    outcome = np.array(outcomes if outcomes is not None else np.arange(size) % 2, float)
    return Draws(np.arange(size).astype(str), variant, np.full(size, propensity), outcome, np.zeros((size, 0)), NAMES)


@pytest.mark.parametrize(
    ("draws", "policy", "message"),
    [
        (draws_of("ab" * 50, float("nan")), [1, 0, 0], "100 of 100 draws have no propensity.*--since DAY"),
        (draws_of("ab" * 10), [1, 0, 0], "only 20 draws whose days have passed; 30 are the fewest"),
        (draws_of("ab" * 50), [0.5, 0.2, 0.3], r"the policy draws what nobody got: c \(30%\). Give it a share first"),
        (draws_of("a" * 990 + "c" * 10, 0.5), [0, 0, 1], "too little overlap: 1,000 draws tell as much as 10 "),
        (draws_of("abb" * 300, 0.5), [1, 0, 0], "the weights are 0.67 on average, not 1"),
    ],
)
def test_it_is_said_why_nothing_can_be_said(draws, policy, message):
    with pytest.raises(NotEvaluable, match=message):
        off_policy.evaluate(draws, np.tile(policy, (len(draws.outcome), 1)).astype(float))


def rows(*records):
    names = ("person", "variant", "propensity", "context", "outcome")
    return pa.table({name: [record[n] for record in records] for n, name in enumerate(names)})


def test_a_policy_is_a_variant_or_shares_and_what_is_neither_is_told():
    found = as_draws(
        rows(("p", "b", 0.25, json.dumps({"orders": 3, "lapsed": None}), 2.0), ("q", "a", None, None, 0.0)), ASKED
    )
    assert (found.variant.tolist(), found.outcome.tolist()) == ([1, 0], [2, 0])
    np.testing.assert_array_equal(found.context, [[3, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(found.propensity, [0.25, np.nan])
    assert policies.policy_of("b", ASKED, found, False).tolist() == [[0, 1, 0]] * 2
    assert policies.policy_of("a=0.3, c=0.7", ASKED, found, False).tolist() == [[0.3, 0, 0.7]] * 2
    for text, message in (("a=0.3,d=0.7", "unknown variant 'd'"), ("a=0.3,c=0.6", "the shares are 0.9 together, not 1"),
                          ("order > 3", "unknown column 'order'; did you mean 'orders'?")):  # fmt: skip
        with pytest.raises(CommandError) as error:
            policies.policy_of(text, ASKED, found, False)
        assert message in str(error.value)
