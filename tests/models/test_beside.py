"""Who a model does not look at is told by others like them, by a line where that is better than a rule. A second."""

import json

import numpy as np
import pandas as pd
import pytest

from jobs.models.classify import classifier
from jobs.models.classify.beside import LAPSED, NEVER, Beside
from jobs.models.classify.lapsed import BASE_RATE, RECENCY

NAMES = ["recency_days", "orders", "plan"]


def away(count=1200, seed=0, told=True, never=False):
    """Customers long away, of whom frequent buyers come back more often, and those on trial less; or none does."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"recency_days": random.integers(90, 400, count).astype(float)})
    frame["orders"] = random.integers(1, 30, count).astype(float)
    frame["plan"] = random.choice(["basic", "trial"], count).astype(object)
    risk = 1 / (1 + np.exp(-(2.5 - 0.15 * frame["orders"] + (frame["plan"] == "trial")))) if told else 0.7
    frame["outcome"] = (random.random(count) < risk).astype(int)
    frame["customer_id"] = [f"c{number}" for number in range(count)]
    return frame.assign(recency_days=np.nan) if never else frame


def scored(beside, frame):
    words = {"recency_days": "days since the last order", "orders": "orders ever"}
    return beside.score(frame, "recency_days", words, "the risk")


def test_customers_away_as_long_differ_by_what_they_did_before():
    beside = Beside.of(away(), NAMES, "recency_days", 0.5, 1)
    later = away(seed=1)
    found, rule = scored(beside, later), beside.rule.score(later, "recency_days", "")
    assert set(found["basis"]) == {LAPSED}
    assert classifier.auc(rule_of(later), rule["score"].to_numpy(dtype=float)) < 0.55
    assert classifier.auc(rule_of(later), found["score"].to_numpy(dtype=float)) > 0.72
    assert found["score"].mean() == pytest.approx(later["outcome"].mean(), abs=0.03), "promises are true"
    often = later["orders"].idxmax()
    assert f"orders ever: {later['orders'][often]:g} (lowers the risk)" in found["reasons"][often]


def rule_of(frame):
    return frame["outcome"].to_numpy()


def test_where_nothing_but_time_tells_anything_the_rule_holds():
    beside = Beside.of(away(told=False), NAMES, "recency_days", 0.7, 1)
    assert (beside.away, beside.never) == (None, None)
    assert set(scored(beside, away(20))["basis"]) == {RECENCY}


def test_who_never_was_there_has_a_line_of_its_own_and_few_of_them_none():
    both = pd.concat([away(), away(seed=2, never=True).assign(customer_id=[f"n{n}" for n in range(1200)])])
    beside = Beside.of(both, NAMES, "recency_days", 0.5, 1)
    found = scored(beside, pd.concat([away(3, seed=3), away(3, seed=3, never=True)], ignore_index=True))
    assert found["basis"].tolist() == [LAPSED] * 3 + [NEVER] * 3
    few = Beside.of(pd.concat([away(), away(100, never=True)]), NAMES, "recency_days", 0.5, 1)
    assert set(scored(few, away(3, never=True))["basis"]) == {BASE_RATE}


def test_lines_are_kept_as_plain_numbers_and_models_of_before_have_none():
    beside = Beside.of(away(), NAMES, "recency_days", 0.5, 1)
    kept = json.loads(json.dumps(beside.to_dict()))
    assert Beside.from_dict(kept) == beside
    assert Beside.from_dict(beside.rule.to_dict()) == Beside(beside.rule)
    assert Beside.of(pd.DataFrame(), NAMES, "recency_days", 0.3, 1).score(away(2), "recency_days", {}, "the risk")[
        "score"
    ].tolist() == [0.3, 0.3]
