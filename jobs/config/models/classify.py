"""`kind: classify` of config/models/NAME.yaml: which outcome is predicted, of whom, and how good is good enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.limits import Costs, Limits
from jobs.config.models.shared import Models
from jobs.config.traits import LEARNABLE, NUMBERS, Trait, needed
from jobs.config.yaml_files import Strict, nearest

Value = str | bool | int | float
HORIZON = 28


class Label(Strict):
    """What is predicted: whether something happens or stays away in the days after a day, or what a trait says."""

    rows_of: str | None = Field(
        None, description="the trait that counts what happens: its rows, such as orders that were placed"
    )
    happens: bool = Field(True, description="of `rows_of`: true, that it happens is predicted; false, that it does not")
    within: str | None = Field(
        None, description="of `rows_of`: the feature with each customer's own number of days, up to `within_days`"
    )
    trait: str | None = Field(None, description="instead of `rows_of`: the trait that tells the outcome")
    values: list[Value] = Field([], description="of `trait`: its values that are the outcome")
    others: list[Value] = Field(
        [], description="of `trait`: its values that are not; whoever has none of both is left out. Default: one other"
    )
    within_days: int | None = Field(
        None,
        gt=0,
        description="days after the day in which it does or does not happen (28 unless said), or after which the trait "
        "is asked; a trait without it is asked on the day itself",
    )

    @property
    def horizon(self) -> int:
        """Days after a day until its outcome is known."""
        return self.within_days or (HORIZON if self.rows_of else 0)

    @property
    def about(self) -> str:
        """The trait that decides."""
        return str(self.rows_of or self.trait)

    @model_validator(mode="after")
    def _one_way_to_know(self) -> Label:
        if (self.rows_of is None) == (self.trait is None):
            raise ValueError("say either `rows_of`, what happens or not, or `trait`, which tells the outcome")
        if self.trait and not self.values:
            raise ValueError("values: name the values of the trait that are the outcome")
        if self.trait and (self.within or not self.happens):
            raise ValueError("`happens` and `within` are of `rows_of`; of a trait say `values`")
        if self.rows_of and (self.values or self.others):
            raise ValueError("`values` and `others` are of `trait`; of rows say `happens`")
        both = [value for value in self.values if value in self.others]
        if both:
            raise ValueError(f"others: {both[0]!r} is among `values` too; keep it in one of them")
        return self


class Classify(Learned):
    """A yes or no about each customer, with its probability."""

    kind: Literal["classify"]
    label: Label
    outcome: str = Field("the chance", description="what a reason raises or lowers, such as `the risk`")
    features: list[str] = Field([], description="features to learn from, numbers and categories; default: all")
    among: str | None = Field(None, description="a true-or-false feature: only customers for whom it is true")
    active_days: int | None = Field(
        None,
        gt=0,
        description="the model looks at customers whose `recency` is below this many days, at others a rule; "
        "default: at all",
    )
    active_within: str | None = Field(
        None, description="the feature with each customer's own number of days, where that is more than `active_days`"
    )
    baseline: str | None = Field(
        None, description="the feature by which one would order customers without a model; default: `recency`"
    )
    split: Literal["time", "random"] = Field(
        "time",
        description="judged on later days than those learned from; or, where there is no time, on other customers",
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

    @model_validator(mode="after")
    def _an_outcome_for_the_split(self) -> Classify:
        if self.split == "random" and self.label.horizon:
            raise ValueError("split: `random` is for a `trait` of the day itself, without `within_days`; write `time`")
        if self.split == "time" and not self.label.horizon:
            raise ValueError(
                "label: say after how many days the trait is asked, `within_days`, or that there is no time with "
                "`split: random`"
            )
        return self

    def learned_from(self, models: Models) -> list[str]:
        """The features it learns from."""
        named = self.features or [name for name in models.features if name != self.among]
        return [name for name in named if name not in self.gate.fairness]

    def judged_by(self, models: Models) -> str | None:
        """The feature that orders customers without a model, if there is one."""
        return self.baseline or (models.recency if models.recency in models.features else None)

    def used_features(self) -> Iterator[tuple[Keys, str]]:
        yield from ((("features", n), name) for n, name in enumerate(self.features))
        yield from ((("gate", "fairness", n), name) for n, name in enumerate(self.gate.fairness))
        single: dict[Keys, str | None] = {
            ("baseline",): self.baseline,
            ("among",): self.among,
            ("active_within",): self.active_within,
            ("label", "within"): self.label.within,
        }
        yield from ((keys, name) for keys, name in single.items() if name is not None)

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        yield from self._wrong_label(models, traits)
        if self.active_within and not self.active_days:
            yield ("active_within",), "is more than `active_days`; say that too"
        if self.active_days and models.recency not in models.features:
            yield ("active_days",), f"counts {models.recency!r}, which is none of `features` in models.yaml"
        for keys, name, types in (
            (("among",), self.among, ("boolean",)),
            (("baseline",), self.baseline, NUMBERS),
            (("active_within",), self.active_within, NUMBERS),
            (("label", "within"), self.label.within, NUMBERS),
        ):
            if name is not None and name in traits and traits[name].type not in types:
                yield keys, f"trait {name!r} is a {traits[name].type}; it must be a {types[0]}"

    def _wrong_label(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        key = "rows_of" if self.label.rows_of else "trait"
        told = traits.get(self.label.about)
        if told is None:
            yield ("label", key), f"unknown trait {self.label.about!r}{nearest(self.label.about, traits)}"
        elif self.label.rows_of:
            if told.over is None:
                yield ("label", key), f"trait {self.label.about!r} has no rows: name one with `over`"
        elif told.type not in LEARNABLE:
            yield (
                ("label", key),
                f"trait {self.label.about!r} is a {told.type}; it must be one of {', '.join(LEARNABLE)}",
            )
        else:
            for name in ("values", "others"):
                for number, value in enumerate(getattr(self.label, name)):
                    if not _fits(value, told.type):
                        yield ("label", name, number), f"{value!r} is no {told.type}, the type of {self.label.trait!r}"
            yield from self._leaks(models, traits)

    def _leaks(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        """Features that are the label of the same day, or computed from it."""
        for name in self.learned_from(models) if not self.label.horizon else []:
            if self.label.about in needed([name], traits):
                how = "is the label itself" if name == self.label.about else f"is computed from {self.label.about!r}"
                place: Keys = ("features", self.features.index(name)) if self.features else ("label", "trait")
                yield place, f"feature {name!r} {how}: the model would know the answer. Name `features` without it"


def _fits(value: Value, kind: str) -> bool:
    if kind in ("string", "boolean"):
        return isinstance(value, str if kind == "string" else bool)
    return isinstance(value, int | float) and not isinstance(value, bool)
