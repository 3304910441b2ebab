"""Every customer of a day scored by the champion models, with reasons, and whether customers drifted away from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from jobs.activity import objections
from jobs.config.settings import Settings
from jobs.config.traits import FEATURES
from jobs.errors import ModelRefused
from jobs.lake.lake import Lake
from jobs.lake.tables import catalogue
from jobs.models import drift, models
from jobs.models.registry import Registry, required_champion

TABLE = "models/scores"
MOST_LABELS = 12
"""Labels that the result counts; of a model with as many labels as products the others go unmentioned."""


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Score the customers of `day` and note drift in the registry, where `registry.training_due` looks.

    A day on which models look at nobody, such as one of a company that has no orders yet, has no scores, and says why.
    Raises ModelRefused if a model was never trained or its files are not those registered, or the day has no traits. A
    model that was trained but has earned no champion yet is left out, with the reason in the result.
    """
    registry, lake = Registry(settings), Lake.of(settings)
    champions = {name: required_champion(registry, name) for name in settings.learned}
    numbers = {name: version.number if version else None for name, version in champions.items()}
    kinds = {name: models.kind(name, settings) for name in settings.learned}
    code = (__name__, *dict.fromkeys(models.module_of(name, settings) for name in settings.learned))
    reads = sorted(
        {
            FEATURES,
            *objections.tables(settings),
            *(table for name, kind in kinds.items() for table in kind.reads(name, settings)),
        }
    )
    config = [numbers, settings.models, settings.learned, settings.identity.objections]
    txn = objections.respecting(lake.transaction("score", day, reads=reads, config=config, code=code), day, settings)
    frame = txn.arrow(FEATURES, day=day).to_pandas().sort_values("customer_id", ignore_index=True)
    if frame.empty and lake.last_step(FEATURES, f"traits/{day}") is None:
        raise ModelRefused(f"models/features has no customers for {day}; run the traits step for that day first")
    answers: dict[str, list[pa.Table]] = defaultdict(list)
    answers |= {table: [] for table in (TABLE, *(name for kind in kinds.values() for name in kind.ANSWERS))}
    result: dict[str, Any] = {"day": day.isoformat()}
    for name, version in champions.items():
        if version is None:
            result[name] = {"scored": 0, "reason": registry.absence(name)}
            continue
        asked = models.Asked(name, day, frame, txn, registry, version, settings)
        scored = kinds[name].score(asked)
        moved = _drift(scored, settings, (day - version.day).days)
        if moved["drift"]:
            registry.remember_drift(version, day)
        answers[TABLE].append(_table(scored.rows, day, name, version.number))
        for table, rows in scored.tables.items():
            answers[table].append(rows)
        result[name] = _counts(scored, version.number, moved)
    for table, parts in answers.items():
        empty = catalogue.get(table).arrow_schema().empty_table()
        written = lake.replace(table, pa.concat_tables([empty, *parts]), txn, day=day).rows
        result["rows" if table == TABLE else table] = written
    result["drift"] = any(part.get("drift", False) for part in result.values() if isinstance(part, dict))
    return result


def _counts(scored: models.Scored, number: str, moved: dict[str, Any]) -> dict[str, Any]:
    told = {table: rows.num_rows for table, rows in scored.tables.items()}
    if scored.rows.empty and not any(told.values()):
        return {"scored": 0, "reason": scored.why_nobody}
    labels = dict(sorted(Counter(scored.rows["label"]).most_common(MOST_LABELS)))
    return {"version": number, "scored": len(scored.rows), "labels": labels, **told, **moved}


def _drift(scored: models.Scored, settings: Settings, since: int) -> dict[str, Any]:
    """Whether customers are others than on the day of training, `since` days ago."""
    if scored.judged.empty or scored.rows.empty:
        return {"drift": False, "worst": {}}
    people = drift.without_clockwork(scored.judged, settings.traits, since)
    limits, index = settings.models.drift, drift.psi(scored.reference, people)
    return drift.verdict(index, scored.weights, limits.psi_limit, limits.minimum_weight)


def _table(scored: pd.DataFrame, day: date, name: str, number: str) -> pa.Table:
    columns = {
        "day": [day] * len(scored),
        "model": [name] * len(scored),
        "customer_id": scored["customer_id"].tolist(),
        "score": scored["score"].astype(float).tolist(),
        "label": scored["label"].tolist(),
        "model_version": [number] * len(scored),
        "reasons": scored["reasons"].tolist(),
        "basis": scored["basis"].tolist() if "basis" in scored else ["model"] * len(scored),
    }
    return pa.Table.from_pydict(columns, schema=catalogue.get(TABLE).arrow_schema())
