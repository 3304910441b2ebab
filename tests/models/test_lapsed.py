"""Who has been away for too long for a model gets what came of others away as long. Under a second."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from jobs.models.classify.lapsed import BASE_RATE, RECENCY, WEIGHT, Rule


def away(shares, each=400):
    """`each` customers per number of days away, of whom that share has the outcome; nan: never there."""
    parts = [
        pd.DataFrame({"recency_days": days, "outcome": (np.arange(each) < share * each).astype(int)})
        for days, share in shares.items()
    ]
    return pd.concat(parts, ignore_index=True)


def scored(rule, days):
    frame = pd.DataFrame({"customer_id": [f"c{n}" for n in range(len(days))], "recency_days": days})
    return rule.score(frame, "recency_days", "days since the last order")


def test_the_longer_away_the_likelier_gone_as_it_was_before():
    rule = Rule.of(away({100.0: 0.8, 200.0: 0.9, 400.0: 1.0}), "recency_days", 0.5)
    found = scored(rule, [100.0, 200.0, 400.0, 900.0])
    assert found["score"].tolist() == pytest.approx([0.8, 0.9, 1.0, 1.0], abs=0.03)
    assert set(found["basis"]) == {RECENCY}
    assert found["reasons"][0] == ["days since the last order: 100 (of 400 customers like this before, 79%)"]


def test_who_never_was_there_gets_the_share_of_those_who_never_were():
    rule = Rule.of(away({100.0: 0.8, np.nan: 0.1}), "recency_days", 0.5)
    found = scored(rule, [np.nan])
    assert found["score"].tolist() == pytest.approx([0.1], abs=0.03)
    assert found["basis"].tolist() == [BASE_RATE]
    assert found["reasons"][0] == ["days since the last order: none (of 400 customers like this before, 12%)"]


@pytest.mark.parametrize("days", [100.0, np.nan])
def test_of_few_customers_little_is_concluded(days):
    rule = Rule.of(pd.DataFrame({"recency_days": [days] * 2, "outcome": [1, 1]}), "recency_days", 0.3)
    assert scored(rule, [days])["score"].tolist() == pytest.approx([(2 + WEIGHT * 0.3) / (2 + WEIGHT)])


def test_without_anybody_like_them_everybody_counts():
    rule = Rule.of(pd.DataFrame(), "recency_days", 0.3)
    found = scored(rule, [500.0, np.nan])
    assert found["score"].tolist() == [0.3, 0.3]
    assert found["reasons"][0] == ["days since the last order: 500 (of all customers before, 30%)"]


def test_a_rule_is_kept_as_plain_numbers():
    rule = Rule.of(away({100.0: 0.8, np.nan: 0.1}), "recency_days", 0.5)
    assert Rule(**rule.to_dict()) == rule
    assert dataclasses.asdict(rule).keys() == {"edges", "shares", "rows", "never", "never_rows"}
