"""How likely each stage is, from trees.

This file is logged with every model of the kind `stage` and is all it takes to use one: LightGBM, NumPy, pandas and
MLflow, and no part of Klantreis. It therefore imports nothing of the project.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

BOOSTER, DOCUMENT = "booster", "stages"
"""The names under which MLflow keeps the trees and the names of the stages."""


class Stages(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """A stage model as MLflow knows it: customers in, the probability of each stage out, a column each."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        import lightgbm

        self.booster = lightgbm.Booster(model_file=context.artifacts[BOOSTER])
        self.stages = json.loads(Path(context.artifacts[DOCUMENT]).read_text(encoding="utf-8"))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The probability of each stage, per row."""
        frame = model_input[self.booster.feature_name()]
        texts = [name for name in frame.columns if frame[name].dtype == object]
        raw = self.booster.predict(frame.astype(dict.fromkeys(texts, "category")))
        return pd.DataFrame(np.asarray(raw), columns=self.stages)


if __name__ != "jobs.models.stage.stage_served":  # MLflow runs this file to load a model; the project imports it
    mlflow.models.set_model(Stages())
