"""Whom it helps to approach: learned from a draw by chance, and used only if it orders customers beyond chance.

About 12 seconds, four of them for a published experiment.
"""

import datetime as dt
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from jobs.activity import traits
from jobs.config.models.classify import Label
from jobs.config.models.uplift import Uplift
from jobs.config.settings import load_settings
from jobs.errors import NotTrainable
from jobs.lake.lake import Lake
from jobs.models import models, scoring
from jobs.models.classify.outcomes import LABEL, outcomes
from jobs.models.registry import Registry
from jobs.models.uplift import uplift, uplift_fit, uplift_rows
from jobs.models.uplift.uplift_fit import Draw
from jobs.models.uplift.uplift_rows import TREATED, Split
from tests.company import FOR_PEOPLE
from tests.models.shop_rows import orders_of, people_of, table

DAY = dt.date(2017, 6, 30)
CAME_IN = dt.date(2017, 5, 1)
PROMOTION = Path(__file__).resolve().parents[2] / "benchmarks" / "promotion"
OF_DRAW = {
    "kind": "uplift", **FOR_PEOPLE, "treated": {"trait": "promotion", "values": ["Yes"]},
    "label": {"trait": "purchase", "values": [1]}, "worth": 10, "cost": 0.15,
}  # fmt: skip
OF_ACTION = {
    "kind": "uplift", **FOR_PEOPLE, "action": "winback", "label": {"rows_of": "recency_days", "within_days": 28},
    "worth": 10, "cost": 1,
}  # fmt: skip


