"""What the file of every model says, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from jobs.config.models.shared import Models
from jobs.config.traits import Trait
from jobs.config.yaml_files import Strict

Keys = tuple[str | int, ...]
"""Where in the file something stands."""


class Learned(Strict):
    """config/models/NAME.yaml: one model. What else it holds depends on its kind."""

    kind: str = Field(description="what is done with the settings below: see the chapter of each kind")
    title: str = Field(description="what people call it")
    about: str = Field(description="a sentence: what it is for, and for whom")
    owner: str = Field(description="who answers for it and decides about it")
    approval: Literal["automatic", "person"] = Field(
        "automatic",
        description="`person`: what passed every check waits until somebody says yes (`klantreis models promote`)",
    )

    def used_features(self) -> Iterator[tuple[Keys, str]]:
        """Names of features in this file, with their places; each must be one of `features` in models.yaml."""
        yield from ()

    def other_models(self) -> Iterator[tuple[Keys, str]]:
        """Names of models whose scores this one uses, with their places; each must be declared."""
        yield from ()

    def purposes(self) -> Iterator[tuple[Keys, str]]:
        """Purposes that customers must have agreed to, with their places; each must be one of identity.yaml."""
        yield from ()

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        """What else does not fit the rest of the configuration: its place and what to do about it."""
        yield from ()
