"""Models earn their alias, keep the way back, and are refused when they are not what was registered."""

import datetime as dt
import json

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import pytest

from jobs.errors import ModelRefused
from jobs.models import artifacts, registry, resealing
from jobs.models.gate import Verdict
from jobs.models.registry import Registry, Trained, training_due

PROMOTED, REFUSED = Verdict(True, "better"), Verdict(False, "worse")


@pytest.fixture
def booster():
    frame = pd.DataFrame({"recency_days": np.arange(200.0)})
    return lgb.train({"objective": "binary", "verbosity": -1}, lgb.Dataset(frame, np.arange(200) > 100), 2)


@pytest.fixture
def add(model_settings, booster):
    """`add(PROMOTED)`: register one more version of churn and settle it."""

    def version(verdict=None, day="2017-06-30", fingerprint="f1"):
        found = Registry(model_settings())
        trained = Trained(
            lambda: mlflow.lightgbm.log_model(booster, name="model", pip_requirements=["lightgbm"]),
            {"k": 1},
            {"auc": 0.8},
        )
        new = found.register("churn", trained, {"day": day, "fingerprint": fingerprint})
        return found.settle(new, verdict) if verdict else new

    return version


def test_a_promoted_version_is_champion_and_remembers_why(add, model_settings):
    version = add(PROMOTED)
    champion = Registry(model_settings()).champion("churn")
    assert champion.number == version.number
    assert (champion.tags["decision"], champion.tags["reason"]) == ("promoted", "better")


def test_a_refused_challenger_leaves_the_champion_and_keeps_its_reason(add, model_settings):
    first, second = add(PROMOTED), add(REFUSED, fingerprint="f2")
    found = Registry(model_settings())
    assert found.champion("churn").number == first.number
    assert found.find("churn", "fingerprint", "f2").tags["reason"] == "worse"
    assert found.absence("churn") == "worse"
    assert second.number == "2"


def test_rolling_back_is_one_step_and_can_be_repeated_until_the_first_champion(add, model_settings):
    add(PROMOTED), add(PROMOTED, fingerprint="f2"), add(PROMOTED, fingerprint="f3")
    assert registry.rollback("churn", model_settings()) == {"model": "churn", "champion": "2", "was": "3"}
    assert registry.rollback("churn", model_settings())["champion"] == "1"
    with pytest.raises(ModelRefused, match="no earlier champion"):
        registry.rollback("churn", model_settings())


def test_a_crash_between_the_decision_and_the_alias_is_finished_by_the_next_try(add, model_settings):
    add(PROMOTED)
    version = add(fingerprint="f2")
    found = Registry(model_settings())
    for key, value in {"decision": "promoted", "reason": "better", "previous_champion": "1"}.items():
        found.client.set_model_version_tag("churn", version.number, key, value)
    assert found.champion("churn").number == "1"
    found.settle(found.find("churn", "fingerprint", "f2"))
    assert found.champion("churn").number == "2"


def test_settling_twice_does_not_undo_a_rollback(add, model_settings):
    add(PROMOTED), add(PROMOTED, fingerprint="f2")
    found = Registry(model_settings())
    found.rollback("churn")
    found.settle(found.find("churn", "fingerprint", "f2"))
    assert found.champion("churn").number == "1"


def test_the_files_of_a_model_are_native_text_without_pickle_and_load_as_registered(add, model_settings):
    version = add(PROMOTED)
    files = Registry(model_settings()).files(version)
    assert lgb.Booster(model_str=files["model.lgb"].decode()).feature_name() == ["recency_days"]
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_model_whose_files_were_tampered_with_is_refused(add, model_settings, tmp_path, damage):
    version = add(PROMOTED)
    path = next((tmp_path / "mlruns" / "artifacts").rglob("model.lgb"))
    if damage == "changed":
        path.write_text(path.read_text().replace("leaf_value", "leaf_value ", 1))
    else:
        path.unlink()
    with pytest.raises(ModelRefused, match=r"churn version 1: file model\.lgb is"):
        Registry(model_settings()).files(version)


