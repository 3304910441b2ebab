"""config/experiments/NAME.yaml: which of several actions does better, decided beforehand how that will be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from jobs.config.actions.allocation import Allocation
from jobs.config.actions.audiences import Audience
from jobs.config.journey.kpis import Kpi, Name
from jobs.config.sql.rows import of_one_row
from jobs.config.wrong import ConfigError
from jobs.config.yaml_files import Strict, line_of, nearest

TABLES = ("touchpoints", "sessions", "carts", "moments")
"""Tables of which every row is of one customer on one day: a KPI over them can be counted per customer."""
ALIKE = ("where", "moment", "after", "purpose", "holdout", "expires")
"""What actions that are compared must have in common, so that only chance says who gets which."""


class Variant(Strict):
    """One of what is compared: an action, which those who are drawn for it may get."""

    action: str
    share: float = Field(gt=0, lt=1, description="of those in the experiment; all together 1")


class Layer(Strict):
    """Experiments of one layer share its customers; those of different layers are independent of each other."""

    name: Name
    begin: float = Field(0, ge=0, lt=1, description="from which share of the customers of the layer on")
    end: float = Field(1, gt=0, le=1, description="to which share of them, not included")


class Experiment(Strict):
    """config/experiments/NAME.yaml. The first variant is what the others are compared with."""

    experiment: Name
    hypothesis: str = Field(description="what is expected, and why")
    owner: str
    unit: Literal["customer", "household"] = "customer"
    begins: date
    closed: date | None = Field(None, description="the day it was ended; it then needs a `learning`")
    learning: str | None = Field(None, description="what was learned, for whoever asks the same again")
    salt: str | None = Field(None, description="what the draw depends on, never used twice; default: the name")
    layer: Layer | None = Field(None, description="default: a layer of its own, with everybody")
    variants: dict[Name, Variant] = Field(min_length=2)
    allocation: Allocation = Field(Allocation(), description="default: by the shares of the variants")
    primary: str = Field(description="the KPI that decides")
    guardrails: list[str] = Field([], description="KPIs that must not get worse")
    baseline: float = Field(description="value of the KPI per unit today, for the size of the experiment")
    spread: float | None = Field(
        None, gt=0, description="standard deviation of the KPI between units; default: as of a share, between 0 and 1"
    )
    minimum_effect: float = Field(gt=0, description="the smallest change that would matter, in the unit of the KPI")
    power: float = Field(0.8, gt=0.5, lt=1, description="chance of seeing such a change if there is one")
    stop: Literal["any_day", "at_the_end"] = Field(
        "any_day", description="any_day: one may look, and stop, every day; at_the_end: once, when its size is reached"
    )
    within_days: int = Field(14, ge=1, le=365, description="days after the first message that count")

    @model_validator(mode="after")
    def _whole(self) -> Experiment:
        total = sum(one.share for one in self.variants.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"variants: the shares are {total:g} together, not 1")
        if len(set(self.actions)) < len(self.actions):
            raise ValueError("variants: two of them are the same action; give each its own, with another template")
        if self.spread is None and not 0 < self.baseline < 1:
            raise ValueError("spread: say the standard deviation, since the baseline is not a share between 0 and 1")
        self._adapting()
        if self.closed and not (self.learning or "").strip():
            raise ValueError("learning: it is closed: write what was learned, for whoever asks the same again")
        return self

    def _adapting(self) -> None:
        """Raise ValueError if the allocation is not possible."""
        how = self.allocation
        if not how.adapts:
            return
        if how.floor * len(self.variants) >= 1:
            raise ValueError(f"allocation.floor: {how.floor:g} for each of {len(self.variants)} variants is everything")
        for name, one in self.variants.items():
            if one.share < how.floor:
                raise ValueError(f"variants.{name}.share: {one.share:g} is below the floor of {how.floor:g}")
        if self.unit != "customer":
            raise ValueError(f"unit: {how.method} draws customers; take unit: customer, or the method fixed")
        if how.redraw_days is not None and how.redraw_days < self.within_days:
            raise ValueError(
                f"allocation.redraw_days: {how.redraw_days} is less than within_days ({self.within_days}): what a "
                "customer does would count for two draws"
            )

    @property
    def salted(self) -> str:
        """What the draw depends on."""
        return self.salt or self.experiment

    @property
    def control(self) -> str:
        """The variant that the others are compared with."""
        return next(iter(self.variants))

    @property
    def actions(self) -> list[str]:
        """The actions that are compared."""
        return [one.action for one in self.variants.values()]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The KPI that decides, then the guardrails."""
        return (self.primary, *self.guardrails)

    def signature(self) -> str:
        """The same as long as everybody is drawn the same."""
        variants = [(name, one.action, one.share) for name, one in self.variants.items()]
        parts = (self.salted, self.unit, self.begins, self.layer, variants)
        if self.allocation.adapts:
            return sha256(repr((*parts, self.allocation)).encode()).hexdigest()[:16]
        return sha256(repr(parts).encode()).hexdigest()[:16]

    def runs(self, day: date) -> bool:
        """Whether people are drawn on a day."""
        return self.begins <= day and (self.closed is None or day < self.closed)


