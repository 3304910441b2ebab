"""Which segment a customer belongs to, from a document of plain numbers.

This file is logged with every segmentation model and is all it takes to use one: NumPy, pandas and MLflow, and no part
of Klantreis. It therefore imports nothing of the project. `segments.py` beside it places customers with the same lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

DOCUMENT = "segments"
"""The name under which MLflow keeps the document."""


def signed_log(values: np.ndarray) -> np.ndarray:
    """Logarithm that keeps the sign and 0: amounts and counts are spread over several sizes."""
    return np.sign(values) * np.log1p(np.abs(values))


def scaled(document: Mapping[str, Any], frame: pd.DataFrame) -> np.ndarray:
    """Features on one scale: empty filled with the median, logarithm, extremes cut off, standardised."""
    values = frame[list(document["features"])].to_numpy(dtype=float)
    values = signed_log(np.where(np.isnan(values), np.array(document["fill"]), values))
    return (np.clip(values, document["low"], document["high"]) - np.array(document["mean"])) / np.array(
        document["scale"]
    )


def nearest(document: Mapping[str, Any], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per scaled point the number of the nearest segment and the distance to its centre."""
    distances = np.stack([np.sqrt(((points - centre) ** 2).sum(axis=1)) for centre in np.array(document["centres"])])
    return distances.argmin(axis=0), distances.min(axis=0)


class Placing(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """A segmentation model as MLflow knows it: customers in, names of segments out."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        self.document = json.loads(Path(context.artifacts[DOCUMENT]).read_text(encoding="utf-8"))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """The name of the segment of each row."""
        numbers, _ = nearest(self.document, scaled(self.document, model_input))
        return np.array(self.document["names"])[numbers]


if __name__ != "jobs.models.segment.placing":  # MLflow runs this file to load a model; the project imports it
    mlflow.models.set_model(Placing())
