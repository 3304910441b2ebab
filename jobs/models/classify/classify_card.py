"""What a classifier leaves in MLflow for whoever decides about it: pictures, tables, parameters, and the model itself.

Nothing here names a customer: tables hold groups, thresholds and features.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

from jobs.config.models.classify import Classify
from jobs.config.models.limits import Costs
from jobs.config.settings import Settings
from jobs.models import drift, gate, plots, training
from jobs.models.artifacts import requirements
from jobs.models.classify import chances, classifier, classify_gate, classify_plots
from jobs.models.classify.blend import Blend
from jobs.models.classify.classify_gate import CHAMPION, MODEL, Evidence
from jobs.models.gate import Check
from jobs.models.registry import Trained

MODEL_FILE, NUMBERS_FILE = "model.lgb", "chances.json"
THRESHOLDS = np.round(np.arange(0.05, 1, 0.05), 2)
EXPLAINED = 5000
"""Held-out rows whose contributions are summed up."""


@dataclass(frozen=True)
class Judged:
    """A challenger with what was found out about it."""

    model: Blend
    calibration: tuple[float, float]
    """Slope and intercept, see `chances.calibrated`."""

    halves: tuple[Blend, Blend] | None
    seen: Evidence
    checks: Sequence[Check]


def trained(
    judged: Judged,
    learn: pd.DataFrame,
    days: tuple[str, str],
    declared: Classify,
    settings: Settings,
    found: dict[str, float],
    remembered: dict[str, Any],
) -> Trained:
    """Everything to log. `learn` are the features learned from, `days` those learned from and judged on; the model
    remembers `remembered` beside its calibration and the customers it learned from."""
    seen, model = judged.seen, judged.model
    names = model.names
    example = classifier.typical_row(learn, names)
    slope, intercept = judged.calibration
    document = {"slope": slope, "intercept": intercept}
    outcomes, shares = thresholds(seen, declared.costs), model.importance()
    explained, gain = (
        contributions(model, seen.features),
        classify_plots.gains(seen.outcome, seen.scores[MODEL], seen.customers),
    )
    metadata = {**remembered, **document}
    figures = {
        "roc.png": plots.roc(seen.outcome, seen.scores),
        "precision_recall.png": classify_plots.precision_recall(seen.outcome, seen.scores),
        "gain.png": classify_plots.gain(gain),
        "calibration.png": plots.calibration(seen.outcome, seen.probability),
        "importance.png": plots.bars(shares, "What the model looks at", "share"),
        "contributions.png": classify_plots.contributions(explained),
    }
    tables = {
        "gain.csv": gain,
        "thresholds.csv": outcomes,
        "contributions.csv": explained,
        "importance.csv": importances(model, judged.halves),
        "champion_and_challenger.csv": beside(seen),
        "checks.csv": pd.DataFrame(gate.rows(judged.checks)),
        "drift.csv": pd.DataFrame(
            drift.psi(drift.reference(learn[names]), seen.features).items(), columns=["feature", "psi"]
        ),
    }
    if declared.costs:
        figures["costs.png"] = classify_plots.profit(outcomes)
    for name in seen.attributes.columns:
        tables[f"fairness_{name}.csv"] = classify_gate.found_by_group(
            seen.attributes[name], seen.outcome, seen.scores[MODEL]
        )
    return Trained(
        lambda: _logged(model, document, example, metadata),
        parameters={
            **declared.model_dump(
                exclude={"features", "parameters", "bands", "label", "gate", "costs", *training.DESCRIBED}
            ),
            **{f"label.{key}": value for key, value in declared.label.model_dump(exclude_defaults=True).items()},
            **{f"gate.{key}": value for key, value in declared.gate.model_dump().items()},
            **{f"band.{key}": value for key, value in declared.bands.items()},
            **{f"cost.{key}": value for key, value in (declared.costs.model_dump() if declared.costs else {}).items()},
            **classifier.DEFAULTS,
            **declared.parameters,
            **document,
            "seed": settings.models.seed,
            "feature_count": len(names),
            "features": " ".join(names),
            "learned_from": days[0],
            "judged_on": days[1],
        },
        metrics=found,
        figures=figures,
        tables={name: table.to_csv(index=False, lineterminator="\n") for name, table in tables.items()},
        told={
            "What is predicted": _label(declared),
            "Learned from": f"{days[0]} ({int(found['learned_rows']):,} rows)",
            "Judged on": f"{days[1]} ({int(found['judged_rows']):,} rows), which nothing was learned from",
            "Learned as": f"{model.booster.num_trees()} trees, and a line that counts for {model.weight:.0%}",
            "First tenth": first_tenth(gain),
            "Best threshold": best_threshold(outcomes) if declared.costs else "",
            "Left out": ", ".join(declared.gate.fairness) + " (compared, not learned from)"
            if declared.gate.fairness
            else "nothing on purpose",
            "Limits": "says nothing about customers unlike those it learned from; see drift.csv and fairness_*.csv",
        },
    )


def thresholds(seen: Evidence, costs: Costs | None) -> pd.DataFrame:
    """What would have happened on the held-out rows from each probability on: approached, found, precision, recall,
    and, with `costs`, the profit."""
    rows = []
    for threshold in THRESHOLDS:
        approached = seen.probability >= threshold
        found = int(seen.outcome[approached].sum())
        row = {
            "threshold": float(threshold),
            "approached": int(approached.sum()),
            "found": found,
            "precision": round(found / max(int(approached.sum()), 1), 6),
            "recall": round(found / max(int(seen.outcome.sum()), 1), 6),
        }
        if costs:
            row["profit"] = round(found * costs.success * costs.margin - row["approached"] * costs.contact, 2)
        rows.append(row)
    return pd.DataFrame(rows)


def first_tenth(gain: pd.DataFrame) -> str:
    """What approaching the tenth with the highest scores would have found, in words."""
    row = gain.iloc[(gain["share"] - 0.1).abs().argmin()]
    return (
        f"approaching it finds {row['found']:.0%} of all outcomes [{row['found_low']:.0%}, {row['found_high']:.0%}], "
        f"{row['lift']:.1f} times as many as by chance"
    )


def best_threshold(outcomes: pd.DataFrame) -> str:
    """The probability from which on approaching customers would have earned most, in words."""
    best = outcomes.loc[outcomes["profit"].idxmax()]
    if best["profit"] <= 0:
        return "none: approaching customers from any probability on costs more than it brings"
    return (
        f"{best['threshold']:.2f}: of the customers judged on, approaching the {int(best['approached']):,} above it "
        f"brings {best['profit']:,.2f}"
    )


def contributions(model: Blend, features: pd.DataFrame) -> pd.DataFrame:
    """Per feature the mean size of its contribution (exact Shapley values, in log odds), and its
    direction: the correlation of its value with what it contributes, empty for categories."""
    some = features.iloc[np.random.default_rng(0).permutation(len(features))[:EXPLAINED]]
    parts = model.contributions(some)
    rows = []
    for number, name in enumerate(model.names):
        values = pd.to_numeric(some[name], errors="coerce").to_numpy(dtype=float)
        known = ~np.isnan(values)
        varied = known.sum() > 1 and values[known].std() > 0 and parts[known, number].std() > 0
        direction = float(np.corrcoef(values[known], parts[known, number])[0, 1]) if varied else float("nan")
        rows.append((name, round(float(np.abs(parts[:, number]).mean()), 6), round(direction, 4)))
    table = pd.DataFrame(rows, columns=["feature", "contribution", "direction"])
    return table.sort_values(["contribution", "feature"], ascending=[False, True], ignore_index=True)


def importances(model: Blend, halves: tuple[Blend, Blend] | None) -> pd.DataFrame:
    """Share of each feature in what moves the model, also of those learned from either half: what stays holds."""
    columns = {"share": model.importance()}
    if halves:
        columns |= {"first_half": halves[0].importance(), "second_half": halves[1].importance()}
    table = pd.DataFrame(columns).reindex(list(columns["share"])).rename_axis("feature").reset_index()
    return table.round(6)


def beside(seen: Evidence) -> pd.DataFrame:
    """AUC with interval, average precision and lift of the model, the champion and each baseline on the same rows."""
    rows = []
    for name, score in seen.scores.items():
        area = classify_gate.intervals.auc(seen.outcome, score, seen.customers)
        precision = classifier.average_precision_score(seen.outcome, score)
        lift = classifier.lift(seen.outcome, score, 0.1)
        who = {MODEL: "challenger", CHAMPION: "champion"}.get(name, name)
        rows.append((who, *(round(float(x), 6) for x in (area.value, area.low, area.high, precision, lift))))
    return pd.DataFrame(rows, columns=["who", "auc", "auc_low", "auc_high", "average_precision", "lift_top_decile"])


def _label(declared: Classify) -> str:
    told = declared.label.model_dump(exclude_defaults=True)
    return ", ".join(f"{key} {value}" for key, value in told.items()) or "see the file of the model"


def _logged(model: Blend, document: dict[str, float], example: pd.DataFrame, metadata: dict[str, Any]) -> Any:
    """The model in the open run: trees as text, numbers as JSON, and the file that reads them; no pickle."""
    raw, numbers_told = model.predict(example), {**document, "line": model.line}
    with tempfile.TemporaryDirectory() as folder:
        trees, numbers = Path(folder) / MODEL_FILE, Path(folder) / NUMBERS_FILE
        model.booster.save_model(str(trees))
        numbers.write_text(json.dumps(numbers_told, sort_keys=True), encoding="utf-8")
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=chances.__file__,
            artifacts={chances.BOOSTER: str(trees), chances.DOCUMENT: str(numbers)},
            signature=infer_signature(example, chances.calibrated(raw, **document)),
            input_example=example,
            pip_requirements=requirements("mlflow", "lightgbm", "numpy", "pandas"),
            metadata=metadata,
        )
