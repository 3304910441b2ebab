"""Features, training and scores on a lake: a small shop whose customers leave for a reason."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jobs.activity import traits
from jobs.config.sources.source import Source
from jobs.errors import ModelRefused
from jobs.identity.identifiers import identifier_hash
from jobs.lake.lake import Lake
from jobs.models import models, registry, scoring
from jobs.models.classify import outcomes
from jobs.models.registry import Registry
from tests.models.shop_rows import orders_of, people_of, table

DAY = dt.date(2017, 6, 30)
BETTER = registry.Verdict(True, "better")
MODELS = {
    "segmentation": {
        "features": ["recency_days", "orders_90d", "revenue_90d"],
        "words": {"orders_90d": {"high": "frequent", "low": "occasional"}},
        "k_min": 2,
        "k_max": 4,
        "minimum_share": 0.02,
        "minimum_separation": -1,  # what is refused is told in test_segment_gate.py
        "minimum_stability": 0,
        "minimum_retrain_agreement": 0,
    },
    "churn": {"training_snapshots": 3, "evaluation_snapshots": 1, "active_days": 56, "minimum_auc": 0.55},
}


def shop_orders(customers=240, seed=0):
    """Orders of half a year: regular customers order every week or so, fading ones ever less often."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        fading = number % 2
        day, gap = dt.date(2017, 1, 1) + dt.timedelta(days=int(random.integers(0, 20))), 7.0
        while day <= DAY:
            rows.append((f"card{number:03d}", day, 40 if fading else 90))
            gap = gap * random.uniform(1.0, 1.4) if fading else 7.0
            day += dt.timedelta(days=max(1, int(random.exponential(gap))))
    return rows


def hashes(lake):
    """Content of every table of this step."""
    names = ("models/features", "models/scores", "models/segments", "models/segment_moves", "models/evaluations")
    return {name: lake.content_hash(name) for name in names}


def fill(settings, arrived=None, joined=()):
    """The typed orders of the shop and the identity of each loyalty card."""
    lake = Lake.of(settings)
    found = shop_orders()
    people = people_of((card for card, _, _ in found), settings)
    if joined:
        card, other, day = joined
        first, second = (next(one for one in people if one["customer_id"] == f"c{name}") for name in (card, other))
        second["customer_id"] = first["customer_id"]
        link = {"left": first["identifier"], "right": second["identifier"], "rule": "login", "first_seen": day}
        lake.replace("identity/links", table("identity/links", [link | {"state": "used"}]), lake.transaction("l", DAY))
    lake.append("valid/orders", orders_of(found, arrived), lake.transaction("load", DAY))
    lake.replace("identity/map", table("identity/map", people), lake.transaction("identify", DAY))
    return lake


def test_a_history_in_one_file_trains_the_same_model_as_its_daily_files(small_shop):
    settings = small_shop(MODELS)
    fill(settings)
    in_one = replace(settings, general=settings.general.model_copy(update={"lake": "var/in_one_file"}))
    fill(in_one, arrived=DAY)
    first = models.train("churn", DAY, settings)
    assert first["decision"] == "promoted", first
    assert models.train("churn", DAY, in_one) == first
    assert len(Registry(settings).versions("churn")) == 1, "the same rows to the last digit: nothing new to register"


def test_what_is_learned_of_a_past_day_is_of_the_people_of_that_day_and_not_of_those_joined_since(small_shop):
    settings = small_shop(MODELS)
    apart = fill(settings)
    elsewhere = replace(settings, general=settings.general.model_copy(update={"lake": "var/joined"}))
    joined = fill(elsewhere, joined=("card000", "card001", dt.date(2017, 6, 25)))

    def learned(lake, of):
        reads = ["valid/orders", "valid/rates", "identity/map", "identity/links"]
        found = outcomes.split(lake.transaction("look", DAY, reads=reads), DAY, of.learned["churn"], of)
        frame = pd.concat([found.learn, found.judge])
        names = ["day", *of.models.features]
        return frame[names].sort_values(names, ignore_index=True), frame

    now, _ = learned(apart, settings)
    then, rows = learned(joined, elsewhere)
    pd.testing.assert_frame_equal(now, then)
    assert rows.groupby("day")["customer_id"].nunique().sum() == len(rows)


