"""Segments are used if they are there, would be found again, and are worth moving customers for.

Costs about 12 CPU seconds: each check of a model draws its customers again several times.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from jobs.config.models.segment import Segment
from jobs.models import gate
from jobs.models.segment import segment_fit, segment_gate, segment_names
from tests import shared_data

GROUPS = {"loyal": (30, 900, 2), "steady": (10, 150, 12), "gone": (1, 20, 75)}
NAMES = ["orders_90d", "revenue_90d", "recency_days"]


def declared(**settings):
    return Segment(kind="segment", title="Segments", about="Whom to write what", owner="CRM", **settings)


def planted(each=150, seed=0):
    random = np.random.default_rng(seed)
    parts = [
        {name: random.gamma(20, value / 20, each) for name, value in zip(NAMES, centre, strict=True)}
        for centre in GROUPS.values()
    ]
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)


def found(frame, config, champion=None, seed=1):
    """The model and its checks, by name."""
    held = np.arange(len(frame)) % 5 == 0
    k_range, learn = (config.k_min, config.k_max), frame[~held].reset_index(drop=True)
    fitted, choices = segment_fit.fit(
        learn, config.features, k_range, config.minimum_share, config.silhouette_tolerance, seed,
        config.minimum_stability,
    )  # fmt: skip
    kept = segment_names.kept_names(champion, fitted, frame, config.minimum_overlap) if champion else ({}, {})
    model = segment_names.named(fitted, frame, config.words, {}, *kept)
    return model, segment_gate.checks(model, choices, champion, frame, held, config, seed)


def blob(shape, count=1200, seed=3):
    """Customers without groups, in many shapes."""
    random = np.random.default_rng(seed)
    together = random.normal(size=(count, 1))
    values = {
        "bell": lambda: 50 + random.normal(size=(count, 3)),
        "skewed": lambda: np.exp(random.normal(size=(count, 4))),
        "stretched": lambda: np.exp(together + 0.4 * random.normal(size=(count, 4))),
        "box": lambda: random.uniform(0, 1, size=(count, 3)),
        "decay": lambda: random.exponential(30, size=(count, 3)),
        "counts": lambda: random.poisson(2, size=(count, 3)).astype(float),
    }[shape]()
    return pd.DataFrame(values, columns=list("abcd")[: values.shape[1]])


def test_planted_groups_are_found_and_pass():
    model, checks = found(planted(), declared(features=NAMES, k_min=2, k_max=4))
    assert len(model.centres) == 3
    verdict = gate.decide(checks)
    assert verdict.promoted, verdict.reason


@pytest.mark.parametrize("shape", ["bell", "skewed", "stretched", "box", "decay", "counts"])
def test_customers_without_groups_are_refused_whatever_their_shape(shape):
    frame = blob(shape)
    _, checks = found(frame, declared(features=list(frame), k_min=3, k_max=5))
    verdict = gate.decide(checks)
    assert not verdict.promoted
    assert "no groups: customers who are all alike would look as far apart" in verdict.reason


def test_the_same_segments_found_again_do_not_take_the_place_of_the_champion():
    config = declared(features=NAMES, k_min=2, k_max=4)
    champion, _ = found(planted(), config)
    verdict = gate.decide(found(planted(), config, champion, seed=7)[1])
    assert not verdict.promoted
    assert "does not beat the champion" in verdict.reason


def test_a_retrain_that_reshuffles_customers_for_next_to_nothing_is_refused():
    """A cloud has no segments of its own: cut another way, a third of customers move and nothing is gained."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(50 + random.normal(size=(1500, 2)), columns=["a", "b"])
    config = declared(features=["a", "b"], k_min=3, k_max=3, minimum_separation=-1, minimum_stability=0,
                          minimum_retrain_agreement=0)  # fmt: skip
    fitted, _ = found(frame, config)
    turn = np.pi / 3
    turned = [[a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn)] for a, b in fitted.centres]
    champion = dataclasses.replace(fitted, centres=turned)
    _, checks = found(frame, config, champion)
    assert {check.name: check for check in checks}["gain_worth_the_moves"].limit > 0.02, "over a fifth moves"
    verdict = gate.decide(checks)
    assert not verdict.promoted
    assert "beyond the noise" in verdict.reason or "does not beat the champion" in verdict.reason


@pytest.mark.parametrize(("gain", "promoted"), [(0.0013, False), (0.02, False), (0.05, True)])
def test_a_third_of_customers_is_moved_for_a_real_gain_only(monkeypatch, gain, promoted):
    config = declared(features=NAMES, k_min=2, k_max=4)
    champion, _ = found(planted(), config)
    apart = iter([np.full(90, 0.25 + gain), np.full(90, 0.25)])
    monkeypatch.setattr(segment_gate.segments, "apartness", lambda points, numbers: next(apart))
    monkeypatch.setattr(segment_gate.segments, "moved", lambda *_: 0.33)
    frame = planted()
    held = np.arange(len(frame)) % 5 == 0
    later = frame[held].reset_index(drop=True)
    points, numbers = champion.scaled(later), champion.assign(later)[0]
    verdict = gate.decide(segment_gate._against(champion, champion, frame, points, numbers, later, config, 1))
    assert verdict.promoted is promoted
    assert promoted or f"moves 33.0% of customers for a gain in silhouette of {gain:.4f}" in verdict.reason


def test_other_words_for_the_same_segments_are_worth_a_new_version():
    config = declared(features=NAMES, k_min=2, k_max=4)
    champion, _ = found(planted(), config)
    words = {"orders_90d": {"high": "frequent", "low": "rare"}, "revenue_90d": {"high": "big", "low": "small"}}
    verdict = gate.decide(found(planted(), declared(features=NAMES, k_min=2, k_max=4, words=words), champion)[1])
    assert verdict.promoted, verdict.reason
    assert "with names that hold now" in verdict.reason


def test_customers_of_a_retailer_never_seen_fall_apart_in_segments_that_hold():
    """Customer personality data: spend, purchases and visits of 2,240 customers. Names are true and all different."""
    table = shared_data.folder("segmentation_marketing_campaign") / "marketing_campaign.csv.gz"
    data = pd.read_csv(table, sep=None, engine="python")
    names = ["Income", "Recency", "MntWines", "MntMeatProducts", "NumDealsPurchases", "NumWebPurchases",
             "NumCatalogPurchases", "NumStorePurchases", "NumWebVisitsMonth"]  # fmt: skip
    model, checks = found(data[names].astype(float), declared(features=names, k_min=3, k_max=6))
    verdict = gate.decide(checks)
    assert verdict.promoted, verdict.reason
    assert {check.name: check for check in checks}["stability"].value > 0.85
    assert len(set(model.names)) == len(model.names)
    numbers, filled = model.assign(data)[0], data[names].astype(float).fillna(data[names].median())
    for number, claims in enumerate(model.claims):
        for feature, side in claims:
            mine, all_of_them = filled[feature][numbers == number].median(), filled[feature].median()
            assert (mine > all_of_them) if side == "high" else (mine < all_of_them), (model.names[number], feature)
