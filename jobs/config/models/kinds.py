"""The kinds of models there are, and the models a company declares: one file each, `config/models/NAME.yaml`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from jobs.config.models.classify import Classify
from jobs.config.models.habits import Habits
from jobs.config.models.learned import Learned
from jobs.config.models.recommend import Recommend
from jobs.config.models.segment import Segment
from jobs.config.models.shared import Models
from jobs.config.models.stage import Stage
from jobs.config.models.text import Text
from jobs.config.models.uplift import Uplift
from jobs.config.models.value import Value
from jobs.config.traits import Trait
from jobs.config.yaml_files import ConfigError, line_of, load, nearest

KINDS: dict[str, type[Learned]] = {
    "classify": Classify,
    "habits": Habits,
    "recommend": Recommend,
    "segment": Segment,
    "stage": Stage,
    "text": Text,
    "uplift": Uplift,
    "value": Value,
}
"""What the file of a model of each kind may hold. What is done with it: KINDS of jobs/models/models.py."""
FOLDER = "models"
TAKEN = ("matching",)
"""Names of models that are no declared ones."""


class _Kind(BaseModel):
    """Only the kind of a model; the rest is read when it is known."""

    model_config = ConfigDict(extra="ignore")
    kind: str


def load_learned(folder: Path) -> dict[str, Learned]:
    """The models of a configuration folder, by name. Raises ConfigError with the problems of every file."""
    found: dict[str, Learned] = {}
    problems: list[str] = []
    for path in sorted((folder / FOLDER).glob("*.yaml")):
        try:
            found[path.stem] = load(path, _kind_of(path))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return found


def _kind_of(path: Path) -> type[Learned]:
    name = path.stem
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in TAKEN:
        told = (
            "is the name of a model of Klantreis itself" if name in TAKEN else "must be lower-case letters and digits"
        )
        raise ConfigError([f"{path}: the name of a model is that of its file, and {name!r} {told}; rename it"])
    kind = load(path, _Kind).kind
    if kind not in KINDS:
        raise ConfigError([f"{path}:{line_of(path, 'kind')}: kind: unknown kind {kind!r}{nearest(kind, KINDS)}"])
    return KINDS[kind]


def problems(
    folder: Path,
    learned: Mapping[str, Learned],
    models: Models,
    traits: Mapping[str, Trait],
    purposes: Collection[str] = (),
) -> list[str]:
    """What in the files of models does not fit the rest of the configuration: file, line, key, what to do."""
    found = []
    for name, model in learned.items():
        path = folder / FOLDER / f"{name}.yaml"
        wrong = [
            (keys, f"unknown feature {used!r}{nearest(used, models.features)}; name it in `features` of models.yaml")
            for keys, used in model.used_features()
            if used not in models.features
        ]
        wrong += [
            (keys, f"unknown model {other!r}{nearest(other, learned)}")
            for keys, other in model.other_models()
            if other not in learned
        ]
        wrong += [
            (keys, f"unknown purpose {asked!r}{nearest(asked, purposes)}")
            for keys, asked in model.purposes()
            if asked not in purposes
        ]
        for keys, told in [*wrong, *model.wrong(models, traits)]:
            found.append(f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}: {told}")
    return found
