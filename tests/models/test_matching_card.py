"""What matching learned is in MLflow: once for each version, with its picture, and without anybody's data."""

import datetime as dt
import json

import pandas as pd
import pytest

from jobs.config.identity import Matching
from jobs.errors import ModelRefused
from jobs.identity.matching.compared import Compared, learn
from jobs.identity.matching.kinds import guess_kinds
from jobs.identity.matching.link_records import FACTS
from jobs.identity.matching.records import prepare
from jobs.identity.model_store import TERMS, learned_tables
from jobs.identity.probable import NO_LINKS, Learned
from jobs.lake.lake import Lake
from jobs.models import matching_card
from jobs.models.registry import Registry
from tests.identity.matching import people

DAY = dt.date(2017, 6, 30)


def learned(seed):
    records = people.historical(seed, 12).drop(columns="person")
    return compare(records).model


def compare(records):
    return learn(prepare([("a", records, guess_kinds(records))], None), Matching())


def keep(model, settings, day=DAY):
    """Write the model as identity does."""
    lake = Lake.of(settings)
    txn = lake.transaction("identity", day, config=model.version)
    for name, table in tables(model, settings, day):
        lake.replace(name, table, txn)


def tables(model, settings, day=DAY):
    pairs = pd.DataFrame(columns=["left", "right", *FACTS, *(c.slot for c in model.comparisons)])
    kept = Learned((day - dt.date(1970, 1, 1)).days, Compared(model, pd.Index([]), pairs), NO_LINKS)
    return learned_tables(kept, settings)


def artifacts(settings):
    """Name to text of everything logged for the version in use, and the run."""
    registry = Registry(settings)
    run = registry.client.get_run(registry.champion("matching").run_id)
    names = [found.path for found in registry.client.list_artifacts(run.info.run_id)]
    place = settings.mlflow_artifacts
    files = {name: next(place.rglob(name)).read_bytes() for name in names}
    return files, run


def test_a_new_version_is_logged_once_with_probabilities_and_pictures(model_settings):
    settings, model = model_settings(), learned(3)
    keep(model, settings)
    assert matching_card.due(settings)
    first = matching_card.train(DAY, settings)
    assert (first["decision"], first["version"], first["fingerprint"]) == ("logged", "1", model.version)
    assert not matching_card.due(settings)
    assert matching_card.train(DAY, settings) == {**first, "decision": "kept"}
    assert len(Registry(settings).versions("matching")) == 1

    files, run = artifacts(settings)
    assert set(files) == {"parameters.json", "match_weights.png"}
    assert files["match_weights.png"].startswith(b"\x89PNG")
    assert run.data.metrics["lambda"] == pytest.approx(model.prior)
    assert run.data.metrics["records"] == model.records
    given = next(c for c in model.comparisons if c.slot == "given")
    told = json.loads(run.data.params["m_u.given"])
    assert told == {level.label: [level.m, level.u] for level in given.levels}
    assert run.data.params["setting.match"] == str(settings.identity.matching.match)


def test_the_chart_has_every_level_once(model_settings):
    model = learned(3)
    axes = matching_card.figure(model).axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown == [f"{c.slot}: {level.label}" for c in model.comparisons for level in c.levels]
    assert len(axes.patches) == len(shown)


def test_the_files_of_a_version_are_sealed_like_those_of_any_model(model_settings):
    settings, model = model_settings(), learned(3)
    keep(model, settings)
    matching_card.train(DAY, settings)
    registry = Registry(settings)
    champion = registry.champion("matching")
    assert registry.files(champion)["parameters.json"].decode() == model.parameters()

    next(settings.mlflow_artifacts.rglob("parameters.json")).write_text("{}")
    with pytest.raises(ModelRefused, match=r"parameters\.json is not the one that was registered"):
        registry.files(champion)


def test_no_value_of_any_record_is_logged(model_settings):
    settings, records = model_settings(), people.historical(3, 12).drop(columns="person")
    model = compare(records).model
    keep(model, settings)
    matching_card.train(DAY, settings)
    files, run = artifacts(settings)
    logged = " ".join([*(files[name].decode() for name in files if name.endswith("json")), str(run.data)])
    values = {str(value).lower() for slot in ("surname", "dob") for value in records[slot].dropna()}
    hashes = set(dict(tables(model, settings))[TERMS]["value"].to_pylist())
    assert values
    assert hashes
    assert not [value for value in values | hashes if value in logged.lower()]


def test_a_model_that_learned_anew_is_the_next_version(model_settings):
    settings = model_settings()
    keep(learned(3), settings)
    matching_card.train(DAY, settings)
    keep(learned(4), settings, DAY + dt.timedelta(days=1))
    assert matching_card.due(settings)
    assert matching_card.train(DAY, settings)["version"] == "2"
    champion = Registry(settings).champion("matching")
    assert (champion.number, champion.day) == ("2", DAY + dt.timedelta(days=1))


def test_too_few_records_are_no_failure(model_settings):
    settings = model_settings()
    assert not matching_card.due(settings)
    assert matching_card.train(DAY, settings)["decision"] == "waiting"


def test_a_registry_that_cannot_be_reached_is_one_message(model_settings, monkeypatch):
    settings = model_settings()
    keep(learned(3), settings)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ModelRefused, match=r"the model registry at http://127\.0\.0\.1:9 cannot be used"):
        matching_card.train(DAY, settings)
