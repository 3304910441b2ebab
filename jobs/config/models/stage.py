"""`kind: stage` of config/models/NAME.yaml: in which stage of the journey each customer will be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.shared import Models


class Stage(Learned):
    """The stage each customer will be in so many days later, from many numbers at once; judged against the rules."""

    kind: Literal["stage"]
    within_days: int = Field(28, gt=0, description="days after a day at which the stage is asked")
    features: list[str] = Field([], description="features to learn from, numbers and categories; default: all")
    training_snapshots: int = Field(6, ge=1)
    evaluation_snapshots: int = Field(2, ge=1, description="later days the model is judged on")
    snapshot_step_days: int = Field(14, gt=0)
    minimum_improvement: float = Field(0.0, description="accuracy by which a later model must beat the champion")
    maximum_calibration_error: float = Field(
        0.05, gt=0, description="mean distance of promised and seen share, beyond what chance shows in so few customers"
    )
    parameters: dict[str, int | float | str] = Field({}, description="LightGBM parameters that replace ours")

    def learned_from(self, models: Models) -> list[str]:
        """The features it learns from."""
        return self.features or list(models.features)

    def used_features(self) -> Iterator[tuple[Keys, str]]:
        yield from ((("features", n), name) for n, name in enumerate(self.features))
