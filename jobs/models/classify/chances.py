"""The probability of an outcome, from trees and two numbers that make their promises true.

This file is logged with every model of the kind `classify` and is all it takes to use one: LightGBM, NumPy, pandas and
MLflow, and no part of Klantreis. It therefore imports nothing of the project.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

BOOSTER, DOCUMENT = "booster", "chances"
"""The names under which MLflow keeps the trees and the numbers."""


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Logarithm of the odds; probabilities are kept off 0 and 1."""
    kept = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))


def calibrated(probability: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Promises made true: a straight line in the log odds, so that the order of customers stays."""
    return np.asarray(1 / (1 + np.exp(-(slope * log_odds(probability) + intercept))))


def texts(frame: pd.DataFrame) -> list[str]:
    """The columns that hold categories: those of texts."""
    return [name for name in frame.columns if frame[name].dtype == object]


def prepared(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of texts as categories. What a model did not see when it learned is as if nothing were known."""
    return frame.astype(dict.fromkeys(texts(frame), "category"))


class Chances(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """A classifier as MLflow knows it: customers in, probabilities out."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        import lightgbm

        self.booster = lightgbm.Booster(model_file=context.artifacts[BOOSTER])
        self.document = json.loads(Path(context.artifacts[DOCUMENT]).read_text(encoding="utf-8"))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """The probability of the outcome per row."""
        raw = np.asarray(self.booster.predict(prepared(model_input[self.booster.feature_name()])))
        return calibrated(raw, self.document["slope"], self.document["intercept"])


if __name__ != "jobs.models.classify.chances":  # MLflow runs this file to load a model; the project imports it
    mlflow.models.set_model(Chances())
