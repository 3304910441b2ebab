"""The items that go with the items somebody bought.

This file is logged with every model of recommendations and is all it takes to use one: NumPy, pandas, SciPy and MLflow,
and no part of Klantreis. It therefore imports nothing of the project.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import scipy.sparse as sp

TOP = 10
ITEMS, SIMILAR = "items", "similar"
"""The names under which MLflow keeps the ids and the weights."""


class Served(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Asked with rows of `items`, one id a line, it answers with the ten that go best with them."""

    def load_context(self, context: Any) -> None:
        """Called by MLflow with the files of the model."""
        items = json.loads(Path(context.artifacts[ITEMS]).read_text(encoding="utf-8"))
        self.items = np.array(items, dtype=object)
        self.similar = sp.csr_matrix(sp.load_npz(context.artifacts[SIMILAR]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> list[str]:
        """The ids of the ten items per row, one a line."""
        return ["\n".join(self._of(str(text).split("\n"))) for text in model_input["items"]]

    def _of(self, bought: list[str]) -> list[str]:
        own = pd.Index(self.items).get_indexer(bought)
        own = own[own >= 0]
        scores = np.asarray(self.similar[own].sum(axis=0)).ravel() if len(own) else np.zeros(len(self.items))
        scores[own] = -np.inf
        return [str(self.items[place]) for place in np.argsort(-scores, kind="stable")[:TOP] if scores[place] > 0]


if __name__ != "jobs.models.recommend.recommend_served":  # MLflow runs this file to load a model
    mlflow.models.set_model(Served())
