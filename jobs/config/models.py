"""config/models.yaml: what is learned, and when a model is good enough."""

from __future__ import annotations

from pydantic import Field, model_validator

from jobs.config.yaml_files import Strict, nearest
from jobs.lake.tables import catalogue


class Words(Strict):
    """How a feature is called in a segment's name: an adjective for much of it, and one for little."""

    high: str
    low: str


class Segmentation(Strict):
    """How customers are segmented."""

    features: list[str]
    words: dict[str, Words] = Field({}, description="adjectives per feature; without them names say high or low")
    k_min: int = Field(3, ge=2)
    k_max: int = Field(8, ge=2)
    minimum_share: float = Field(0.05, ge=0, lt=1, description="share of customers the smallest segment must hold")
    silhouette_tolerance: float = Field(
        0.1, ge=0, lt=1, description="share of the best silhouette given up for more segments"
    )
    minimum_overlap: float = Field(0.3, ge=0, le=1, description="share of customers a segment keeps to keep its name")
    minimum_silhouette: float = Field(0.05, description="below this, segments are not apart: the model is refused")
    minimum_improvement: float = 0.0

    @model_validator(mode="after")
    def _known_features(self) -> Segmentation:
        _check_features(self.features + list(self.words))
        if not self.features:
            raise ValueError("features: name at least one feature of models/features")
        if self.k_min > self.k_max:
            raise ValueError(f"k_min ({self.k_min}) is more than k_max ({self.k_max})")
        return self


class Churn(Strict):
    """How churn is defined and predicted: no order in the `horizon_days` after a day counts as churned."""

    features: list[str] = Field([], description="columns of models/features to learn from; default: all")
    horizon_days: int = Field(28, gt=0)
    active_days: int = Field(84, gt=0, description="only customers with an order in this many days are scored")
    training_snapshots: int = Field(6, ge=1)
    evaluation_snapshots: int = Field(2, ge=1, description="later days the model is judged on")
    snapshot_step_days: int = Field(14, gt=0)
    minimum_improvement: float = 0.0
    minimum_auc: float = 0.6
    parameters: dict[str, int | float | str] = Field({}, description="LightGBM parameters that replace ours")
    bands: dict[str, float] = {"high": 0.6, "medium": 0.3, "low": 0.0}

    @model_validator(mode="after")
    def _known_features(self) -> Churn:
        _check_features(self.features)
        if not self.bands or min(self.bands.values()) > 0:
            raise ValueError("bands: one band must start at 0, or the lowest scores have no label")
        return self


def _check_features(names: list[str]) -> None:
    valid = [name for name in catalogue.get("models/features").column_names if name not in ("day", "customer_id")]
    for name in names:
        if name not in valid:
            raise ValueError(f"unknown feature {name!r}{nearest(name, valid)}")


class Drift(Strict):
    """When customers no longer look like those a model learned from."""

    psi_limit: float = Field(0.25, gt=0, description="population stability index over which a feature has moved")
    minimum_weight: float = Field(0.3, gt=0, le=1, description="share of a model's weight on moved features to retrain")


LEARNED = ("segmentation", "churn")
"""Settings below that are those of a model; its module in jobs/models has the same name."""


class Models(Strict):
    """config/models.yaml."""

    segmentation: Segmentation
    churn: Churn
    drift: Drift = Drift()
    retrain_days: int = Field(7, gt=0, description="days between trainings when nothing drifts")
    seed: int = 1
