"""Lets MLflow serve recommendations: the items that go with the items somebody bought."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

TOP = 10


class Served:
    """Asked with rows of `items`, one id a line, it answers with the ten that go best with them."""

    def __init__(self, items: np.ndarray, similar: sp.csr_matrix):
        self.items, self.similar = items, similar

    def predict(self, frame: pd.DataFrame, params: dict[str, object] | None = None) -> list[str]:
        return ["\n".join(self._of(str(text).split("\n"))) for text in frame["items"]]

    def _of(self, bought: list[str]) -> list[str]:
        own = pd.Index(self.items).get_indexer(bought)
        own = own[own >= 0]
        scores = np.asarray(self.similar[own].sum(axis=0)).ravel() if len(own) else np.zeros(len(self.items))
        scores[own] = -np.inf
        return [str(self.items[place]) for place in np.argsort(-scores, kind="stable")[:TOP] if scores[place] > 0]


def _load_pyfunc(path: str) -> Served:
    """Called by MLflow with the folder of the model."""
    items = json.loads((Path(path) / "items.json").read_text(encoding="utf-8"))
    return Served(np.array(items, dtype=object), sp.csr_matrix(sp.load_npz(Path(path) / "similar.npz")))
