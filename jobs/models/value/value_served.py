"""What customers with these histories are worth in a year, for MLflow: logged with every model of value.

`CARRIED` goes with it, so that a model is of use where Klantreis is not installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from jobs.models.value.lifetime import Lifetime

DOCUMENT = "lifetime"
"""The name under which MLflow keeps the parameters."""
CARRIED = ("errors.py", "models/value/lifetime.py", "models/value/repeat_buying.py", "models/value/spend.py")
"""Files of `jobs` that the parameters are used with."""


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Histories in, the expected worth of a year by the model of repeat buying out."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        self.lifetime = Lifetime.from_json(Path(context.artifacts[DOCUMENT]).read_text(encoding="utf-8"))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """The worth of a year per row."""
        return self.lifetime.value(model_input, 365.0)


if __name__ != "jobs.models.value.value_served":  # MLflow runs this file to load a model; the project imports it
    mlflow.models.set_model(Served())
