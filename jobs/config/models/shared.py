"""config/models.yaml: what all models share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from jobs.config.traits import LEARNABLE, Trait, needed
from jobs.config.yaml_files import Strict, line_of, nearest

NOT_KEPT = ("carts", "moments")
"""Tables kept as of the newest day only; models learn from days of the past."""
MOVED = {
    "churn": "`kind: classify`, `label: {rows_of: NAME OF recency, happens: false, within_days: HORIZON_DAYS}`",
    "segmentation": "`kind: segment`",
}
"""Keys this file had before models had files of their own, and what such a file begins with."""


class Drift(Strict):
    """When customers no longer look like those a model learned from."""

    psi_limit: float = Field(0.25, gt=0, description="population stability index over which a feature has moved")
    minimum_weight: float = Field(0.3, gt=0, le=1, description="share of a model's weight on moved features to retrain")


class Models(Strict):
    """config/models.yaml: what all models share. Each model is a file of its own, `models/NAME.yaml`."""

    features: list[str] = Field([], description="traits that models learn from, kept per day in models/features")
    recency: str = Field(
        "recency_days",
        description="the feature that says how many days ago a customer did last what customers should keep doing, "
        "such as ordering; who never did it is in no segment. Without that feature everybody is",
    )
    drift: Drift = Drift()
    retrain_days: int = Field(7, gt=0, description="days between trainings when nothing drifts")
    seed: int = 1

    @model_validator(mode="before")
    @classmethod
    def _models_have_files_of_their_own(cls, values: Any) -> Any:
        old = [key for key in MOVED if isinstance(values, dict) and key in values]
        if old:
            files = "; ".join(f"models/{key}.yaml, with {MOVED[key]} before them" for key in old)
            raise ValueError(
                f"{old[0]}: each model is a file of its own now: move the keys below {' and '.join(old)} to {files}, "
                "and `title`, `about` and `owner`; `klantreis check` names keys that are called otherwise"
            )
        return values


def problems(path: Path, models: Models, traits: Mapping[str, Trait]) -> list[str]:
    """Features that are no traits, or traits that models cannot learn from: file, line, key, what to do."""

    def place(*keys: str | int) -> str:
        return f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}"

    found = []
    for number, name in enumerate(models.features):
        wrong = _no_feature(name, traits)
        if wrong:
            found.append(f"{place('features', number)}: {wrong}")
    if models.recency not in models.features and "recency" in models.model_fields_set:
        known = nearest(models.recency, models.features)
        found.append(f"{place('recency')}: unknown feature {models.recency!r}{known}; name it in `features`")
    recency = traits.get(models.recency)
    if recency and (recency.over is None or recency.days or recency.value.replace(" ", "") != "min(days_ago)"):
        found.append(f"{place('recency')}: trait {models.recency!r} must be min(days_ago) over rows of any age")
    return found


def _no_feature(name: str, traits: Mapping[str, Trait]) -> str | None:
    if name not in traits:
        return f"unknown trait {name!r}{nearest(name, traits)}; declare it in traits.yaml"
    if traits[name].type not in LEARNABLE:
        return f"trait {name!r} is a {traits[name].type}; models learn from numbers, categories and booleans"
    kept = sorted({traits[one].over or "" for one in needed([name], traits)} & set(NOT_KEPT))
    if kept:
        return f"trait {name!r} is over {kept[0]}, which is kept for the newest day only; models learn from past days"
    return None
