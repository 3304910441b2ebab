"""`kind: value` of config/models/NAME.yaml: what customers will still be worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.shared import Models
from jobs.config.traits import Trait
from jobs.config.yaml_files import nearest


class Value(Learned):
    """Whether each customer is still one, how often it will buy, and what that is worth in 90 and 365 days."""

    kind: Literal["value"]
    purchases: str = Field(description="the trait that counts purchases: a day with one of its rows is a purchase")
    worth: str = Field(description="the trait that adds up what purchases are worth, such as revenue")
    features: list[str] = Field([], description="features that the rival, a tree model, learns from too; default: all")
    judge_days: int = Field(90, gt=0, description="the model is judged on what customers spend in so many days")
    minimum_repeat_buyers: int = Field(50, ge=2, description="customers with purchases on two days to learn from")
    minimum_d2: float = Field(0.0, description="share of deviance explained below which a first model is refused")
    minimum_improvement: float = 0.0
    lapsed_days: int = Field(180, gt=0, description="who bought nothing for so long has left, in curves of survival")
    survival_by: str | None = Field(None, description="a model whose labels get a curve each, such as segmentation")
    bands: dict[str, float] = Field(
        {"top": 0.8, "middle": 0.5, "low": 0.0},
        description="label to the share of customers who are worth less than those it is for",
    )

    @model_validator(mode="after")
    def _every_customer_has_a_band(self) -> Value:
        if not self.bands or min(self.bands.values()) != 0 or max(self.bands.values()) >= 1:
            raise ValueError("bands: are shares of customers from 0 to below 1, and one band must start at 0")
        return self

    def used_features(self) -> Iterator[tuple[Keys, str]]:
        yield from ((("features", n), name) for n, name in enumerate(self.features))

    def other_models(self) -> Iterator[tuple[Keys, str]]:
        if self.survival_by is not None:
            yield ("survival_by",), self.survival_by

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        for key in ("purchases", "worth"):
            name = getattr(self, key)
            if name not in traits:
                yield (key,), f"unknown trait {name!r}{nearest(name, traits)}"
            elif traits[name].over is None:
                yield (key,), f"trait {name!r} has no rows: name one with `over`"
            elif key == "worth" and not traits[name].value.replace(" ", "").lower().startswith("sum("):
                yield (key,), f"trait {name!r} adds nothing up: name one whose value is sum(...)"