def test_changing_the_hashes_in_the_registry_too_does_not_help(add, model_settings, tmp_path):
    add(PROMOTED)
    path = next((tmp_path / "mlruns" / "artifacts").rglob("model.lgb"))
    path.write_text("tree")
    found = Registry(model_settings())
    forged = json.dumps(artifacts.manifest(path.parent), sort_keys=True)
    found.client.set_model_version_tag("churn", "1", "files", forged)
    with pytest.raises(ModelRefused, match="not sealed with this installation's hash key"):
        found.files(found.champion("churn"))


def test_after_a_new_key_a_model_is_used_again_once_a_person_vouched_for_it(add, model_settings, tmp_path, monkeypatch):
    add(PROMOTED)
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "new-key")
    refused = "is another one. Set the key it was trained with, train again, or"
    found = Registry(model_settings())
    with pytest.raises(ModelRefused, match=refused):
        found.files(found.champion("churn"))
    assert [len(one) for one in resealing.reseal("Ann", model_settings()).values()] == [0, 1], "no key is listed"
    monkeypatch.setenv("KLANTREIS_PREVIOUS_KEYS", "older test-key")
    assert resealing.reseal("Ann", model_settings()) == {"sealed": ["churn version 1"], "refused": []}
    champion = found.champion("churn")
    assert "model.lgb" in " ".join(found.files(champion))
    assert champion.tags["resealed_by"] == "Ann"
    assert resealing.reseal("Bob", model_settings()) == {"sealed": [], "refused": []}
    monkeypatch.setenv("KLANTREIS_HASH_KEY", "third")
    next((tmp_path / "mlruns" / "artifacts").rglob("model.lgb")).write_text("tree")
    assert [len(one) for one in resealing.reseal("Ann", model_settings()).values()] == [0, 1]


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../secret", "link"])
def test_a_path_that_leads_out_of_the_model_folder_is_refused(tmp_path, name):
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "model" / "link").symlink_to(tmp_path / "secret")
    files = {name: "0" * 64}
    with pytest.raises(ModelRefused, match="leads out of the model folder"):
        artifacts.verified(tmp_path / "model", files, artifacts.seal(files, "key"), "key", "model churn version 1")


def test_a_version_that_points_outside_the_artifact_folder_is_refused(add, model_settings, tmp_path):
    version = add(PROMOTED)
    found = Registry(model_settings())
    (tmp_path / "elsewhere").mkdir()
    tags = {**version.tags, "files": "{}", "seal": artifacts.seal({}, "test-key")}
    moved = found.client.create_model_version("churn", (tmp_path / "elsewhere").as_uri(), tags=tags)
    with pytest.raises(ModelRefused, match="its files are outside"):
        found.files(registry.Version("churn", str(moved.version), "", tags))


def test_a_version_registered_by_something_else_is_refused(add, model_settings):
    version = add(PROMOTED)
    with pytest.raises(ModelRefused, match="not registered by Klantreis"):
        Registry(model_settings()).files(registry.Version("churn", version.number, version.run_id, {}))


def test_an_unreachable_registry_is_named_without_its_password(model_settings, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:hunter2@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ModelRefused, match=r"http://127\.0\.0\.1:9 cannot be used") as error:
        Registry(model_settings()).champion("churn")
    assert "hunter2" not in str(error.value)


def test_scoring_without_any_training_says_what_to_run(model_settings):
    with pytest.raises(ModelRefused, match="klantreis run --until train` or trigger the DAG retrain_models"):
        registry.required_champion(Registry(model_settings()), "churn")


def test_a_model_that_was_trained_but_refused_is_no_error_for_scoring(add, model_settings):
    add(REFUSED)
    assert registry.required_champion(Registry(model_settings()), "churn") is None


def test_training_is_due_at_first_then_weekly_and_when_customers_drifted(add, model_settings):
    settings = model_settings()
    day = dt.date(2017, 6, 30)
    assert training_due("churn", day, settings)
    version = add(PROMOTED)
    assert not training_due("churn", day + dt.timedelta(days=6), settings)
    assert training_due("churn", day + dt.timedelta(days=7), settings)
    Registry(settings).remember_drift(version, day + dt.timedelta(days=2))
    assert not training_due("churn", day + dt.timedelta(days=1), settings)
    assert training_due("churn", day + dt.timedelta(days=2), settings)
    add(REFUSED, day="2017-07-02", fingerprint="f2")
    assert not training_due("churn", day + dt.timedelta(days=3), settings)
