"""`kind: segment` of config/models/NAME.yaml: how customers are segmented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.shared import Models
from jobs.config.traits import NUMBERS, Trait
from jobs.config.yaml_files import Strict


class Words(Strict):
    """How a feature is called in a segment's name: an adjective for much of it, and one for little."""

    high: str
    low: str


class Segment(Learned):
    """How customers are segmented."""

    kind: Literal["segment"]
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
    minimum_separation: float = Field(
        0.01, description="silhouette beyond that of customers without groups, and beyond its noise"
    )
    minimum_stability: float = Field(
        0.6, ge=0, le=1, description="adjusted Rand index of segments found in customers drawn again"
    )
    minimum_retrain_agreement: float = Field(
        0.4, ge=0, le=1, description="adjusted Rand index of segments found in one half of customers and in the other"
    )
    minimum_improvement: float = 0.0
    gain_per_move: float = Field(
        0.1, ge=0, description="silhouette a retrain must gain times the share of customers it moves"
    )

    @model_validator(mode="after")
    def _something_to_tell_apart(self) -> Segment:
        if not self.features:
            raise ValueError("features: name at least one feature")
        if self.k_min > self.k_max:
            raise ValueError(f"k_min ({self.k_min}) is more than k_max ({self.k_max})")
        return self

    def used_features(self) -> Iterator[tuple[Keys, str]]:
        yield from ((("features", n), name) for n, name in enumerate(self.features))
        yield from ((("words", name), name) for name in self.words)

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        for number, name in enumerate(self.features):
            if name in traits and traits[name].type not in NUMBERS:
                yield ("features", number), f"trait {name!r} is a {traits[name].type}; segments are found in numbers"
