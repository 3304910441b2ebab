"""A classifier is used if it is better beyond the noise, true, stable, fair and no cheat; each refusal says why.

Costs about 4 CPU seconds: no model is trained, scores are made up.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from jobs.config.models.limits import Limits
from jobs.models import gate
from jobs.models.classify import classify_card, classify_gate
from jobs.models.classify.classify_gate import Evidence

COUNT = 3000


def world(count=COUNT, seed=0):
    """Customers whose chance is known: what a perfect model would promise, and what came of them."""
    random = np.random.default_rng(seed)
    odds = random.normal(-1, 1.2, count)
    chance = 1 / (1 + np.exp(-odds))
    return random, odds, chance, (random.random(count) < chance).astype(int)


def evidence(count=COUNT, seed=0, **changed):
    random, odds, chance, outcome = world(count, seed)
    seen = Evidence(
        outcome=outcome,
        customers=np.arange(count),
        scores={
            "model": odds,
            "recency_days": odds + random.normal(0, 2, count),
            "logistic regression": odds + random.normal(0, 0.5, count),
        },
        probability=chance,
        features=pd.DataFrame({"a": odds + random.normal(0, 1, count), "b": random.normal(size=count)}),
        halves=(odds + random.normal(0, 0.2, count), odds + random.normal(0, 0.2, count)),
    )
    return dataclasses.replace(seen, **changed)


def verdict(seen, minimum_auc=0.6, minimum_improvement=0.0, **limits):
    return gate.decide(classify_gate.checks(seen, minimum_auc, minimum_improvement, Limits(**limits)))


def with_score(seen, name, noise, seed=5):
    """The same evidence with one more score: the model's own with noise, as much as given."""
    random = np.random.default_rng(seed)
    return dataclasses.replace(
        seen, scores={**seen.scores, name: seen.scores["model"] + random.normal(0, noise, COUNT)}
    )


def test_a_good_first_model_is_promoted_and_every_check_says_its_figure():
    found = verdict(evidence())
    assert found.promoted, found.reason
    for told in ("no feature alone", "AUC", "holds against recency_days", "holds against logistic regression",
                 "first model", "calibration error", "rank correlation", "share of customers"):  # fmt: skip
        assert told in found.reason


def test_every_figure_and_its_limit_is_kept():
    kept = gate.figures(classify_gate.checks(evidence(), 0.6, 0.0, Limits()))
    assert {"auc", "auc.limit", "auc.passed", "best_feature_alone", "stability.limit", "coverage.passed",
            "gain_over_logistic_regression.low", "gain_over_recency_days.high"} <= set(kept)  # fmt: skip
    assert all(isinstance(value, float) for value in kept.values())


@pytest.mark.parametrize("baseline", ["recency_days", "logistic regression"])
def test_a_model_that_loses_to_any_baseline_beyond_the_noise_is_refused(baseline):
    seen = evidence()
    swapped = {**seen.scores, "model": seen.scores["model"] + np.random.default_rng(1).normal(0, 1.5, COUNT),
               baseline: seen.scores["model"]}  # fmt: skip
    found = verdict(dataclasses.replace(seen, scores=swapped))
    assert not found.promoted
    assert f"is worse than {baseline}" in found.reason


def test_a_model_that_loses_to_a_baseline_within_the_noise_is_not_refused_for_it():
    """Two views of one truth, equally blurred: one of them is a little ahead, by chance."""
    seen = with_score(with_score(evidence(), "one", 0.5, seed=8), "other", 0.5, seed=9)
    both = {name: seen.scores[name] for name in ("one", "other")}
    found = [
        verdict(dataclasses.replace(seen, scores={"model": both[ours], "a rule": both[theirs]}))
        for ours, theirs in (("one", "other"), ("other", "one"))
    ]
    assert [one.promoted for one in found] == [True, True], [one.reason for one in found]


@pytest.mark.parametrize(
    ("noise", "promoted", "told"),
    [
        (1.5, True, "beats the champion"),
        (0.02, False, "does not beat the champion"),  # as good as the same
        (0.0, False, "does not beat the champion"),  # the same
    ],
)
def test_a_win_over_the_champion_inside_the_noise_is_no_win(noise, promoted, told):
    found = verdict(with_score(evidence(), "champion", noise))
    assert found.promoted is promoted
    assert told in found.reason


def test_a_true_win_that_is_smaller_than_asked_for_is_refused():
    found = verdict(with_score(evidence(), "champion", 1.0), minimum_improvement=0.2)
    assert not found.promoted
    assert "does not beat the champion by 0.2" in found.reason


def test_a_worse_challenger_is_refused():
    seen = with_score(evidence(), "champion", 0.0)
    worse = {**seen.scores, "model": seen.scores["logistic regression"]}
    found = verdict(dataclasses.replace(seen, scores=worse))
    assert not found.promoted
    assert "does not beat the champion" in found.reason


