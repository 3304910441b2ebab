"""Typed tables with a customer on each row, and a model registry that is ready at once."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.company import CHURN, SEGMENTATION

SHIPPED = Path(__file__).resolve().parents[2] / "config"
SHOP = {"traits.yaml": (SHIPPED / "traits.yaml").read_text()}
"""The numbers of the company that is shipped."""
PLACED = {"over": "orders", "where": "status <> 'cancelled'"}
OVER_ORDERS = {
    "recency_days": {"title": "Days since the last order", **PLACED, "value": "min(days_ago)", "type": "bigint"},
    "orders_28d": {"title": "Orders in the last 28 days", **PLACED, "days": 28, "value": "count(*)", "type": "bigint"},
    "orders_90d": {"title": "Orders in the last 90 days", **PLACED, "days": 90, "value": "count(*)", "type": "bigint"},
    "revenue_90d": {"title": "Revenue in the last 90 days", **PLACED, "days": 90, "value": "sum(total)",
                    "type": "decimal(18,2)", "default": 0},
    "tenure_days": {"title": "Days since the first order", **PLACED, "value": "max(days_ago)", "type": "bigint"},
    "gap_days": {"title": "Days between orders", "value": "(tenure_days - recency_days) / nullif(orders_90d, 0)",
                 "type": "double"},
}  # fmt: skip
"""Numbers that need no journeys."""


@pytest.fixture
def small_shop(model_settings):
    """Settings of a company whose models learn from OVER_ORDERS; `small_shop({...})` replaces parts of models."""

    def build(models=None, more=None):
        traits = OVER_ORDERS | (more or {})
        return model_settings({"features": list(traits), **(models or {})}, {"traits.yaml": {"traits": traits}})

    return build


@pytest.fixture
def shop_tables(rows):
    """`shop_tables(settings, orders=[...])`: what reads tables with these orders, and their identity map."""
    from jobs.identity.identifiers import identifier_hash

    def build(settings, orders):
        default = {"source": "pos", "file_id": "f", "line": 1, "status": "completed", "channel": "store"}
        records = [{**default, "arrived": o["ordered_at"][:10], "updated_at": o["ordered_at"], **o} for o in orders]
        cards = sorted({record["loyalty_id"] for record in records})
        people = [{"identifier": identifier_hash("loyalty", card, settings), "customer_id": card} for card in cards]
        tables = {"valid/orders": rows("valid/orders", *records)}
        return lambda name: tables[name] if name in tables else rows(name), rows("identity/map", *people)

    return build


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
    """The shipped traits and features, with a fresh registry; `model_settings({"churn": {...}})` replaces parts."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def build(models=None, files=None):
        (tmp_path / "mlruns").mkdir(exist_ok=True)
        if not (tmp_path / "mlruns" / "mlflow.db").exists():
            shutil.copy(migrated_database, tmp_path / "mlruns" / "mlflow.db")
        shared = {"features": yaml.safe_load((SHIPPED / "models.yaml").read_text())["features"]}
        features = ["recency_days", "orders_90d", "revenue_90d"]
        learned = {"churn": CHURN, "segmentation": {**SEGMENTATION, "features": features, "k_min": 2}}
        given = models or {}
        shared |= {key: value for key, value in given.items() if key not in learned}
        declared = {f"models/{name}.yaml": {**one, **given.get(name, {})} for name, one in learned.items()}
        return settings({**(files or SHOP), "models.yaml": shared, **declared})

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