def problems(
    folder: Path, experiments: Mapping[str, Experiment], kpis: Mapping[str, Kpi], audiences: Mapping[str, Audience]
) -> Iterator[str]:
    """What experiments name that does not exist, or is not alike, and experiments that collide: file, line, key."""
    salts: dict[str, str] = {}
    in_use: dict[str, str] = {}
    for name, one in experiments.items():
        path = folder / "experiments" / f"{name}.yaml"
        if one.experiment != name:
            yield f"{path}:{line_of(path, 'experiment')}: experiment is {one.experiment!r}; name the file after it"
        other = salts.setdefault(one.salted, name)
        if other != name:
            where = _at(path, "salt" if one.salt else "experiment")
            yield f"{where}: the salt {one.salted!r} is that of {other}: both would draw the same people; give another"
        yield from _metrics(path, one, kpis)
        yield from _actions(path, one, audiences)
        for variant in one.variants.values() if one.closed is None else ():
            if (user := in_use.setdefault(variant.action, name)) != name:
                yield f"{_at(path, 'variants')}: {variant.action} is in {user}, too; close that one first"
    yield from _collisions(folder, experiments)


def _metrics(path: Path, one: Experiment, kpis: Mapping[str, Kpi]) -> Iterator[str]:
    for n, metric in enumerate(one.metrics):
        place = _at(path, "primary") if n == 0 else _at(path, "guardrails", n - 1)
        kpi = kpis.get(metric)
        if kpi is None:
            yield f"{place}: unknown KPI {metric!r}{nearest(metric, kpis)}"
        elif kpi.table not in TABLES:
            yield f"{place}: {metric} is over {kpi.table}, not of single customers; KPIs over {', '.join(TABLES)} are"
        elif kpi.direction is None:
            yield f"{place}: nobody can tell which way of {metric} is better; say its direction in journey.yaml"
        elif n == 0 and one.allocation.adapts and kpi.denominator is not None:
            yield f"{place}: {metric} is a ratio; {one.allocation.method} learns from a KPI without denominator"
        else:
            yield from (f"{place}: {metric}: {told}" for told in _not_of_rows(kpi))


def _not_of_rows(kpi: Kpi) -> Iterator[str]:
    for text in (kpi.numerator, kpi.denominator):
        try:
            if text and of_one_row(text) is None:
                yield f"{text!r} is more than a sum over rows, so it cannot be counted per customer"
        except ConfigError:
            return  # told with the KPI


def _actions(path: Path, one: Experiment, audiences: Mapping[str, Audience]) -> Iterator[str]:
    known = {name: audiences[v.action] for name, v in one.variants.items() if v.action in audiences}
    for name, variant in one.variants.items():
        if name not in known:
            place = _at(path, "variants", name, "action")
            yield f"{place}: unknown action {variant.action!r}{nearest(variant.action, audiences)}"
    if one.control not in known or one.closed is not None:
        return
    control = known[one.control]
    for name, action in known.items():
        unlike = [key for key in ALIKE if getattr(action, key) != getattr(control, key)]
        if unlike:
            place = _at(path, "variants", name, "action")
            both = f"{action.audience} and {control.audience}"
            yield f"{place}: {both} differ in {', '.join(unlike)}: make these the same"


def _collisions(folder: Path, experiments: Mapping[str, Experiment]) -> Iterator[str]:
    """Experiments of one layer that would draw the same customers."""
    open_ = [(name, one.layer) for name, one in experiments.items() if one.layer and one.closed is None]
    for n, (name, layer) in enumerate(open_):
        path = folder / "experiments" / f"{name}.yaml"
        if layer.begin >= layer.end:
            yield f"{_at(path, 'layer')}: begin {layer.begin:g} is not before end {layer.end:g}: nobody is in it"
        for other, others in open_[:n]:
            if layer.name == others.name and layer.begin < others.end and others.begin < layer.end:
                place = _at(path, "layer")
                yield f"{place}: shares customers of {layer.name} with {other}; let begin and end not overlap"


def _at(path: Path, *keys: str | int) -> str:
    return f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}"
