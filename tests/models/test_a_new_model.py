"""A kind nobody has heard of: a module and settings make it one whose models are trained and score like the others."""

import datetime as dt
import importlib
import inspect
import sys
from dataclasses import replace

import pyarrow as pa
import pytest

from jobs import pipeline
from jobs.config.models import kinds
from jobs.config.models.learned import Learned
from jobs.lake import code
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.models import models, scoring
from jobs.models.registry import Registry
from tests.company import FOR_PEOPLE

DAY = dt.date(2017, 6, 30)
EVEN_ODDS = '''
"""Everybody is equally likely: one divided by how many there were."""

import json

import mlflow
import pandas as pd
import pyarrow as pa

from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.models import drift
from jobs.models.models import ROWS, Scored
from jobs.models.registry import Registry


ANSWERS = ("journeys/bots",)


def train(name, day, settings):
    people = Lake.of(settings).rows("models/features", day=day)
    tags = {"day": day.isoformat(), "fingerprint": str(people)}
    number = Registry(settings).keep(name, tags, lambda: mlflow.log_dict({"people": people}, "learned.json"))
    return {"model": name, "version": number, "decision": "promoted"}


def reads(name, settings):
    return ["valid/orders"]


def score(asked):
    learned = json.loads(asked.registry.files(asked.version)["learned.json"])
    frame, label = asked.features, f"{asked.declared.word} of {asked.txn.arrow('valid/orders').num_rows} orders"
    rows = pd.DataFrame({"customer_id": frame["customer_id"], "score": 1 / learned["people"], "label": label})
    told = [{"day": asked.day, "rule": asked.name, "events": len(frame)}]
    tables = {"journeys/bots": pa.Table.from_pylist(told, schema=catalogue.get("journeys/bots").arrow_schema())}
    return Scored(rows.assign(reasons=[[]] * len(rows))[list(ROWS)], frame, {}, {}, tables)
'''


class EvenOdds(Learned):
    """Settings of the kind."""

    word: str


EVEN, FAIR = [{"kind": "even_odds", **FOR_PEOPLE, "word": word} for word in ("even", "fair")]


@pytest.fixture
def even_odds(tmp_path, monkeypatch, model_settings):
    """Settings of a company with two models of the kind, and no others."""
    (tmp_path / "even_odds.py").write_text(EVEN_ODDS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "even_odds", raising=False)
    importlib.invalidate_caches()
    monkeypatch.setitem(models.KINDS, "even_odds", "even_odds")
    monkeypatch.setitem(kinds.KINDS, "even_odds", EvenOdds)
    (tmp_path / "jobs").symlink_to(code.ROOT / "jobs")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    monkeypatch.setattr(code, "PRODUCT", (*code.PRODUCT, "even_odds"))
    return replace(model_settings(), learned={"even": EvenOdds(**EVEN), "fair": EvenOdds(**FAIR)})


def company(settings, *customers):
    lake = Lake.of(settings)
    schema = lake.contract("models/features").arrow_schema()
    rows = [{"day": DAY, "customer_id": name} for name in customers]
    txn = lake.transaction("features", DAY)
    lake.replace("models/features", pa.Table.from_pylist(rows, schema=schema), txn, day=DAY)
    return lake


def test_models_of_a_kind_are_trained_when_due_and_then_score_each_by_its_own_file(even_odds):
    settings = even_odds
    lake = company(settings, "c1", "c2", "c3", "c4")
    training = pipeline.step("train")

    assert training.parts(DAY, settings) == [("even",), ("fair",)]
    assert training.function("even", DAY, settings)["decision"] == "promoted"
    assert training.parts(DAY, settings) == [("fair",)], "trained today, so not due"
    assert training.function("fair", DAY, settings)["decision"] == "promoted"
    later = DAY + dt.timedelta(days=settings.models.retrain_days)
    assert models.retraining_due(later, settings) == ["even", "fair"]

    result = scoring.run(DAY, settings)
    assert result["even"] == {"version": "1", "scored": 4, "labels": {"even of 0 orders": 4}, "journeys/bots": 1,
                              "drift": False, "moved_weight": 0.0, "worst": {}}  # fmt: skip
    kept = [(row["customer_id"], row["model"], row["score"], row["label"], row["model_version"])
            for row in lake.arrow("models/scores", day=DAY).to_pylist()]  # fmt: skip
    assert sorted(kept) == [
        (f"c{n}", name, 0.25, f"{name} of 0 orders", "1") for n in (1, 2, 3, 4) for name in ("even", "fair")
    ]
    told = [(row["rule"], row["events"]) for row in lake.arrow("journeys/bots", day=DAY).to_pylist()]
    assert sorted(told) == [("even", 4), ("fair", 4)]
    assert Registry(settings).champion("even").number == "1"


def test_a_company_without_models_has_no_scores_and_no_training(model_settings):
    settings = replace(model_settings(), learned={})
    company(settings, "c1")
    assert pipeline.step("train").parts(DAY, settings) == []
    assert scoring.run(DAY, settings) == {"day": "2017-06-30", "rows": 0, "drift": False}


@pytest.mark.parametrize("name", kinds.KINDS)
def test_every_kind_has_settings_and_a_module_that_trains_reads_and_scores(name):
    found = importlib.import_module(models.KINDS[name])
    assert models.KINDS.keys() == kinds.KINDS.keys()
    assert [list(inspect.signature(getattr(found, one)).parameters) for one in ("train", "reads", "score")] == [
        ["name", "day", "settings"],
        ["name", "settings"],
        ["asked"],
    ]
    assert all(catalogue.get(table).day_column == "day" for table in found.ANSWERS)
