"""The churn classifier on published data, and on data that cannot be learned from."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from jobs.errors import NotTrainable
from jobs.models.classify import chances, classifier


def customers(count=400, seed=0):
    """Customers who leave more often the longer ago they ordered; noise tells nothing."""
    random = np.random.default_rng(seed)
    recency = random.integers(0, 84, count).astype(float)
    frame = pd.DataFrame({"recency_days": recency, "noise": random.normal(size=count)})
    return frame, (random.random(count) < recency / 100).astype(int)


def fit(frame, label, **parameters):
    return classifier.fit(frame, label, np.arange(len(frame)), 1, parameters)


def cross_validated(frame, label):
    """Mean held-out AUC over the five folds the published references used (stratified, seed 0)."""
    aucs = []
    for learn, held in StratifiedKFold(5, shuffle=True, random_state=0).split(frame, label):
        model = fit(frame.iloc[learn], label[learn])
        aucs.append(roc_auc_score(label[held], classifier.predict(model, frame.iloc[held])))
    return float(np.mean(aucs))


def numbers(frame):
    """Text columns as one 0/1 column per value; column names free of characters LightGBM refuses."""
    wide = pd.get_dummies(frame).astype(float)
    return wide.set_axis([f"f{i}" for i in range(wide.shape[1])], axis=1)


def test_telco_churn_reaches_the_published_auc(published):
    """IBM Telco Customer Churn: logistic regression 0.8454, gradient boosting 0.8462 on these folds."""
    data = pd.read_csv(published("churn_ibm_telco") / "telco_customer_churn.csv.gz")
    data["TotalCharges"] = pd.to_numeric(data["TotalCharges"], errors="coerce")
    label = (data["Churn"] == "Yes").to_numpy(dtype=int)
    assert cross_validated(numbers(data.drop(columns=["customerID", "Churn"])), label) >= 0.8462


def test_campaign_response_reaches_the_published_auc(published):
    """Customer personality data, answer to the last campaign: gradient boosting 0.884 on these folds."""
    data = pd.read_csv(
        published("segmentation_marketing_campaign") / "marketing_campaign.csv.gz", sep=None, engine="python"
    )
    data["Dt_Customer"] = pd.to_datetime(data["Dt_Customer"], format="%d-%m-%Y").map(pd.Timestamp.toordinal)
    label = data["Response"].to_numpy(dtype=int)
    assert cross_validated(numbers(data.drop(columns=["ID", "Response"])), label) >= 0.884


def test_the_same_rows_give_the_same_model_byte_for_byte():
    frame, label = customers()
    assert fit(frame, label).model_to_string() == fit(frame.copy(), label.copy()).model_to_string()


def test_empty_values_are_learned_from_and_predicted():
    frame, label = customers()
    frame.loc[label == 1, "noise"] = np.nan
    model = fit(frame, label)
    empty, present = classifier.predict(model, pd.DataFrame({"recency_days": [40.0, 40.0], "noise": [np.nan, 0.0]}))
    assert empty > 0.8 > 0.2 > present


def test_a_constant_feature_does_no_harm_and_gets_no_importance():
    frame, label = customers()
    model = fit(frame.assign(constant=1.0), label)
    assert classifier.importance(model)["constant"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame, label: (frame, np.zeros_like(label)), "0 rows have the outcome and 400 have not"),
        (lambda frame, label: (frame.iloc[:15], label[:15]), "at least 10 of each are needed"),
        (lambda frame, label: (frame.assign(recency_days=1.0, noise=np.nan), label), "every feature is constant"),
        (lambda frame, label: (frame.assign(noise=np.inf), label), "features noise are infinite"),
        (lambda frame, label: (frame, np.where(label == 1, np.nan, 0.0)), "values other than 0 and 1"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_the_reason(change, message):
    frame, label = change(*customers())
    with pytest.raises(NotTrainable, match=message):
        fit(frame, label)


def test_reasons_are_the_strongest_contributions_in_words():
    rows = pd.DataFrame({"recency_days": [80.0, 1.0], "noise": [0.0, np.nan]})
    parts = np.array([[0.9, 0.1], [-0.2, -0.8]])
    found = classifier.in_words(
        ["recency_days", "noise"], rows, parts, {"recency_days": "days since last order"}, "the risk", top=1
    )
    assert found == [["days since last order: 80 (raises the risk)"], ["noise: none (lowers the risk)"]]


def test_metrics_of_perfect_and_of_useless_probabilities():
    label = np.array([1] * 10 + [0] * 90)
    perfect = classifier.metrics(label, label.astype(float))
    assert (perfect["auc"], perfect["lift_top_decile"], perfect["calibration_error"]) == (1, 10, 0)
    useless = classifier.metrics(label, np.full(100, 0.1))
    assert useless["auc"] == 0.5
    assert useless["brier"] == pytest.approx(0.09)


def test_rows_with_one_score_share_their_outcomes_so_that_their_order_does_not_decide_lift():
    label = np.array([1] * 20 + [0] * 180)
    for order in (np.arange(200), np.arange(200)[::-1]):
        shuffled = label[order]
        assert classifier.lift(shuffled, np.zeros(200), 0.1) == pytest.approx(1)
        assert classifier.metrics(shuffled, np.full(200, 0.1))["calibration_error"] == pytest.approx(0)
    half = np.where(np.arange(200) < 100, 0.5, 0.1)
    assert classifier.lift(label, half, 0.1) == classifier.lift(label[::-1], half[::-1], 0.1) == pytest.approx(2)


def test_two_halves_are_of_different_customers(monkeypatch):
    people = np.arange(800) // 2
    first, second = classifier.halves(800, people, 1)
    assert set(people[first]) | set(people[second]) == set(people)
    assert not set(people[first]) & set(people[second])
    monkeypatch.setattr(classifier, "HALF", 100)
    assert [int(half.sum()) for half in classifier.halves(800, people, 1)] == [100, 100], "fifty of two rows"


def test_of_many_rows_a_tenth_kept_aside_says_how_many_trees_there_are(monkeypatch):
    frame, label = customers(3000)
    monkeypatch.setattr(classifier, "MANY", 3000)
    (aside,) = classifier.grown(frame, label, np.arange(3000) // 2, 1).aside
    assert (len(aside.learned), len(aside.held)) == (2700, 300)
    assert not set(aside.learned // 2) & set(aside.held // 2), "no customer is on both sides"
    assert roc_auc_score(label[aside.held], aside.odds) > 0.75


def test_early_stopping_decides_how_many_trees_there_are():
    frame, label = customers(3000)
    assert 10 < fit(frame, label).num_trees() < 600
    slow = fit(frame, label, learning_rate=0.004).num_trees()
    assert 600 < slow < classifier.MAX_ROUNDS


def test_calibration_makes_promises_true_and_keeps_their_order():
    random = np.random.default_rng(0)
    truth = random.uniform(0.05, 0.95, 4000)
    label, told = (random.random(4000) < truth).astype(int), 0.5 * truth
    slope, intercept = classifier.calibration(label, told)
    made = chances.calibrated(told, slope, intercept)
    assert made.mean() == pytest.approx(label.mean(), abs=0.002)
    assert (np.argsort(made) == np.argsort(told)).all()
    error, by_chance = classifier.calibration_error(label, told)
    assert error > 0.2
    assert by_chance < 0.02


def test_a_score_that_says_nothing_or_the_opposite_is_not_turned_round_by_calibration():
    label = np.array([1, 0] * 50)
    assert classifier.calibration(label, np.where(label == 1, 0.3, 0.7)) == (1.0, 0.0)


def test_the_input_example_of_a_model_is_nobodys_data():
    frame = pd.DataFrame({"a": [1.0, 2.0, 9.0], "b": [np.nan, np.nan, np.nan]})
    assert classifier.typical_row(frame, ["a", "b"]).to_dict("records") == [{"a": 2.0, "b": 0.0}]