def test_a_company_of_contacts_alone_goes_on_and_each_model_says_what_it_waits_for(small_shop):
    """No orders and no events; numbers that nobody has, and one that everybody has."""
    since = {"title": "Days known", "over": "contacts", "value": "max(days_ago)", "type": "bigint"}
    settings = small_shop(MODELS, {"known_days": since})
    lake = Lake.of(settings)
    noon = dt.datetime.combine(DAY, dt.time(12), dt.UTC)
    known = [{"source": "crm", "contact_id": f"k{n}", "updated_at": noon, "arrived": DAY, "line": n} for n in range(30)]
    people = [
        {"identifier": identifier_hash("contact", f"crm:k{n}", settings), "kind": "contact", "customer_id": f"c{n}"}
        for n in range(30)
    ]
    lake.append("valid/contacts", table("valid/contacts", known), lake.transaction("load", DAY))
    lake.replace("identity/map", table("identity/map", people), lake.transaction("identify", DAY))

    assert traits.run(DAY, settings)["in_features"] == 30
    told = {name: models.train(name, DAY, settings) for name in ("churn", "segmentation")}
    assert {name: one["decision"] for name, one in told.items()} == {"churn": "waiting", "segmentation": "waiting"}
    assert told["churn"]["reason"].startswith("there are no orders")
    assert told["segmentation"]["reason"].startswith("nobody in models/features has a 'recency_days'")
    assert all("it waits for the first" in one["reason"] for one in told.values())
    assert scoring.run(DAY, settings)["rows"] == 0


def test_a_history_that_is_said_to_count_from_its_arrival_waits(small_shop):
    columns = {name: name for name in ("order_id", "updated_at", "ordered_at", "loyalty_id", "status", "total")}
    dataset = {"files": "x.csv", "columns": columns, "known": "arrival"}
    settings = small_shop(MODELS)
    source = Source(source="pos", group="pos", datasets={"orders": dataset})
    late = replace(settings, sources={**settings.sources, "pos": source})
    fill(late, arrived=DAY)
    assert models.train("churn", DAY, late)["decision"] == "waiting"


@pytest.fixture
def shop(small_shop):
    settings = small_shop(MODELS)
    return settings, fill(settings)


def test_a_shop_is_trained_and_scored_and_doing_it_again_changes_nothing(shop):
    settings, lake = shop
    assert traits.run(DAY, settings)["in_features"] == 240
    results = [models.train("segmentation", DAY, settings), models.train("churn", DAY, settings)]
    assert [result["decision"] for result in results] == ["promoted", "promoted"], results
    scored = scoring.run(DAY, settings)
    before = hashes(lake)

    assert traits.run(DAY, settings)["in_features"] == 240
    assert [models.train("segmentation", DAY, settings), models.train("churn", DAY, settings)] == results
    assert scoring.run(DAY, settings) == scored
    assert hashes(lake) == before
    assert [len(Registry(settings).versions(name)) for name in ("segmentation", "churn")] == [1, 1]

    rows = lake.arrow("models/scores", day=DAY).to_pylist()
    segments = [row for row in rows if row["model"] == "segmentation"]
    risks = [row for row in rows if row["model"] == "churn"]
    assert len(segments) == 240
    assert {row["label"] for row in segments} == set(lake.arrow("models/segments")["segment"].to_pylist())
    assert all(row["model_version"] == "1" and row["reasons"] for row in rows)
    assert len(risks) == 240, "everybody has a score"
    assert all(0 <= row["score"] <= 1 and len(row["reasons"]) == (3 if row["basis"] == "model" else 1) for row in risks)
    recency = dict(
        lake.arrow("models/features", day=DAY).select(["customer_id", "recency_days"]).to_pandas().to_numpy()
    )
    assert {row["basis"] for row in risks} == {"model", "recency"}
    assert all((row["basis"] == "model") is (recency[row["customer_id"]] < 56) for row in risks)
    assert scored["churn"]["drift"] is False, "on the day of training nobody has drifted"
    fading = [row["score"] for row in risks if int(row["customer_id"][-3:]) % 2]
    regular = [row["score"] for row in risks if not int(row["customer_id"][-3:]) % 2]
    assert np.mean(fading) > 2 * np.mean(regular)


def test_an_evaluation_keeps_every_metric_with_the_verdict(shop):
    settings, lake = shop
    result = models.train("churn", DAY, settings)
    kept = {row["metric"]: row for row in lake.arrow("models/evaluations").to_pylist()}
    assert kept["auc"]["value"] == pytest.approx(result["auc"], abs=1e-4)
    assert {"baseline_auc", "logistic_auc", "calibration_error"} <= set(kept)
    assert {(row["decision"], row["model_version"]) for row in kept.values()} == {(result["decision"], "1")}


def test_a_version_remembers_the_data_it_was_trained_on(shop):
    settings, lake = shop
    models.train("churn", DAY, settings)
    tags = Registry(settings).champion("churn").tags
    assert f'"valid/orders": {lake.version("valid/orders")}' in tags["data_version"]


def test_a_model_is_not_trained_for_a_day_before_that_of_its_champion(shop):
    settings, _ = shop
    models.train("churn", DAY, settings)
    earlier = models.train("churn", DAY - dt.timedelta(days=1), settings)
    assert earlier["decision"] == "waiting"
    assert "after 2017-06-29" in earlier["reason"]


def test_too_little_history_waits_and_says_until_when(shop):
    settings, _ = shop
    result = models.train("churn", dt.date(2017, 2, 1), settings)
    assert result["decision"] == "waiting"
    ready = dt.date.fromisoformat(result["reason"].split()[-1])
    assert "orders begin on 2017-01-01" in result["reason"]
    assert models.train("churn", ready - dt.timedelta(days=1), settings)["decision"] == "waiting"
    assert "orders begin" not in models.train("churn", ready, settings)["reason"]