def test_a_model_below_the_minimum_is_refused():
    assert "below the minimum 0.95" in verdict(evidence(), minimum_auc=0.95).reason


@pytest.mark.parametrize("leak", ["label", "opposite", "empty", "category"])
def test_a_feature_that_knows_the_answer_is_found_and_named(leak):
    seen, random = evidence(), np.random.default_rng(2)
    wrong = np.where(random.random(COUNT) < 0.01, 1 - seen.outcome, seen.outcome)
    column = {
        "label": wrong + random.normal(0, 0.01, COUNT),
        "opposite": -wrong.astype(float),
        "empty": np.where(wrong == 1, np.nan, random.normal(size=COUNT)),
        "category": np.where(wrong == 1, "closed", "open").astype(object),
    }[leak]
    found = verdict(dataclasses.replace(seen, features=seen.features.assign(cancelled_on=column)))
    assert not found.promoted
    assert found.reason.startswith("feature cancelled_on alone reaches AUC 0.99")


def test_a_category_with_a_value_per_customer_is_no_leak():
    seen = evidence()
    names = [f"name{number}" for number in range(COUNT)]
    assert verdict(dataclasses.replace(seen, features=seen.features.assign(name=names))).promoted


def test_promises_that_are_not_true_are_refused_and_true_ones_of_few_customers_are_not():
    seen = evidence()
    found = verdict(dataclasses.replace(seen, probability=seen.probability * 0.6))
    assert not found.promoted
    assert f"promised {seen.probability.mean() * 0.6:.4f}, seen {seen.outcome.mean():.4f}" in found.reason
    few = [verdict(evidence(200, seed)) for seed in range(20)]
    assert sum("over the limit" in one.reason for one in few) <= 1


def test_a_model_that_another_half_of_customers_would_not_have_made_is_refused():
    random = np.random.default_rng(3)
    found = verdict(evidence(halves=(random.normal(size=COUNT), random.normal(size=COUNT))))
    assert not found.promoted
    assert "rank correlation of scores learned from two halves" in found.reason


def test_a_model_about_too_few_customers_is_refused_where_coverage_is_asked_for():
    assert verdict(evidence(coverage=0.3)).promoted
    found = verdict(evidence(coverage=0.3), minimum_coverage=0.8)
    assert "share of customers the model judges 0.3000 is below the minimum 0.8" in found.reason


def test_a_group_that_is_found_less_often_is_told_and_refused():
    """Among the old, the model knows nothing; among the young, all."""
    seen, random = evidence(), np.random.default_rng(4)
    group = np.where(random.random(COUNT) < 0.3, "old", "young")
    blind = np.where(group == "old", random.normal(-1, 0.5, COUNT), seen.scores["model"])
    unfair = dataclasses.replace(
        seen, scores={**seen.scores, "model": blind}, attributes=pd.DataFrame({"age_band": group})
    )
    found = [check for check in classify_gate.checks(unfair, 0.5, 0.0, Limits()) if not check.passed]
    assert "fairness_age_band" in [check.name for check in found]
    assert "of old are found and" in gate.decide(found).reason


@pytest.mark.parametrize("values", [("x", "y"), (20.0, 70.0)])
def test_groups_found_alike_pass_whether_text_or_numbers(values):
    seen, random = evidence(), np.random.default_rng(6)
    attribute = random.choice(values, COUNT) if isinstance(values[0], str) else random.uniform(*values, COUNT)
    assert verdict(dataclasses.replace(seen, attributes=pd.DataFrame({"age": attribute}))).promoted


def test_what_a_person_must_approve_waits_although_it_passed():
    found = gate.awaiting(gate.decide(classify_gate.checks(evidence(), 0.6, 0.0, Limits())))
    assert (found.promoted, found.decision) == (False, "awaiting approval")
    assert "klantreis models promote" in found.reason
    refused = gate.awaiting(gate.decide(classify_gate.checks(evidence(), 0.95, 0.0, Limits())))
    assert refused.decision == "refused"


def test_the_card_says_what_the_first_tenth_finds_and_which_threshold_earns_most():
    columns = ["share", "found", "found_low", "found_high", "lift"]
    gain = pd.DataFrame([(0.05, 0.2, 0.1, 0.3, 4.0), (0.1, 0.32, 0.28, 0.36, 3.2)], columns=columns)
    told = "approaching it finds 32% of all outcomes [28%, 36%], 3.2 times as many as by chance"
    assert classify_card.first_tenth(gain) == told
    outcomes = pd.DataFrame({"threshold": [0.2, 0.3], "approached": [1500, 900], "profit": [80.0, 1234.5]})
    assert classify_card.best_threshold(outcomes) == (
        "0.30: of the customers judged on, approaching the 900 above it brings 1,234.50"
    )
    assert classify_card.best_threshold(outcomes.assign(profit=-1.0)).startswith("none: approaching")
