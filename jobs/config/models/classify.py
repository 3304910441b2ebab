"""`kind: classify` of config/models/NAME.yaml: which outcome is predicted, of whom, and how good is good enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.limits import Costs, Limits
from jobs.config.models.shared import Models
from jobs.config.traits import Trait
from jobs.config.yaml_files import Strict, nearest


class Label(Strict):
    """What is predicted: whether something happens, or stays away, in the days after a day."""

    rows_of: str = Field(description="the trait that counts what happens: its rows, such as orders that were placed")
    happens: bool = Field(True, description="true: that it happens is predicted; false: that it does not")
    within_days: int = Field(28, gt=0, description="days after the day in which it does or does not")


class Classify(Learned):
    """A yes or no about each customer, with its probability."""

    kind: Literal["classify"]
    label: Label
    outcome: str = Field("the chance", description="what a reason raises or lowers, such as `the risk`")
    features: list[str] = Field([], description="features to learn from; default: all")
    active_days: int | None = Field(
        None, gt=0, description="only of customers whose `recency` is below this many days; default: of all"
    )
    baseline: str | None = Field(
        None, description="the feature by which one would order customers without a model; default: `recency`"
    )
    training_snapshots: int = Field(6, ge=1)
    evaluation_snapshots: int = Field(2, ge=1, description="later days the model is judged on")
    snapshot_step_days: int = Field(14, gt=0)
    minimum_improvement: float = 0.0
    minimum_auc: float = 0.6
    parameters: dict[str, int | float | str] = Field({}, description="LightGBM parameters that replace ours")
    gate: Limits = Limits()
    costs: Costs | None = None
    bands: dict[str, float] = {"high": 0.6, "medium": 0.3, "low": 0.0}

    @model_validator(mode="after")
    def _every_score_has_a_band(self) -> Classify:
        if not self.bands or min(self.bands.values()) > 0:
            raise ValueError("bands: one band must start at 0, or the lowest scores have no label")
        return self

    def used_features(self) -> Iterator[tuple[Keys, str]]:
        yield from ((("features", n), name) for n, name in enumerate(self.features))
        yield from ((("gate", "fairness", n), name) for n, name in enumerate(self.gate.fairness))
        if self.baseline is not None:
            yield ("baseline",), self.baseline

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        counted = traits.get(self.label.rows_of)
        if counted is None:
            yield ("label", "rows_of"), f"unknown trait {self.label.rows_of!r}{nearest(self.label.rows_of, traits)}"
        elif counted.over is None:
            yield ("label", "rows_of"), f"trait {self.label.rows_of!r} has no rows: name one with `over`"
