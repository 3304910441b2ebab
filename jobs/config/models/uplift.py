"""`kind: uplift` of config/models/NAME.yaml: whom it helps to approach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from jobs.config.models.classify import Label, Value
from jobs.config.models.learned import Keys, Learned
from jobs.config.models.shared import Models
from jobs.config.traits import Trait, needed
from jobs.config.yaml_files import Strict, nearest


class Treated(Strict):
    """Who was approached, where chance drew it outside: what a trait says of each customer."""

    trait: str = Field(description="the trait that tells it")
    values: list[Value] = Field(min_length=1, description="its values for those who were approached")
    others: list[Value] = Field([], description="its values for those who were not; default: one other")


class Uplift(Learned):
    """How much more likely an outcome is for each customer if approached: who to approach, and who to leave alone.

    It learns from a draw by chance: of an action with a holdout, or of an experiment whose result is in the data.
    """

    kind: Literal["uplift"]
    action: str | None = Field(None, description="the action whose holdout, drawn by chance, it learns from")
    treated: Treated | None = Field(None, description="instead of `action`: a trait that tells who was approached")
    label: Label = Field(
        description="the outcome: with `action` rows that follow (`rows_of`), with `treated` what a trait of the same "
        "day says"
    )
    worth: float = Field(
        gt=0, description="what one more customer with the outcome is worth, in the company's currency"
    )
    cost: float = Field(ge=0, description="what it costs to approach one customer")
    outcome: str = Field("the effect", description="what a reason raises or lowers, such as `the effect`")
    features: list[str] = Field([], description="features to learn from, numbers and categories; default: all")
    snapshots: int = Field(12, ge=1, description="with `action`: so many of the newest days on which customers came in")
    minimum_improvement: float = Field(0.0, description="Qini coefficient by which a model must beat the champion")
    parameters: dict[str, int | float | str] = Field({}, description="LightGBM parameters that replace ours")

    @model_validator(mode="after")
    def _one_draw(self) -> Uplift:
        if (self.action is None) == (self.treated is None):
            raise ValueError("say either `action`, whose holdout tells, or `treated`, the trait that does")
        if self.action and not self.label.rows_of:
            raise ValueError("label: with `action` say `rows_of`, what happens afterwards")
        if self.treated and (not self.label.trait or self.label.horizon):
            raise ValueError("label: with `treated` say `trait` and `values`, without `within_days`")
        return self

    @property
    def among(self) -> None:
        """It is about whoever was drawn."""

    def learned_from(self, models: Models) -> list[str]:
        """The features it learns from: never who was approached, nor the outcome."""
        told = {self.treated.trait if self.treated else None, self.label.trait}
        return self.features or [name for name in models.features if name not in told]

    def used_features(self) -> Iterator[tuple[Keys, str]]:
        yield from ((("features", n), name) for n, name in enumerate(self.features))
        if self.label.within:
            yield ("label", "within"), self.label.within

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        asked: list[tuple[Keys, str]] = [(("label", "rows_of" if self.action else "trait"), self.label.about)]
        if self.treated:
            asked.append((("treated", "trait"), self.treated.trait))
        for keys, name in asked:
            if name not in traits:
                yield keys, f"unknown trait {name!r}{nearest(name, traits)}"
            elif keys[-1] == "rows_of" and traits[name].over is None:
                yield keys, f"trait {name!r} has no rows: name one with `over`"
        for keys, told in asked if self.treated else []:
            for feature in self.learned_from(models):
                if told in traits and feature in traits and told in needed([feature], traits):
                    yield (
                        keys,
                        f"feature {feature!r} is computed from it, so the model would know",
                    )