def test_a_model_without_champion_is_left_out_of_the_scores_with_the_reason(shop):
    settings, lake = shop
    early = dt.date(2017, 2, 1)
    traits.run(early, settings)
    models.train("segmentation", early, settings)
    models.train("churn", early, settings)
    result = scoring.run(early, settings)
    assert result["churn"]["scored"] == 0
    assert "orders begin on 2017-01-01" in result["churn"]["reason"]
    assert set(lake.arrow("models/scores")["model"].to_pylist()) == {"segmentation"}


def test_scoring_before_any_training_fails_and_says_what_to_run(shop):
    settings, _ = shop
    traits.run(DAY, settings)
    with pytest.raises(ModelRefused, match="klantreis run --until train"):
        scoring.run(DAY, settings)


def test_a_day_on_which_nobody_has_ordered_yet_has_no_scores_and_says_why(shop):
    settings, lake = shop
    traits.run(DAY, settings)
    for name in ("segmentation", "churn"):
        models.train(name, DAY, settings)
    before = dt.date(2016, 12, 1)
    traits.run(before, settings)
    result = scoring.run(before, settings)
    assert {name: result[name]["scored"] for name in ("segmentation", "churn")} == {"segmentation": 0, "churn": 0}
    assert result["rows"] == lake.rows("models/scores", day=before) == 0
    assert lake.rows("models/features", day=before) == 0


def test_scoring_a_day_without_features_fails_and_says_so(shop):
    settings, _ = shop
    traits.run(DAY, settings)
    models.train("segmentation", DAY, settings)
    models.train("churn", DAY, settings)
    with pytest.raises(ModelRefused, match="no customers for 2017-06-29; run the traits step"):
        scoring.run(DAY - dt.timedelta(days=1), settings)


def test_without_the_registry_nothing_is_trained_or_scored_and_scores_stay_those_of_their_day(shop, monkeypatch):
    settings, lake = shop
    traits.run(DAY, settings)
    for name in ("segmentation", "churn"):
        models.train(name, DAY, settings)
    scoring.run(DAY, settings)
    before, later = hashes(lake), DAY + dt.timedelta(days=1)
    traits.run(later, settings)
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        away.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        for step in (lambda: scoring.run(later, settings), lambda: models.train("churn", later, settings)):
            with pytest.raises(ModelRefused, match=r"the model registry at http://127\.0\.0\.1:9 cannot be used"):
                step()
    assert {name: hashes(lake)[name] for name in ("models/scores", "models/evaluations")} == {
        name: before[name] for name in ("models/scores", "models/evaluations")}  # fmt: skip
    assert set(lake.arrow("models/scores")["day"].to_pylist()) == {DAY}
    assert Registry(settings).champion("churn").number == "1"


def test_scores_follow_a_rollback(shop, small_shop):
    settings, lake = shop
    traits.run(DAY, settings)
    models.train("segmentation", DAY, settings)
    models.train("churn", DAY, settings)
    scoring.run(DAY, settings)
    found = Registry(settings)
    first = found.champion("churn")
    eager = small_shop({**MODELS, "churn": {**MODELS["churn"], "parameters": {"num_leaves": 4}}})
    models.train("churn", DAY, eager)
    second = found.versions("churn")[0]
    if found.champion("churn").number == first.number:  # which of the two is better is not what this is about
        found.settle(registry.Version("churn", second.number, second.run_id, second.tags | {"settled": ""}), BETTER)
    assert scoring.run(DAY, settings)["churn"]["version"] == "2"
    registry.rollback("churn", settings)
    assert scoring.run(DAY, settings)["churn"]["version"] == first.number
    versions = {row["model_version"] for row in lake.arrow("models/scores").to_pylist() if row["model"] == "churn"}
    assert versions == {first.number}


def test_customers_who_changed_are_noticed_and_make_training_due(shop):
    settings, lake = shop
    traits.run(DAY, settings)
    models.train("segmentation", DAY, settings)
    models.train("churn", DAY, settings)
    assert scoring.run(DAY, settings)["segmentation"]["drift"] is False
    later = DAY + dt.timedelta(days=3)
    silent = lake.arrow("models/features", day=DAY).to_pandas().assign(day=later, recency_days=200.0, orders_90d=0.0)
    schema = lake.contract("models/features").arrow_schema()
    txn = lake.transaction("features", later)
    lake.replace("models/features", pa.Table.from_pandas(silent, schema, preserve_index=False), txn, day=later)
    assert not registry.training_due("segmentation", later, settings)
    result = scoring.run(later, settings)
    assert result["drift"] is True
    assert {"recency_days", "orders_90d"} <= set(result["segmentation"]["worst"])
    assert registry.training_due("segmentation", later, settings)
