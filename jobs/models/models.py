"""The models there are: each is declared in config/models/NAME.yaml, and its kind is a module here.

A new model is a file; a new kind is a module with what `Kind` says, its settings and its line in two `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from jobs.config.models.learned import Learned
from jobs.config.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from jobs.lake.lake import Txn
    from jobs.models.registry import Registry, Version

ROWS = ("customer_id", "score", "label", "reasons")


@dataclass(frozen=True)
class Asked:
    """One model that is to judge one day."""

    name: str
    day: date
    features: pd.DataFrame
    """models/features of the day, in the order of customer ids."""

    txn: Txn
    """The step's transaction: it reads the tables that `reads` of the kind named, as they were when the step began."""

    registry: Registry
    version: Version
    """The champion."""

    settings: Settings

    @property
    def declared(self) -> Learned:
        """The file of the model."""
        return self.settings.learned[self.name]


@dataclass(frozen=True)
class Scored:
    """What a model says of a day, and what is needed to see that customers differ from those it knows."""

    rows: pd.DataFrame
    """The columns ROWS, one row per customer: what goes to models/scores."""

    judged: pd.DataFrame
    """These customers as the model saw them, one column per feature."""

    reference: Mapping[str, Mapping[str, Any]]
    """The customers it learned from (`drift.reference`)."""

    weights: Mapping[str, float]
    """How much the model looks at each feature."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    """What goes to the other tables of the kind (`ANSWERS`): its rows of the day, with the name in a column `model`."""

    why_nobody: str = ""
    """Why there is no row, where there is none."""


class Kind(Protocol):
    """What the module of a kind has."""

    ANSWERS: tuple[str, ...]
    """Tables it fills besides models/scores: one row per day, model and more; replaced day by day."""

    train: Callable[[str, date, Settings], dict[str, Any]]
    """Learn the model of that name from what was known on a day, register, promote if better.

    Too little history is no error: the result says why and until when (`training.waiting`)."""

    reads: Callable[[str, Settings], list[str]]
    """Tables that `score` of the model of that name reads from the step's transaction, besides models/features."""

    score: Callable[[Asked], Scored]
    """Judge one day by the champion; leave out customers the model is not about."""


KINDS: dict[str, str] = {
    "classify": "jobs.models.classify.classify",
    "habits": "jobs.models.habits.habits",
    "recommend": "jobs.models.recommend.recommend",
    "segment": "jobs.models.segment.segmentation",
    "stage": "jobs.models.stage.stage",
    "text": "jobs.models.text.text",
    "uplift": "jobs.models.uplift.uplift",
    "value": "jobs.models.value.value",
}
"""The module of each kind: loaded when used, because they bring heavy libraries. Settings: jobs/config/models."""

CARDS: dict[str, str] = {"matching": "jobs.models.matching_card"}
"""What is shown with the models but is declared elsewhere and scores nobody: modules with `train(day, settings)`."""


def module_of(name: str, settings: Settings) -> str:
    """The module of the kind of a declared model. Raises KeyError if there is no such model."""
    return KINDS[settings.learned[name].kind]


def kind(name: str, settings: Settings) -> Kind:
    """The kind of a declared model. Raises KeyError if there is no such model."""
    return cast(Kind, import_module(module_of(name, settings)))


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Train one model on what was known on `day`; what it learned, or why it waits."""
    if name in CARDS:
        found: dict[str, Any] = import_module(CARDS[name]).train(day, settings)
        return found
    return kind(name, settings).train(name, day, settings)


def retraining_due(day: date, settings: Settings) -> list[str]:
    """Declared models that are to be trained on `day`: never trained, a while ago, or drifted."""
    from jobs.models import registry

    return [name for name in settings.learned if registry.training_due(name, day, settings)]


def due(day: date, settings: Settings) -> list[str]:
    """All models that `train` has something to do for on `day`."""
    from jobs.models import matching_card

    return retraining_due(day, settings) + (["matching"] if matching_card.due(settings) else [])