def people(count, effect, seed):
    """Customers of an experiment: every second one approached; `effect` says how it changes a chance of 0.2."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"day": DAY, "customer_id": [f"{seed}-{n}" for n in range(count)]})
    rows["age"] = random.uniform(18, 90, count).round(1)
    rows["noise"] = random.normal(size=count).round(3)
    rows[TREATED] = random.integers(0, 2, count)
    chance = 0.2 + rows[TREATED] * effect(rows["age"])
    return rows.assign(**{LABEL: (random.random(count) < chance).astype(int)})


@pytest.fixture
def challenged(model_settings):
    declared = Uplift(**OF_DRAW | {"features": ["age", "noise"], "cost": 0.5})

    def challenge(effect, champion=None):
        rows = Split(people(6000, effect, 1), people(3000, effect, 2))
        return uplift.challenge(rows, declared, model_settings(), champion)

    return challenge


def test_a_planted_effect_is_found_and_approaching_those_it_names_brings_more_than_everybody(challenged):
    """The old buy more if approached, the young buy less: to approach everybody is in vain."""
    trained, verdict = challenged(lambda age: np.where(age > 54, 0.3, -0.15))
    assert verdict.promoted, verdict.reason
    assert trained.metrics["qini.low"] > 0
    assert trained.metrics["incremental_rate"] > 0.2
    assert trained.metrics["gain_over_everybody.low"] > 0
    assert 0.35 < trained.metrics["chosen_share"] < 0.65


def test_an_effect_that_is_alike_for_everybody_gives_no_model(challenged):
    _, verdict = challenged(lambda age: 0.1)
    assert not verdict.promoted
    assert "does not order customers beyond chance" in verdict.reason


def test_the_qini_coefficient_of_four_people_by_hand():
    """Half are approached, so each outcome counts twice: gains 2, 2, 0, 0 against the line 0, 0, 0, 0 (in total 0)."""
    draw = Draw(np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0]), np.arange(4))
    assert uplift_fit.qini(np.array([4.0, 3.0, 2.0, 1.0]), draw) == pytest.approx((2 + 2 + 0 + 0) / 16)
    assert uplift_fit.qini(np.array([1.0, 3.0, 4.0, 2.0]), draw) == pytest.approx((-2 - 2 - 2 + 0) / 16)


def test_what_a_policy_brings_is_unbiased_whatever_share_is_approached():
    random = np.random.default_rng(0)
    treated = (random.random(200_000) < 0.8).astype(int)
    outcome = (random.random(200_000) < 0.1 + 0.05 * treated).astype(int)
    draw = Draw(treated, outcome, np.arange(200_000))
    value = uplift_fit.brought(np.ones(200_000, dtype=bool), draw, worth=10, cost=0.1).mean()
    assert value == pytest.approx(10 * 0.05 - 0.1, abs=0.04)


def test_without_both_arms_there_is_nothing_to_learn():
    draw = Draw(np.ones(5), np.zeros(5), np.arange(5))
    with pytest.raises(NotTrainable, match=r"all 5 customers were approached.*holdout"):
        uplift_fit.refuse_one_arm(draw, "winback")


def test_the_published_promotion_is_by_configuration_alone_sent_to_fewer_and_earns(published, monkeypatch):
    """The company of `benchmarks.uplift`, which lives it whole; here its model with larger steps, so fewer trees."""
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "test")
    settings = load_settings(PROMOTION)
    declared, parts = settings.learned["promotion"], []
    for name in ("train", "test"):
        told = pd.read_csv(published("uplift_starbucks_promo") / f"{name}.csv.gz").rename(columns=str.lower)
        drawn = outcomes(told["promotion"], Label(**declared.treated.model_dump())).to_numpy(dtype=int)
        bought = outcomes(told["purchase"].astype(float), declared.label).to_numpy(dtype=int)
        parts.append((told, Draw(drawn, bought, told["id"].to_numpy())))
    (learn, drawn), (judge, seen) = parts
    faster = {**declared.parameters, "learning_rate": 0.1}
    model = uplift_fit.fit(learn[declared.learned_from(settings.models)], drawn, settings.models.seed, faster)
    chosen = declared.worth * model.of(judge) > declared.cost
    found = uplift_fit.figures(chosen, seen, declared.worth, declared.cost)
    assert found["incremental_rate"] >= 0.0188
    assert found["net_value"] >= 189.45
    everybody = uplift_fit.figures(np.ones(len(judge), dtype=bool), seen, declared.worth, declared.cost)
    assert (round(everybody["incremental_rate"], 4), round(everybody["net_value"], 2)) == (0.0096, -1132.20)


def test_the_file_says_one_draw_and_an_outcome_that_fits_it():
    with pytest.raises(ValueError, match="either `action`"):
        Uplift(**OF_DRAW | {"action": "winback"})
    with pytest.raises(ValueError, match="say `rows_of`"):
        Uplift(**OF_ACTION | {"label": {"trait": "purchase", "values": [1]}})
    with pytest.raises(ValueError, match="without `within_days`"):
        Uplift(**OF_DRAW | {"label": {"trait": "purchase", "values": [1], "within_days": 3}})


def test_a_feature_that_knows_who_was_approached_is_refused_with_its_place(small_shop):
    settings = small_shop()
    settings.learned["winner"] = Uplift(**OF_DRAW | {"treated": {"trait": "orders_90d", "values": [1]},
                                                      "label": {"trait": "orders_28d", "values": [1]}})  # fmt: skip
    wrong = list(settings.learned["winner"].wrong(settings.models, settings.traits))
    assert (("treated", "trait"), "feature 'gap_days' is computed from it, so the model would know") in wrong


@pytest.fixture
def shop(small_shop):
    """600 customers who came into an action on one day, every second one held out. Who had paid 90 before comes back if
    approached; who had paid 40 does not, and comes back alone as often as any."""
    settings = small_shop()
    settings.learned.clear()
    settings.learned["persuadable"] = Uplift(**OF_ACTION)
    lake, random, lines = Lake.of(settings), np.random.default_rng(5), []
    for n in range(600):
        paid, approached = (90 if n % 4 < 2 else 40), n % 2 == 0
        days = [CAME_IN - dt.timedelta(days=int(random.integers(1, 60)))]
        if random.random() < (0.8 if approached and paid == 90 else 0.2):
            days.append(CAME_IN + dt.timedelta(days=int(random.integers(1, 28))))
        lines += [(f"card{n:03d}", day, paid) for day in days]
    cards = [f"card{n:03d}" for n in range(600)]
    arms = [
        {"audience": "winback", "customer_id": f"c{card}", "since": CAME_IN, "first_customer_id": f"c{card}",
         "because": "drawn", "arm": "treatment" if n % 2 == 0 else "holdout", "share": 0.5}
        for n, card in enumerate(cards)
    ]  # fmt: skip
    lake.append("valid/orders", orders_of(lines), lake.transaction("load", DAY))
    lake.replace("identity/map", table("identity/map", people_of(cards, settings)), lake.transaction("identify", DAY))
    lake.replace("decisions/arms", table("decisions/arms", arms), lake.transaction("draw", DAY), day=CAME_IN)
    return settings, lake


def test_an_action_with_a_holdout_teaches_whom_to_approach(shop):
    settings, lake = shop
    told = models.train("persuadable", DAY, settings)
    assert told["decision"] == "promoted", told
    assert models.train("persuadable", DAY, settings) == told, "the same day again learns nothing new"
    traits.run(DAY, settings)
    assert scoring.run(DAY, settings)["rows"] == 600
    scores = lake.arrow("models/scores", day=DAY).to_pandas()
    number = scores["customer_id"].str[-3:].astype(int)
    paid = number % 4 < 2
    assert scores[paid]["score"].mean() > 0.3, "whom approaching brings back"
    assert scores[paid]["score"].mean() > scores[~paid]["score"].mean() + 0.1
    assert set(scores["label"]) <= {"approach", "leave", "harm"}
    assert all("the effect" in reason for reasons in scores["reasons"] for reason in reasons)

    champion = Registry(settings).champion("persuadable")
    served = mlflow.pyfunc.load_model(f"models:/persuadable/{champion.number}")
    given = lake.arrow("models/features", day=DAY).to_pandas().sort_values("customer_id")
    effects = served.predict(given[settings.models.features].astype(float))
    np.testing.assert_allclose(effects, scores.sort_values("customer_id")["score"], atol=1e-6)


def test_what_is_known_of_customers_is_that_of_the_day_they_came_in(shop):
    settings, lake = shop
    read = ["valid/orders", "valid/rates", "identity/map", "identity/links", "decisions/arms"]
    rows = uplift_rows.split(lake.transaction("look", DAY, reads=read), DAY, settings.learned["persuadable"], settings)
    frame = pd.concat([rows.learn, rows.judge])
    assert len(frame) == 600
    assert set(frame["day"]) == {CAME_IN}
    assert (frame["orders_90d"] == 1).all(), "what they bought afterwards is the outcome, not a feature"
    assert frame[TREATED].mean() == 0.5
    assert set(rows.learn["customer_id"]).isdisjoint(rows.judge["customer_id"])


def test_an_action_whose_outcome_is_not_known_yet_says_from_when_it_can_learn(shop):
    settings, _ = shop
    told = models.train("persuadable", CAME_IN + dt.timedelta(days=10), settings)
    assert told["decision"] == "waiting"
    assert told["reason"].endswith("training can start on 2017-05-29")
    settings.learned["persuadable"] = Uplift(**OF_ACTION | {"action": "unknown"})
    assert "nobody was ever in the action 'unknown'" in models.train("persuadable", DAY, settings)["reason"]
