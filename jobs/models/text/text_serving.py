"""A model of texts as MLflow serves it: texts in, classes out. MLflow runs this file beside a copy of jobs/text.

It takes MLflow, NumPy, SciPy, scikit-learn and PyArrow, and nothing else of Klantreis.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from jobs.text.linear import Classifier
from jobs.text.topics import Topics

DOCUMENT = "texts"
"""The name under which MLflow keeps the numbers."""
READERS: dict[str, Any] = {"classes.npz": Classifier, "themes.npz": Topics}
"""What reads each file of numbers."""


class Reading(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """A model of texts as MLflow knows it: a column `text` in, the class or theme of each out."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        path = Path(context.artifacts[DOCUMENT])
        self.model = READERS[path.name].from_bytes(path.read_bytes())

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """The class or theme of each row; of texts about nothing in particular an empty theme."""
        texts = model_input["text"].tolist()
        found = self.model.of(texts) if isinstance(self.model, Topics) else self.model.predicted(texts)[0]
        return np.array([one or "" for one in found], dtype=object)


if __name__ != "jobs.models.text.text_serving":  # MLflow runs this file to load a model; the project imports it
    mlflow.models.set_model(Reading())
