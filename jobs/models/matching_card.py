"""Every version of the matching model in MLflow: what it learned, with the picture of its match weights.

The parameters themselves are kept in the lake (models/matching), where identity reads them; this is for people. Terms,
even hashed, are not logged.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import mlflow
import pandas as pd

from jobs.config.settings import Settings
from jobs.identity.matching.model import Model
from jobs.identity.model_store import MODEL
from jobs.lake.lake import Lake
from jobs.models import match_weights
from jobs.models.registry import Registry

NAME = "matching"


def due(settings: Settings) -> bool:
    """Whether identity trained a model that MLflow does not know yet."""
    kept = _kept(settings)
    return kept is not None and _logged(Registry(settings), kept["version"]) is None


def train(day: date, settings: Settings) -> dict[str, Any]:
    """Log the model that identity uses now, unless it is there; its alias `champion` says which one is in use.

    A model that was trained on a later day than `day` is logged with its own day. Raises ModelRefused if MLflow cannot
    be reached.
    """
    kept = _kept(settings)
    if kept is None:
        return {"model": NAME, "day": day.isoformat(), "decision": "waiting", "reason": "too few records to train on"}
    registry = Registry(settings)
    number = _logged(registry, kept["version"])
    if number:
        return {"model": NAME, "version": number, "decision": "kept", "fingerprint": kept["version"]}
    model = Model.load(kept["parameters"], pd.DataFrame({"slot": [], "value": [], "frequency": []}))
    number = registry.keep(
        NAME,
        {"day": kept["trained_on"].isoformat(), "fingerprint": kept["version"]},
        lambda: _log(model, settings),
    )
    return {"model": NAME, "version": number, "decision": "logged", "fingerprint": kept["version"]}


def _kept(settings: Settings) -> dict[str, Any] | None:
    lake = Lake.of(settings)
    rows = lake.arrow(MODEL).to_pylist() if lake.exists(MODEL) else []
    return rows[0] if rows else None


def _logged(registry: Registry, fingerprint: str) -> str | None:
    """Number of the version in use, if that is the one with this fingerprint."""
    champion = registry.champion(NAME)
    return champion.number if champion and champion.tags.get("fingerprint") == fingerprint else None


def _log(model: Model, settings: Settings) -> None:
    """Into the current run: lambda, m and u of every level, settings, and both pictures."""
    levels: dict[str, dict[str, list[float]]] = {}
    for one in match_weights.weights(model):
        levels.setdefault(one.slot, {})[one.level] = [one.m, one.u]
    settled = settings.identity.matching.model_dump(mode="json")
    mlflow.log_params({f"setting.{name}": value for name, value in settled.items()})
    mlflow.log_params({f"m_u.{slot}": json.dumps(found) for slot, found in levels.items()})
    mlflow.log_metrics({"lambda": model.prior, "lambda_household": model.kin, "records": model.records})
    mlflow.log_text(model.parameters(), "parameters.json")
    mlflow.log_figure(match_weights.figure(model), "match_weights.png")
    mlflow.log_dict(match_weights.vega_lite(model), "match_weights.vl.json")
