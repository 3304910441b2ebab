"""Lets MLflow serve the value model: value of a year for rows of histories."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from jobs.models.lifetime import Lifetime


class Served:
    """What customers with these histories are expected to be worth in a year by the model of repeat buying."""

    def __init__(self, lifetime: Lifetime):
        self.lifetime = lifetime

    def predict(self, frame: pd.DataFrame, params: dict[str, object] | None = None) -> np.ndarray:
        return self.lifetime.value(frame, 365.0)


def _load_pyfunc(path: str) -> Served:
    """Called by MLflow with the folder of the model."""
    return Served(Lifetime.from_json((Path(path) / "lifetime.json").read_text(encoding="utf-8")))
