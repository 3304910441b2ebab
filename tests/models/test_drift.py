"""Drift is seen when customers change, and not when they do not."""

import numpy as np
import pandas as pd
import pytest

from jobs.config.traits import Trait
from jobs.models import drift


def customers(mean=10.0, empty=0.0, seed=0, count=2000):
    random = np.random.default_rng(seed)
    values = random.gamma(4, mean / 4, count)
    values[: int(count * empty)] = np.nan
    return pd.DataFrame({"orders_90d": values, "noise": random.normal(size=count)})


def test_the_same_kind_of_customers_do_not_drift():
    index = drift.psi(drift.reference(customers()), customers(seed=1))
    assert max(index.values()) < 0.05


@pytest.mark.parametrize("count", [30, 100])
def test_few_customers_are_not_mistaken_for_changed_ones(count):
    reference = drift.reference(customers(count=200))
    indexes = [drift.psi(reference, customers(seed=seed, count=count))["orders_90d"] for seed in range(1, 21)]
    assert sum(index > 0.25 for index in indexes) <= 1


def test_customers_who_order_twice_as_much_have_drifted():
    index = drift.psi(drift.reference(customers()), customers(mean=20, seed=1))
    assert index["orders_90d"] > 0.25 > index["noise"]
    verdict = drift.verdict(index, {"orders_90d": 0.9, "noise": 0.1}, limit=0.25, share=0.3)
    assert verdict["drift"] is True
    assert list(verdict["worst"]) == ["orders_90d"]


def test_a_feature_the_model_hardly_uses_may_move_without_drift():
    verdict = drift.verdict({"orders_90d": 3.0, "noise": 0.0}, {"orders_90d": 0.1, "noise": 0.9}, 0.25, 0.3)
    assert verdict["drift"] is False
    assert verdict["moved_weight"] == 0.1
    assert verdict["worst"] == {"orders_90d": 3.0}


def test_answers_that_stop_coming_are_drift_too():
    index = drift.psi(drift.reference(customers()), customers(empty=0.5, seed=1))
    assert index["orders_90d"] > 0.25


def known(clock):
    """Traits of the names of columns: days since the first order, which grows by itself, and others."""
    trait = {"title": "t", "over": "orders", "type": "bigint"}
    return {
        "tenure_days": Trait(**trait, value=clock),
        "recency_days": Trait(**trait, value="min(days_ago)"),
        "first_90d": Trait(**trait, days=90, value="max(days_ago)"),
    }


@pytest.mark.parametrize("clock", ["max(days_ago)", "MAX( days_ago )"])
def test_what_grows_by_itself_is_set_back_and_nothing_else(clock):
    frame = pd.DataFrame({"tenure_days": [40.0, np.nan], "recency_days": [9.0, 3.0], "first_90d": [80.0, 1.0]})
    found = drift.without_clockwork(frame, known(clock), 30)
    assert found["tenure_days"].tolist()[0] == 10
    assert found[["recency_days", "first_90d"]].equals(frame[["recency_days", "first_90d"]])


def test_customers_who_only_grew_older_have_not_drifted_and_new_ones_in_their_place_have():
    random = np.random.default_rng(0)
    first = pd.DataFrame({"tenure_days": random.integers(0, 300, 2000).astype(float)})
    reference = drift.reference(first)
    later = first + 120
    assert drift.psi(reference, later)["tenure_days"] > 0.25, "by the numbers alone it has"
    assert drift.psi(reference, drift.without_clockwork(later, known("max(days_ago)"), 120))["tenure_days"] < 0.05
    replaced = pd.DataFrame({"tenure_days": random.integers(0, 120, 2000).astype(float)})
    found = drift.without_clockwork(replaced, known("max(days_ago)"), 120)
    assert drift.psi(reference, found)["tenure_days"] > 0.25


@pytest.mark.parametrize("values", [[1.0] * 50, [np.nan] * 50, [0.0] * 45 + [1.0] * 5])
def test_constant_empty_and_lumpy_features_have_an_index_of_zero_against_themselves(values):
    frame = pd.DataFrame({"x": values})
    assert drift.psi(drift.reference(frame), frame) == {"x": 0.0}
