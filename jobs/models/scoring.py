"""Every customer of a day scored by the champion models, with reasons, and whether customers drifted away from them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.config.models import Drift
from jobs.config.settings import Settings
from jobs.errors import ModelRefused
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.models import churn, classifier, drift, features, segmentation, segments, training
from jobs.models.registry import Registry, required_champion

TABLE = "models/scores"


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Score the customers of `day` and note drift in the registry, where `registry.training_due` looks.

    Raises ModelRefused if a model was never trained or its files are not those registered. A model that was trained but
    has earned no champion yet is left out, with the reason in the result.
    """
    registry, lake = Registry(settings), Lake.of(settings)
    champions = {name: required_champion(registry, name) for name in (segmentation.NAME, churn.NAME)}
    numbers = {name: version.number if version else None for name, version in champions.items()}
    txn = lake.transaction("score", day, reads=[features.TABLE], config=[numbers, settings.models])
    frame = txn.arrow(features.TABLE, day=day).to_pandas().sort_values("customer_id", ignore_index=True)
    if frame.empty:
        raise ModelRefused(f"models/features has no customers for {day}; run the features step for that day first")
    tables: list[pa.Table] = []
    result: dict[str, Any] = {"day": day.isoformat()}
    for name, version in champions.items():
        if version is None:
            result[name] = {"scored": 0, "reason": registry.absence(name)}
            continue
        score = _segmentation if name == segmentation.NAME else _churn
        scored, moved = score(frame, registry, version, settings)
        if moved["drift"]:
            registry.remember_drift(version, day)
        tables.append(_table(scored, day, name, version.number))
        result[name] = {
            "version": version.number,
            "scored": len(scored),
            "labels": dict(sorted(Counter(scored["label"]).items())),
            **moved,
        }
    empty = catalogue.get(TABLE).arrow_schema().empty_table()
    result["rows"] = lake.replace(TABLE, pa.concat_tables([empty, *tables]), txn, day=day).rows
    result["drift"] = any(part.get("drift", False) for part in result.values() if isinstance(part, dict))
    return result


def band(scores: np.ndarray, bands: dict[str, float]) -> list[str]:
    """The label of the highest threshold each score reaches."""
    ordered = sorted(bands.items(), key=lambda item: -item[1])
    return [next(label for label, threshold in ordered if score >= threshold) for score in scores]


def _churn(frame: pd.DataFrame, registry: Registry, version: Any, settings: Settings) -> tuple[pd.DataFrame, dict]:
    """Risk of the customers who ordered within the active days the model was trained for; others have left already."""
    model = churn.load(registry, version)
    active = frame[frame["recency_days"] < model.active_days].reset_index(drop=True)
    if active.empty:
        return pd.DataFrame(columns=["customer_id", "score", "label", "reasons"]), {"drift": False, "worst": {}}
    scores = np.round(classifier.predict(model.booster, active), 6)
    scored = pd.DataFrame(
        {
            "customer_id": active["customer_id"],
            "score": scores,
            "label": band(scores, settings.models.churn.bands),
            "reasons": classifier.reasons(model.booster, active, training.meanings(), "the risk"),
        }
    )
    return scored, _drift(model.reference, active, classifier.importance(model.booster), settings.models.drift)


def _segmentation(
    frame: pd.DataFrame, registry: Registry, version: Any, settings: Settings
) -> tuple[pd.DataFrame, dict]:
    """Segment of everyone who ever ordered, with the distance to its centre."""
    loaded = segmentation.load(registry, version)
    model, people = loaded.segments, segmentation.buyers(frame)
    if people.empty:
        return pd.DataFrame(columns=["customer_id", "score", "label", "reasons"]), {"drift": False, "worst": {}}
    numbers, distances = model.assign(people)
    why = segments.standout(model, people, numbers, training.meanings())
    scored = pd.DataFrame(
        {
            "customer_id": people["customer_id"],
            "score": np.round(distances, 6),
            "label": np.array(model.names, dtype=object)[numbers],
            "reasons": why,
        }
    )
    return scored, _drift(loaded.reference, people, segmentation.weights(model), settings.models.drift)


def _drift(reference: dict, frame: pd.DataFrame, weight: dict[str, float], limits: Drift) -> dict[str, Any]:
    return drift.verdict(drift.psi(reference, frame), weight, limits.psi_limit, limits.minimum_weight)


def _table(scored: pd.DataFrame, day: date, name: str, number: str) -> pa.Table:
    columns = {
        "day": [day] * len(scored),
        "model": [name] * len(scored),
        "customer_id": scored["customer_id"].tolist(),
        "score": scored["score"].astype(float).tolist(),
        "label": scored["label"].tolist(),
        "model_version": [number] * len(scored),
        "reasons": scored["reasons"].tolist(),
    }
    return pa.Table.from_pydict(columns, schema=catalogue.get(TABLE).arrow_schema())
