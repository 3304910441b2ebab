"""Trees and a straight line together: each where it tells more."""

import numpy as np
import pandas as pd
import pytest

from jobs.models.classify import blend, chances, classifier, line


def told(count, odds, seed=0):
    """Customers with a number, a category and noise, and an outcome with these log odds."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"size": random.normal(size=count), "noise": random.normal(size=count)})
    frame["plan"] = random.choice(["basic", "full", "trial"], count).astype(object)
    return frame, (random.random(count) < 1 / (1 + np.exp(-odds(frame)))).astype(int)


def straight(frame):
    return 1.5 * np.sign(frame["size"]) * np.log1p(frame["size"].abs()) + (frame["plan"] == "trial") - 1


def steps(frame):
    return np.where(frame["size"].abs() < 0.6, 2.0, -2.0)


def fit(frame, label):
    return blend.fit(frame, label, np.arange(len(frame)), 1)


def test_the_line_counts_where_an_outcome_rises_evenly_and_not_where_it_jumps():
    frame, label = told(1000, straight)
    even = fit(frame, label)
    assert even.weight >= 0.5
    later, came = told(4000, straight, seed=1)
    trees = classifier.auc(came, classifier.predict(even.booster, later))
    assert classifier.auc(came, even.predict(later)) > trees
    jumps = fit(*told(1000, steps))
    assert (jumps.weight, jumps.line) == (0, None)


def test_contributions_add_up_to_the_log_odds_and_shares_to_one():
    frame, label = told(1000, straight)
    frame.loc[:50, "size"] = np.nan
    model = fit(frame, label)
    asked = pd.concat(
        [frame[:100], pd.DataFrame({"size": [np.nan, 1e9], "noise": [0.0, np.nan], "plan": ["new", None]})]
    )
    rest = chances.log_odds(model.predict(asked)) - model.contributions(asked).sum(axis=1)
    assert np.ptp(rest) < 1e-6, "what is left is the same for everybody"
    shares = model.importance()
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares)[-1] == "noise"


def test_the_line_finds_the_published_slopes_of_a_table_by_hand():
    """Odds of 3 where plan is a and of 1/3 where it is b, as often: without the pull to 0, log 3 either way."""
    frame = pd.DataFrame({"plan": np.repeat(["a", "b"], 4000).astype(object)})
    label = np.tile([1, 1, 1, 0, 0, 0, 0, 1], 1000)[np.argsort(np.tile([0] * 4 + [1] * 4, 1000), kind="stable")]
    found = line.learn(frame, label, 1)
    odds = chances.line_odds(found, pd.DataFrame({"plan": ["a", "b", "never seen", None]}))
    assert odds[:2] == pytest.approx([np.log(3), -np.log(3)], abs=0.01)
    assert odds[2] == odds[3] == pytest.approx(0, abs=0.01)


def test_halves_of_which_one_has_a_single_outcome_are_none():
    frame, label = told(400, straight)
    like = fit(frame, label)
    one, other = blend.fit_halves(frame, label, np.arange(400), 1, like)
    assert one.weight == other.weight == like.weight
    assert one.booster.num_trees() == like.booster.num_trees()
    assert blend.fit_halves(frame, np.zeros(400), np.arange(400), 1, like) is None


def test_where_there_is_nothing_to_learn_everybody_is_told_about_the_same():
    frame, label = told(600, lambda rows: np.zeros(len(rows)) - 1)
    assert fit(frame, label).predict(frame).std() < 0.1, "little is told where there is nothing to learn"
