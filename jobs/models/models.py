"""The models there are. Each is a module with `train` and `score`, named as its settings in config/models.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from jobs.config.models import LEARNED
from jobs.config.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from jobs.models.registry import Registry, Version


ROWS = ("customer_id", "score", "label", "reasons")


@dataclass(frozen=True)
class Scored:
    """What a model says of the customers of a day, and what is needed to see that they differ from those it knows."""

    rows: pd.DataFrame
    """The columns ROWS, one row per customer."""

    judged: pd.DataFrame
    """These customers as the model saw them, one column per feature."""

    reference: Mapping[str, Mapping[str, Any]]
    """The customers it learned from (`drift.reference`)."""

    weights: Mapping[str, float]
    """How much the model looks at each feature."""


class Model(Protocol):
    """What the module of a model has."""

    train: Callable[[date, Settings], dict[str, Any]]
    """Learn from what was known on a day, register, promote if better; too little history is no error."""

    score: Callable[[pd.DataFrame, Registry, Version, Settings], Scored]
    """Judge the customers of one day of models/features by a registered version; leave out those it is not about."""


SCORING: dict[str, str] = {name: f"jobs.models.{name}" for name in LEARNED}
"""Models that score customers, with their modules: loaded when used, because they bring heavy libraries."""

TRAINED: dict[str, str] = {"matching": "jobs.models.matching_card"}
"""Models that are trained or shown with the others but score nobody."""


def model(name: str) -> Model:
    """The model of that name. Raises KeyError if there is none."""
    return cast(Model, import_module((SCORING | TRAINED)[name]))


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Train one model on what was known on `day`; what it learned, or why it waits."""
    return model(name).train(day, settings)


def retraining_due(day: date, settings: Settings) -> list[str]:
    """Scoring models that are to be trained on `day`: never trained, a while ago, or drifted."""
    from jobs.models import registry

    return [name for name in SCORING if registry.training_due(name, day, settings)]


def due(day: date, settings: Settings) -> list[str]:
    """All models that `train` has something to do for on `day`."""
    from jobs.models import matching_card

    return retraining_due(day, settings) + (["matching"] if matching_card.due(settings) else [])
