"""config/models.yaml: what is learned, and when a model is good enough."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from jobs.config.traits import NUMBERS, Trait, needed
from jobs.config.yaml_files import Strict, line_of, nearest

NOT_KEPT = ("carts", "moments")
"""Tables kept as of the newest day only; models learn from days of the past."""


class Words(Strict):
    """How a feature is called in a segment's name: an adjective for much of it, and one for little."""

    high: str
    low: str


class Segmentation(Strict):
    """How customers are segmented."""

    features: list[str] = Field(description="features that set segments apart")
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
    def _something_to_tell_apart(self) -> Segmentation:
        if not self.features:
            raise ValueError("features: name at least one feature")
        if self.k_min > self.k_max:
            raise ValueError(f"k_min ({self.k_min}) is more than k_max ({self.k_max})")
        return self


class Churn(Strict):
    """How churn is defined and predicted: no order in the `horizon_days` after a day counts as churned."""

    features: list[str] = Field([], description="features to learn from; default: all")
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
    def _every_score_has_a_band(self) -> Churn:
        if not self.bands or min(self.bands.values()) > 0:
            raise ValueError("bands: one band must start at 0, or the lowest scores have no label")
        return self


class Drift(Strict):
    """When customers no longer look like those a model learned from."""

    psi_limit: float = Field(0.25, gt=0, description="population stability index over which a feature has moved")
    minimum_weight: float = Field(0.3, gt=0, le=1, description="share of a model's weight on moved features to retrain")


LEARNED = ("segmentation", "churn")
"""Settings below that are those of a model; its module in jobs/models has the same name."""


class Models(Strict):
    """config/models.yaml."""

    features: list[str] = Field(description="traits that models learn from, kept per day in models/features")
    recency: str = Field(
        "recency_days",
        description="the feature that says how many days ago a customer did last what customers should keep doing, "
        "such as ordering: churn is not doing it again; who never did it is in no segment",
    )
    segmentation: Segmentation
    churn: Churn
    drift: Drift = Drift()
    retrain_days: int = Field(7, gt=0, description="days between trainings when nothing drifts")
    seed: int = 1


def problems(path: Path, models: Models, traits: Mapping[str, Trait]) -> list[str]:
    """Features that are no traits, or traits that models cannot learn from: file, line, key, what to do."""

    def place(*keys: str | int) -> str:
        return f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}"

    found = []
    for number, name in enumerate(models.features):
        wrong = _no_feature(name, traits)
        if wrong:
            found.append(f"{place('features', number)}: {wrong}")
    used: list[tuple[tuple[str | int, ...], str]] = [(("recency",), models.recency)]
    used += [(("segmentation", "features", n), name) for n, name in enumerate(models.segmentation.features)]
    used += [(("segmentation", "words", name), name) for name in models.segmentation.words]
    used += [(("churn", "features", n), name) for n, name in enumerate(models.churn.features)]
    for keys, name in used:
        if name not in models.features:
            found.append(
                f"{place(*keys)}: unknown feature {name!r}{nearest(name, models.features)}; name it in `features`"
            )
    recency = traits.get(models.recency)
    if recency and (recency.over is None or recency.days or recency.value.replace(" ", "") != "min(days_ago)"):
        found.append(f"{place('recency')}: trait {models.recency!r} must be min(days_ago) over rows of any age")
    return found


def _no_feature(name: str, traits: Mapping[str, Trait]) -> str | None:
    if name not in traits:
        return f"unknown trait {name!r}{nearest(name, traits)}; declare it in traits.yaml"
    if traits[name].type not in NUMBERS:
        return f"trait {name!r} is a {traits[name].type}; models learn from numbers"
    kept = sorted({traits[one].over or "" for one in needed([name], traits)} & set(NOT_KEPT))
    if kept:
        return f"trait {name!r} is over {kept[0]}, which is kept for the newest day only; models learn from past days"
    return None
