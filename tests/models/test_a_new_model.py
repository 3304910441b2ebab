"""A model nobody has heard of: a module with `train` and `score` is trained and scores like the others."""

import datetime as dt
import importlib
import sys

import pyarrow as pa
import pytest

from jobs import pipeline
from jobs.config.models import LEARNED, Models
from jobs.lake import code
from jobs.lake.lake import Lake
from jobs.models import models, scoring
from jobs.models.registry import Registry

DAY = dt.date(2017, 6, 30)
EVEN_ODDS = '''
"""Everybody is equally likely: one divided by how many there were."""

import json

import mlflow
import pandas as pd

from jobs.lake.lake import Lake
from jobs.models import drift
from jobs.models.models import ROWS, Scored
from jobs.models.registry import Registry


def train(day, settings):
    people = Lake.of(settings).rows("models/features", day=day)
    tags = {"day": day.isoformat(), "fingerprint": str(people)}
    number = Registry(settings).keep("even_odds", tags, lambda: mlflow.log_dict({"people": people}, "learned.json"))
    return {"model": "even_odds", "version": number, "decision": "promoted"}


def score(frame, registry, version, settings):
    learned = json.loads(registry.files(version)["learned.json"])
    rows = pd.DataFrame({"customer_id": frame["customer_id"], "score": 1 / learned["people"], "label": "even"})
    return Scored(rows.assign(reasons=[[]] * len(rows))[list(ROWS)], frame, {}, {})
'''


@pytest.fixture
def even_odds(tmp_path, monkeypatch):
    (tmp_path / "even_odds.py").write_text(EVEN_ODDS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "even_odds", raising=False)
    importlib.invalidate_caches()
    monkeypatch.setattr(models, "SCORING", {"even_odds": "even_odds"})
    (tmp_path / "jobs").symlink_to(code.ROOT / "jobs")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    monkeypatch.setattr(code, "PRODUCT", (*code.PRODUCT, "even_odds"))


def company(settings, *customers):
    lake = Lake.of(settings)
    schema = lake.contract("models/features").arrow_schema()
    rows = [{"day": DAY, "customer_id": name} for name in customers]
    txn = lake.transaction("features", DAY)
    lake.replace("models/features", pa.Table.from_pylist(rows, schema=schema), txn, day=DAY)
    return lake


def test_a_model_is_a_module_that_is_trained_when_due_and_then_scores(even_odds, model_settings):
    settings = model_settings()
    lake = company(settings, "c1", "c2", "c3", "c4")
    training = pipeline.step("train")

    assert training.parts(DAY, settings) == [("even_odds",)]
    assert training.function("even_odds", DAY, settings)["decision"] == "promoted"
    assert training.parts(DAY, settings) == [], "trained today, so not due"
    assert models.retraining_due(DAY + dt.timedelta(days=settings.models.retrain_days), settings) == ["even_odds"]

    result = scoring.run(DAY, settings)
    assert result["even_odds"] == {"version": "1", "scored": 4, "labels": {"even": 4}, "drift": False,
                                   "moved_weight": 0.0, "worst": {}}  # fmt: skip
    kept = [(row["customer_id"], row["model"], row["score"], row["label"], row["model_version"])
            for row in lake.arrow("models/scores", day=DAY).to_pylist()]  # fmt: skip
    assert sorted(kept) == [(f"c{n}", "even_odds", 0.25, "even", "1") for n in (1, 2, 3, 4)]
    assert Registry(settings).champion("even_odds").number == "1"


@pytest.mark.parametrize("name", LEARNED)
def test_every_model_has_its_settings_and_a_module_with_train_and_score(name):
    assert name in Models.model_fields
    found = models.model(name)
    assert callable(found.train)
    assert callable(found.score)
