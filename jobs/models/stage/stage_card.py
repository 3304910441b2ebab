"""What a stage model leaves in MLflow for whoever decides about it. Nothing here names a customer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import infer_signature

from jobs.config.models.stage import Stage
from jobs.config.settings import Settings
from jobs.models import gate, plots, training
from jobs.models.artifacts import requirements
from jobs.models.classify import classifier
from jobs.models.gate import Check
from jobs.models.registry import Trained
from jobs.models.stage import stage_fit, stage_served
from jobs.models.stage.stage_fit import DEFAULTS, MODEL, Stages, confusion

MODEL_FILE = "model.lgb"


def trained(
    model: Stages,
    learn: pd.DataFrame,
    given: Mapping[str, pd.DataFrame],
    came: pd.Series,
    days: tuple[str, str],
    declared: Stage,
    settings: Settings,
    found: dict[str, float],
    checks: Sequence[Check],
    remembered: dict[str, Any],
) -> Trained:
    """Everything to log. `learn` are the features learned from, `given` the chances of the rows judged on, of which
    `came` tells the stage; `days` are those learned from and judged on."""
    names, shares = model.booster.feature_name(), classifier.importance(model.booster)
    example = classifier.typical_row(learn, names)
    hits = stage_fit.right(given[MODEL], came)
    tables = {
        "confusion.csv": confusion(given[MODEL], came),
        "beside.csv": _beside(given, came),
        "importance.csv": pd.DataFrame(shares.items(), columns=["feature", "share"]).round(6),
        "checks.csv": pd.DataFrame(gate.rows(checks)),
    }
    return Trained(
        lambda: _logged(model, example, remembered),
        parameters={
            **declared.model_dump(exclude={"features", "parameters", *training.DESCRIBED}),
            **DEFAULTS,
            **declared.parameters,
            "seed": settings.models.seed,
            "stages": " ".join(model.names),
            "feature_count": len(names),
            "features": " ".join(names),
            "learned_from": days[0],
            "judged_on": days[1],
        },
        metrics=found,
        figures={
            "importance.png": plots.bars(shares, "What the model looks at", "share of gain"),
            "calibration.png": plots.calibration(hits, stage_fit.promised(given[MODEL])),
        },
        tables={name: table.to_csv(index=False, lineterminator="\n") for name, table in tables.items()},
        told={
            "What is predicted": f"the stage {declared.within_days} days later, one of {', '.join(model.names)}",
            "Learned from": f"{days[0]} ({int(found['learned_rows']):,} rows)",
            "Judged on": f"{days[1]} ({int(found['judged_rows']):,} rows), which nothing was learned from",
            "Compared with": "the rules of stages (everybody stays), and what usually follows a stage",
        },
    )


def _beside(given: Mapping[str, pd.DataFrame], came: pd.Series) -> pd.DataFrame:
    """Accuracy and log loss of the model, the rules, the moves and the champion on the same rows."""
    rows = [
        (
            name,
            round(float(stage_fit.right(one, came).mean()), 6),
            round(float(stage_fit.surprise(one, came).mean()), 6),
        )
        for name, one in given.items()
    ]
    return pd.DataFrame(rows, columns=["who", "accuracy", "log_loss"])


def _logged(model: Stages, example: pd.DataFrame, metadata: dict[str, Any]) -> Any:
    """The model in the open run: trees as text, names as JSON, and the file that reads them; no pickle."""
    with tempfile.TemporaryDirectory() as folder:
        trees, names = Path(folder) / MODEL_FILE, Path(folder) / "stages.json"
        model.booster.save_model(str(trees))
        names.write_text(json.dumps(model.names), encoding="utf-8")
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=stage_served.__file__,
            artifacts={stage_served.BOOSTER: str(trees), stage_served.DOCUMENT: str(names)},
            signature=infer_signature(example, model.chances(example)),
            input_example=example,
            pip_requirements=requirements("mlflow", "lightgbm", "numpy", "pandas"),
            metadata=metadata,
        )
