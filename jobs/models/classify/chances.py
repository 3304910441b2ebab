"""The probability of an outcome, from trees, a straight line beside them and two numbers that make promises true.

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
OTHER = ""
"""Any value of a category that has no number of its own: empty, rare or never seen."""
FARTHEST = 4.0
"""Standard deviations from the mean beyond which a number moves the line no further."""


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


def signed_log(values: np.ndarray) -> np.ndarray:
    """Logarithm that keeps the sign and 0: amounts and counts are spread over several sizes."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def line_scaled(number: dict[str, float], values: pd.Series) -> np.ndarray:
    """A feature on the scale of the line; empty values are filled, extremes cut off."""
    told = values.to_numpy(dtype=float)
    spread = signed_log(np.where(np.isnan(told), number["fill"], told))
    return np.clip((spread - number["mean"]) / number["scale"], -FARTHEST, FARTHEST)


def known_as(values: pd.Series, own: list[str]) -> pd.Series:
    """Values of a category as the line knows them."""
    told = values.astype(str)
    return told.where(values.notna() & told.isin(own), OTHER)


def line_parts(line: dict[str, Any], frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """What each of `names` adds to the log odds of the line, by row and feature."""
    parts = np.zeros((len(frame), len(names)))
    for place, name in enumerate(names):
        if name in line["numbers"]:
            one = line["numbers"][name]
            parts[:, place] = one["slope"] * line_scaled(one, frame[name]) - one["middle"]
        else:
            one = line["categories"][name]
            said = known_as(frame[name], list(one["adds"]))
            parts[:, place] = said.map({OTHER: 0.0, **one["adds"]}).to_numpy(dtype=float) - one["middle"]
    return parts


def line_odds(line: dict[str, Any], frame: pd.DataFrame) -> np.ndarray:
    """Log odds of each row by the line alone."""
    names = [*line["numbers"], *line["categories"]]
    return np.asarray(line["intercept"] + line_parts(line, frame, names).sum(axis=1))


def blended(trees: np.ndarray, line: dict[str, Any] | None, frame: pd.DataFrame) -> np.ndarray:
    """Log odds of trees and line together; `line["weight"]` says how much the line counts. Without one, the trees."""
    if not line:
        return trees
    return np.asarray((1 - line["weight"]) * trees + line["weight"] * line_odds(line, frame))


class Chances(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """A classifier as MLflow knows it: customers in, probabilities out."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        import lightgbm

        self.booster = lightgbm.Booster(model_file=context.artifacts[BOOSTER])
        self.document = json.loads(Path(context.artifacts[DOCUMENT]).read_text(encoding="utf-8"))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """The probability of the outcome per row."""
        trees = np.asarray(self.booster.predict(prepared(model_input[self.booster.feature_name()]), raw_score=True))
        odds = blended(trees, self.document.get("line"), model_input)
        return calibrated(1 / (1 + np.exp(-odds)), self.document["slope"], self.document["intercept"])


if __name__ != "jobs.models.classify.chances":  # MLflow runs this file to load a model; the project imports it
    mlflow.models.set_model(Chances())
