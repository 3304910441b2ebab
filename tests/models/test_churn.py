"""Churn is learned from the past and judged on what came later."""

import datetime as dt
import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from jobs.activity.known_rows import Known
from jobs.config.models.classify import Classify
from jobs.models.classify import chances, classify, outcomes
from jobs.models.registry import Registry, Version
from tests.company import CHURN
from tests.models.served import served

SHIPPED = Path(__file__).resolve().parents[2] / "config"
DAY = dt.date(2017, 12, 28)
NAMES = yaml.safe_load((SHIPPED / "models.yaml").read_text())["features"]


@pytest.mark.parametrize("evaluated", [1, 2, 3])
@pytest.mark.parametrize("horizon", [7, 28, 30])
def test_no_outcome_learned_from_reaches_into_the_period_judged_on(horizon, evaluated):
    label = {**CHURN["label"], "within_days": horizon}
    config = Classify(**{**CHURN, "label": label}, evaluation_snapshots=evaluated, training_snapshots=4)
    learned, judged = outcomes.snapshots(DAY, config, config.label.horizon)
    assert len(learned) == 4
    assert len(judged) == evaluated
    assert max(learned) + dt.timedelta(days=horizon) <= min(judged)
    assert max(judged) + dt.timedelta(days=horizon) <= DAY


def order(day, customer="anna", **more):
    moment = f"{day} 10:00:00"
    return {"order_id": f"{customer}{day}", "loyalty_id": customer, "ordered_at": moment, "total": 20, **more}


def label(shop_tables, small_shop, orders, as_of=dt.date(2017, 7, 31), days=(dt.date(2017, 6, 30),)):
    loaded = small_shop()
    known = Known(*shop_tables(loaded, orders), list(days), loaded)
    now = replace(known, days=[as_of])
    rows = outcomes.labelled(known, now, loaded.learned["churn"]).collect()
    return {(row["day"], row["customer_id"]): row["outcome"] for row in rows}


@pytest.mark.parametrize(
    ("next_order", "churned"), [("2017-06-30", 1), ("2017-07-01", 0), ("2017-07-28", 0), ("2017-07-29", 1), (None, 1)]
)
def test_a_customer_churned_if_no_order_follows_within_28_days_after_the_day(
    shop_tables, small_shop, next_order, churned
):
    orders = [order("2017-06-01")] + ([order(next_order)] if next_order else [])
    assert set(label(shop_tables, small_shop, orders).values()) == {churned}


def test_the_model_looks_at_who_was_away_for_less_than_so_many_days_or_than_their_own_rhythm():
    frame = pd.DataFrame({"recency_days": [83, 84, 200, 200, np.nan], "patience": [7.0, np.nan, 150, 250, 90]})
    looked_at = partial(outcomes.is_active, frame, recency="recency_days")
    assert looked_at(84, None).tolist() == [True, False, False, False, False]
    assert looked_at(84, "patience").tolist() == [True, False, False, True, False]
    assert looked_at(None, None).all(), "without a limit, at everybody"


def test_an_order_that_was_cancelled_by_the_training_day_is_no_return(shop_tables, small_shop):
    versions = [
        order("2017-06-01"),
        order("2017-07-10", order_id="o2", updated_at="2017-07-10"),
        order("2017-07-10", order_id="o2", updated_at="2017-07-20", arrived="2017-07-20", status="cancelled"),
    ]
    assert set(label(shop_tables, small_shop, versions).values()) == {1}
    assert set(label(shop_tables, small_shop, versions, as_of=dt.date(2017, 7, 19)).values()) == {0}


def test_each_snapshot_day_has_its_own_outcome(shop_tables, small_shop):
    days = (dt.date(2017, 5, 31), dt.date(2017, 6, 30))
    found = label(shop_tables, small_shop, [order("2017-05-01"), order("2017-06-15")], days=days)
    assert found == {(days[0], "anna"): 0, (days[1], "anna"): 1}


