"""Typed tables with a customer on each row, and a model registry that is ready at once."""

import os
import shutil
from pathlib import Path

import pytest
from pyspark.sql import functions as F


@pytest.fixture
def inputs(rows):
    """`inputs(orders=[...], events=[...])`: tables of features; `loyalty_id` of a row is its customer."""
    from jobs.models.facts import Inputs

    defaults = {
        "orders": {"source": "pos", "file_id": "f", "line": 1, "status": "completed", "channel": "store"},
        "order_lines": {"source": "pos", "line_id": "1"},
        "products": {"source": "pos", "file_id": "f", "line": 1, "updated_at": "2016-12-01"},
        "events": {"source": "web", "type": "page_view"},
        "conversations": {"source": "chat", "file_id": "f", "line": 1},
        "tickets": {"source": "desk", "file_id": "f", "line": 1},
        "survey_responses": {"source": "survey", "question_id": "q"},
        "campaign_events": {"source": "campaigns"},
    }

    def build(**tables):
        frames = {}
        for name, default in defaults.items():
            records = [_on_time(name, {**default, **record}) for record in tables.get(name, [])]
            frame = rows(f"valid/{name}", *records)
            if name not in ("order_lines", "products"):
                frame = frame.withColumn("customer_id", F.col("loyalty_id"))
            frames[name] = frame
        return Inputs(**frames)

    return build


def _on_time(name, record):
    """A record is written and arrives on the day it is about, unless the test says otherwise."""
    moment = next((record[k] for k in ("ordered_at", "occurred_at", "opened_at", "answered_at") if k in record), None)
    if moment:
        record.setdefault("arrived", moment[:10])
        if name in ("orders", "conversations", "tickets"):
            record.setdefault("updated_at", moment)
    return record


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory) -> Path:
    """An empty registry database; creating one takes seconds, copying it none."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    uri = f"sqlite:///{path}"
    MlflowClient(uri, uri).search_registered_models()
    return path


@pytest.fixture
def model_settings(settings, migrated_database, tmp_path, monkeypatch):
    """Settings whose registry is a fresh copy; `model_settings({"churn": {...}})` replaces parts of models.yaml."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def build(models=None):
        (tmp_path / "mlruns").mkdir(exist_ok=True)
        if not (tmp_path / "mlruns" / "mlflow.db").exists():
            shutil.copy(migrated_database, tmp_path / "mlruns" / "mlflow.db")
        features = {
            "segmentation": {"features": ["recency_days", "orders_91d", "revenue_91d"], "k_min": 2},
            "churn": {},
        }
        return settings({"models.yaml": {**features, **(models or {})}})

    return build


@pytest.fixture(scope="session")
def published():
    """`published("churn_ibm_telco")`: folder of a published data set, kept outside the product."""

    def folder(name):
        root = Path(os.environ.get("KLANTREIS_TEST_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
        path = root / name
        if not path.is_dir():
            pytest.skip(
                f"the published data set {name} is not here; set KLANTREIS_TEST_DATA to the folder that holds it"
            )
        return path

    return folder
