"""The DAG that asks a person about models, run by Airflow, answered over Airflow's own API. About 15 CPU seconds."""

import json

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd

from jobs.models.gate import Check, decide
from jobs.models.registry import Registry, Trained
from tests.company import CHURN, SEGMENTATION


def test_a_model_is_used_when_a_person_has_said_yes_in_airflow(settings, tmp_path, airflow, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    company = settings({"models/churn.yaml": {**CHURN, "approval": "person"}, "models/segmentation.yaml": SEGMENTATION})
    registry = Registry(company)
    frame = pd.DataFrame({"recency_days": np.arange(200.0)})
    booster = lgb.train({"objective": "binary", "verbosity": -1}, lgb.Dataset(frame, np.arange(200) > 100), 2)
    trained = Trained(
        lambda: mlflow.lightgbm.log_model(booster, name="model", pip_requirements=["lightgbm"]), {}, {"auc": 0.8}
    )
    version = registry.register("churn", trained, {"day": "2017-01-03", "fingerprint": "f"})
    registry.settle(version, decide([Check("auc", True, 0.8, 0.6, "AUC 0.8000 is enough")]))
    assert registry.champion("churn") is None

    subject = f"Use version 1 of {CHURN['title']} (churn)?"
    home = {"KLANTREIS_CONFIG": str(company.folder), "KLANTREIS_HASH_KEY": "test-key"}
    answers = json.dumps({subject: ("approve", "seen the cost curve")})
    done = airflow.run("run_review.py", "approve_models", answers, environment=home).found
    assert (done["state"], done["tasks"]) == (
        "success", {"waiting": ["success"], "ask": ["success"], "keep": ["success"]})  # fmt: skip
    assert "AUC 0.8000 is enough" in done["questions"][0]["body"]
    champion = Registry(company).champion("churn")
    assert (champion.number, champion.tags["approved_because"]) == ("1", "seen the cost curve")
