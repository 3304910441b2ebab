"""By how much approaching a customer raises the probability of an outcome.

This file is logged with every model of the kind `uplift` and is all it takes to use one: LightGBM, NumPy, pandas and
MLflow, and no part of Klantreis. It therefore imports nothing of the project.
"""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import pandas as pd

APPROACHED, LEFT_ALONE = "approached", "left_alone"
"""The names under which MLflow keeps the trees of either arm."""


class Effects(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """An uplift model as MLflow knows it: customers in, effects out."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        import lightgbm

        self.arms = [lightgbm.Booster(model_file=context.artifacts[name]) for name in (APPROACHED, LEFT_ALONE)]

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """The effect per row."""
        first, second = (np.asarray(arm.predict(_prepared(model_input[arm.feature_name()]))) for arm in self.arms)
        return first - second


def _prepared(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in frame.columns if frame[name].dtype == object]
    return frame.astype(dict.fromkeys(texts, "category"))


if __name__ != "jobs.models.uplift.uplift_served":  # MLflow runs this file to load a model; the project imports it
    mlflow.models.set_model(Effects())