def split(count=1500, seed=0, informative=True):
    """Snapshots of made-up customers who leave when they ordered long ago, are unhappy, or order ever less."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({name: random.normal(size=2 * count) for name in NAMES})
    frame["recency_days"] = random.integers(0, 84, 2 * count).astype(float)
    frame["nps_last"] = random.integers(0, 11, 2 * count).astype(float)
    unhappy, falling = (10 - frame["nps_last"]) / 10, (frame["trend"] < 0).astype(float)
    risk = 0.3 * frame["recency_days"] / 84 + 0.3 * unhappy + 0.3 * falling if informative else 0.3
    frame["outcome"] = (random.random(2 * count) < risk).astype(int)
    frame["customer_id"] = [f"c{i % count}" for i in range(2 * count)]
    frame["day"] = [DAY - dt.timedelta(days=56)] * count + [DAY - dt.timedelta(days=28)] * count
    return outcomes.Split(frame.iloc[:count].reset_index(drop=True), frame.iloc[count:].reset_index(drop=True))


def challenge(data, settings, champion):
    return classify.challenge(data, settings.learned["churn"], settings, champion)


def loaded(registry, trained, day="2017-06-30", fingerprint="f"):
    version = registry.register("churn", trained, {"day": day, "fingerprint": fingerprint})
    return classify.load(registry, version)


def test_a_model_that_knows_more_than_recency_is_promoted_and_logged_with_its_baselines(model_settings):
    trained, verdict = challenge(split(), model_settings(), None)
    assert verdict.promoted, verdict.reason
    assert trained.metrics["auc"] > trained.metrics["baseline_auc"] > 0.6
    assert {"logistic_auc", "brier", "calibration_error", "judged_rows", "stability.limit"} <= set(trained.metrics)
    assert {"roc.png", "precision_recall.png", "gain.png", "calibration.png", "importance.png",
            "contributions.png"} == set(trained.figures)  # fmt: skip


def test_who_decides_finds_in_tables_what_each_threshold_and_the_champion_would_have_done(model_settings):
    costs = {"contact": 1.0, "margin": 10.0, "success": 0.5}
    settings = model_settings({"churn": {"costs": costs, "gate": {"fairness": ["orders_28d"]}}})
    champion = loaded(Registry(settings), challenge(split(), settings, None)[0])
    data = split()
    trained, _ = challenge(data, settings, champion)
    assert "costs.png" in trained.figures
    tables = {name: pd.read_csv(io.StringIO(text)) for name, text in trained.tables.items()}
    for row in tables["thresholds.csv"].to_dict("records"):
        assert row["profit"] == pytest.approx(row["found"] * 5 - row["approached"], abs=0.01)
        assert row["recall"] == pytest.approx(row["found"] / data.judge["outcome"].sum(), abs=1e-6)
    assert tables["champion_and_challenger.csv"]["who"].tolist() == [
        "challenger", "recency_days", "logistic regression", "champion"]  # fmt: skip
    assert len(tables["fairness_orders_28d.csv"]) == 4
    assert "orders_28d" not in set(tables["importance.csv"]["feature"]), "compared, not learned from"
    assert {"first_half", "second_half"} <= set(tables["importance.csv"])
    gain = tables["gain.csv"]
    assert gain["found"].is_monotonic_increasing
    assert (gain["found_low"] <= gain["found"]).all()
    assert (gain["found"] <= gain["found_high"]).all()
    assert gain["lift"].iloc[-1] == pytest.approx(1)


def test_a_label_that_leaked_into_a_feature_is_refused_by_name(model_settings):
    """`overdue` was filled in after the outcome was known."""
    data = split()
    for rows in (data.learn, data.judge):
        rows["overdue"] = np.where(rows["outcome"] == 1, 30.0, rows["overdue"])
    trained, verdict = challenge(data, model_settings(), None)
    assert trained.metrics["auc"] > 0.97, "a model that learned from it looks splendid"
    assert not verdict.promoted
    assert verdict.reason.startswith("feature overdue alone reaches AUC 1.0")


def test_a_model_promises_the_same_where_mlflow_is_installed_and_klantreis_is_not(model_settings, tmp_path):
    settings = model_settings()
    trained, _ = challenge(split(), settings, None)
    registry = Registry(settings)
    champion = loaded(registry, trained)
    files = registry.files(champion.version)
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]
    assert all("==" in line for line in files["requirements.txt"].decode().split())
    asked = split(20, seed=9).judge[NAMES]
    here = chances.calibrated(champion.model.predict(asked), *champion.calibration)
    folder = next((tmp_path / "mlruns" / "artifacts").rglob("MLmodel")).parent
    assert served(folder, asked.to_dict("list"), tmp_path) == pytest.approx(here.tolist())


def test_promises_are_made_true_by_the_later_period(model_settings):
    """More leave in the period judged on: what was learned before promises too little, what is used does not."""
    data = split(3000)
    extra = np.random.default_rng(1).random(len(data.judge)) < 0.25
    data.judge["outcome"] = np.where(extra, 1, data.judge["outcome"])
    settings = model_settings()
    trained, _ = challenge(data, settings, None)
    champion = loaded(Registry(settings), trained)
    raw = champion.model.predict(data.judge)
    seen = data.judge["outcome"].mean()
    assert raw.mean() < seen - 0.1
    assert chances.calibrated(raw, *champion.calibration).mean() == pytest.approx(seen, abs=0.005)
    assert trained.metrics["promised_share"] == pytest.approx(seen, abs=0.02)


def test_a_model_that_learned_from_noise_is_refused_for_its_auc(model_settings):
    _, verdict = challenge(split(informative=False), model_settings(), None)
    assert not verdict.promoted
    assert "below the minimum 0.6" in verdict.reason


def test_a_worse_challenger_is_refused_on_the_same_held_out_customers(model_settings):
    settings = model_settings()
    good, _ = challenge(split(), settings, None)
    champion = loaded(Registry(settings), good)
    worse = model_settings({"churn": {"features": ["recency_days", "trend"]}})
    trained, verdict = challenge(split(), worse, champion)
    assert not verdict.promoted
    assert trained.metrics["champion_auc"] == pytest.approx(good.metrics["auc"])
    assert "does not beat the champion: AUC" in verdict.reason
    assert f"against the champion's {good.metrics['auc']:.4f}" in verdict.reason


def test_a_better_challenger_takes_the_place_of_the_champion(model_settings):
    blind = model_settings({"churn": {"features": ["trend", "gap_days"]}})
    first, _ = challenge(split(), blind, None)
    champion = loaded(Registry(blind), first)
    trained, verdict = challenge(split(), model_settings(), champion)
    assert verdict.promoted, verdict.reason
    assert trained.metrics["auc"] > trained.metrics["champion_auc"]


def test_a_model_read_back_from_the_registry_scores_as_the_one_that_was_trained(model_settings):
    settings = model_settings()
    data = split()
    trained, _ = challenge(data, settings, None)
    champion = loaded(Registry(settings), trained)
    again, _ = challenge(data, settings, champion)
    assert again.metrics["champion_auc"] == trained.metrics["auc"]
    assert (champion.active_days, champion.horizon_days) == (84, 28)
    assert set(champion.reference) == set(NAMES)


def test_nothing_logged_with_a_model_names_a_customer(model_settings, tmp_path):
    settings = model_settings()
    trained, _ = challenge(split(), settings, None)
    loaded(Registry(settings), trained)
    artifacts = (tmp_path / "mlruns" / "artifacts").rglob("*")
    texts = [path.read_text() for path in artifacts if path.is_file() and path.suffix != ".png"]
    assert texts
    assert not [text for text in texts if '"c17"' in text or "customer_id" in text]


def test_a_version_remembers_the_day_it_was_trained_for():
    assert Version("churn", "1", "", {"day": "2017-06-30"}).day == dt.date(2017, 6, 30)
