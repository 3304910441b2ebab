"""Every version of the matching model in MLflow: what it learned, with the picture of its match weights.

The parameters themselves are kept in the lake (models/matching), where identity reads them; this is for people. Terms,
even hashed, are not logged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import Any

import mlflow
import pandas as pd
from matplotlib.figure import Figure

from jobs.config.settings import Settings
from jobs.identity.matching.model import Model
from jobs.identity.model_store import MODEL
from jobs.lake.lake import Lake
from jobs.models.registry import Registry

NAME = "matching"
FOR, AGAINST = "#2a7f62", "#b5483a"


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
    """Into the current run: lambda, m and u of every level, settings, and the picture."""
    settled = settings.identity.matching.model_dump(mode="json")
    mlflow.log_params({f"setting.{name}": value for name, value in settled.items()})
    for comparison in model.comparisons:
        levels = {level.label: [level.m, level.u] for level in comparison.levels}
        mlflow.log_param(f"m_u.{comparison.slot}", json.dumps(levels))
    mlflow.log_metrics({"lambda": model.prior, "lambda_household": model.kin, "records": model.records})
    mlflow.log_text(model.parameters(), "parameters.json")
    mlflow.log_figure(figure(model), "match_weights.png")


def figure(model: Model, slots: Sequence[str] | None = None) -> Figure:
    """How much each level of agreement speaks for one person: a bar per level, best first; of `slots` only, if given.

    `m` is the share of a level among pairs of one person, `u` among pairs of two: each step of 1 doubles the odds.
    """
    compared = [c for c in model.comparisons if slots is None or c.slot in slots]
    bars = [(f"{c.slot}: {level.label}", math.log2(level.m / level.u)) for c in compared for level in c.levels]
    drawn = Figure(figsize=(9, max(2.5, 0.24 * len(bars) + 1.2)), layout="constrained")
    axes = drawn.subplots()
    axes.barh(range(len(bars)), [w for _, w in bars], color=[FOR if w > 0 else AGAINST for _, w in bars])
    axes.set_yticks(range(len(bars)), [label for label, _ in bars], fontsize=8)
    for place in list(accumulate(len(c.levels) for c in compared))[:-1]:
        axes.axhline(place - 0.5, color="lightgrey", linewidth=0.8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    start = f"two records at random start at {math.log2(model.prior / (1 - model.prior)):.1f}" if model.prior else ""
    axes.set(xlabel="match weight (log2 of the odds)", title=f"Learned from {model.records:,} records; {start}")
    return drawn
