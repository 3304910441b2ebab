"""config/journey.yaml: sessions, stages, micro-moments and KPIs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from jobs.config.journey.intent import Intent
from jobs.config.journey.kpis import Kpi, Name, Stage
from jobs.config.journey.moment_effects import MomentEffects
from jobs.config.journey.moments import Location, Moment, MomentType
from jobs.config.journey.paths import Funnel, Paths
from jobs.config.traits import Trait
from jobs.config.yaml_files import ConfigError, Strict, line_of, nearest


class StageRule(Strict):
    """A customer is in `stage` on days on which `when` is true; the first rule that is true wins."""

    stage: Stage
    state: Name = Field("active", description="how it stands there, a word of your own: active, new, lapsed, ...")
    name: str
    when: str = Field(description="condition on traits that are counts and sums, since it is asked on every day")


class ValenceRule(Strict):
    """A touchpoint for which `when` is true was good or bad for the customer; the first rule that is true wins."""

    name: str
    when: str
    valence: Literal["positive", "negative", "neutral", "expected"] = Field(
        description="expected is the valence of its name in `touchpoints`, for contacts of which nothing else tells"
    )


class TouchpointName(Strict):
    """A name for the touchpoints for which `when` is true; of several that are, the first in the file names one."""

    title: str
    when: str = Field(description="condition on the columns of journeys/touchpoints, such as type, channel and subject")
    owner: str = Field(description="who answers for it: a team or a role")
    stage: Stage = Field(description="the stage it is meant for")
    valence: Literal["positive", "negative", "neutral"] = Field(
        "neutral",
        description="how it is expected to be for the customer; how one was is told by the rules of `valence`",
    )


class Journey(Strict):
    """config/journey.yaml: sessions, touchpoints, stages, micro-moments and KPIs."""

    session_gap_minutes: int = Field(30, gt=0)
    new_campaign_begins_visit: bool = Field(
        False, description="a click of another campaign in a visit begins a new one"
    )
    visit_ends_at_midnight: bool = Field(False, description="a visit goes on as another one the next day")
    longest_visit_minutes: int | None = Field(
        None, gt=0, description="a visit is parted every so many minutes; default: however long it lasts"
    )
    after_longest_visit: Literal["new_visit", "no_visit"] = Field(
        "new_visit", description="what comes later of a visit as its tracker counts: another visit, or in none"
    )
    cart_days: int = Field(3, gt=0, description="a basket untouched for longer is abandoned")
    click_days: int = Field(7, gt=0, description="a click longer after the message is no answer to it")
    scanner_seconds: int = Field(
        0, ge=0, description="a click sooner after the message is that of a mail scanner, and no answer to it"
    )
    bots: dict[Name, str] = Field(
        {}, description="name to a condition on events: of these no person made any; they are counted and left out"
    )
    most_events_per_minute: int | None = Field(
        None, ge=1, description="a browser with more events in a minute is a program: those events are counted as bots"
    )
    channels: dict[Name, str] = Field({}, description="traffic channel to a condition on a visit's first event")
    valence: list[ValenceRule] = []
    touchpoints: dict[Name, TouchpointName] = Field({}, description="the catalogue: a name for every contact there is")
    max_unnamed_share: float = Field(
        0.02, ge=0, le=1, description="a larger share of touchpoints that no entry of `touchpoints` names is told"
    )
    stages: list[StageRule]
    moves: dict[Stage, list[Stage]] = Field(
        {}, description="stage to the stages a customer may go to from there; a stage that is not named: to any"
    )
    on_forbidden: Literal["tell", "stay"] = Field(
        "tell", description="another move: `tell` marks and counts it, with `stay` the customer stays in the stage"
    )
    stage_value: str | None = Field(
        None, description="trait over a window of days that is the value of a move: its value when as many days passed"
    )
    minimum_evidence: int = Field(1, ge=1, description="a moment with less weight of evidence is too little to tell")
    minimum_confidence: float = Field(0.5, ge=0, le=1, description="a moment with a smaller share of evidence is none")
    location: Location | None = Field(None, description="default: nobody is asked where they are")
    moments: dict[Moment, MomentType] = {}
    intent: Intent | None = Field(None, description="default: visits get no points of purchase intent")
    smallest_sample: int = Field(30, ge=1, description="a KPI of fewer observations is marked as small")
    kpis: dict[Name, Kpi] = {}
    funnels: dict[Name, Funnel] = {}
    paths: Paths | None = Field(None, description="default: no paths and no attribution")
    moment_effects: MomentEffects | None = Field(None, description="default: nobody asks which micro-moments matter")

    @property
    def touchpoint_names(self) -> list[tuple[str, str]]:
        """Condition and name of each entry of the catalogue, in the order in which they are tried."""
        return [(entry.when, name) for name, entry in self.touchpoints.items()]

    @property
    def expected_valence(self) -> dict[str, str]:
        """How each entry of the catalogue is expected to be for the customer."""
        return {name: entry.valence for name, entry in self.touchpoints.items()}

    @model_validator(mode="before")
    @classmethod
    def _measures_are_traits(cls, values: Any) -> Any:
        if isinstance(values, dict) and "measures" in values:
            raise ValueError(f"measures: {_as_traits(values['measures'])}")
        return values

    @field_validator("stages")
    @classmethod
    def _everybody_has_a_stage(cls, rules: list[StageRule]) -> list[StageRule]:
        if not rules or rules[-1].when.strip().lower() != "true":
            raise ValueError('the last rule must be `when: "true"`, so that every customer has a stage')
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules are named {twice[0]!r}; the history could not say which one decided")
        return rules


def check_stage_value(journey: Journey, traits: Mapping[str, Trait], path: Path) -> None:
    """Raises ConfigError, naming the line, if `stage_value` is no trait over a window that ends with the day."""
    name = journey.stage_value
    if name is None:
        return
    place = f"{path}:{line_of(path, 'stage_value')}: stage_value"
    if name not in traits:
        raise ConfigError([f"{place}: unknown trait {name!r}{nearest(name, traits)}"])
    if not traits[name].days or traits[name].ending_days_ago:
        raise ConfigError([f"{place}: {name!r} has no window of the last `days`; what a move is worth needs one"])


def _as_traits(measures: Any) -> str:
    """What to write instead of `measures`, the numbers of stage rules before every number was a trait."""
    written = []
    for name, measure in measures.items() if isinstance(measures, dict) else ():
        given = measure if isinstance(measure, dict) else {}
        value, kind = (f"sum({given['sum']})", '"decimal(18,2)"') if given.get("sum") else ("count(*)", "bigint")
        days = f", days: {given['days']}" if given.get("days") else ""
        days += ", default: 0" if given.get("sum") else ""
        where = f'"{given.get("when", "true")}"'
        written.append(
            f"  {name}: {{over: touchpoints, where: {where}{days}, value: {value}, type: {kind}, title: {name}}}"
        )
    return "\n".join(
        ["numbers are declared once, in traits.yaml; remove `measures` here and write there, under `traits`:", *written]
    )
