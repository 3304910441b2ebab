"""config/journey_map.yaml: what is known about touchpoints, what could be better, and what is done about it.

Insights, opportunities and solutions are linked by name, to each other and to the touchpoints, funnels and KPIs of
config/journey.yaml. A link to nothing is refused with its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.config.journey.journey import Journey
from jobs.config.yaml_files import Strict, line_of, nearest

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Valence = Literal["positive", "negative", "neutral"]
FILE = "journey_map.yaml"


class Data(Strict):
    """A number from the tables: counted anew by each run, with its 95 % interval."""

    query: str = Field(
        min_length=1,
        description="SQL as of `klantreis query` that gives one row: `part` and `whole` of a share, or `value`, "
        "`deviation` and `number` of a mean; {first_day} and {as_of} are the window of the map",
    )
    above: float | None = Field(None, description="the insight holds if the number is more than this")
    below: float | None = Field(None, description="the insight holds if the number is less than this")


class People(Strict):
    """What people said: customers, employees or research."""

    source: str = Field(min_length=1, description="where it can be read: interviews, a report, a ticket")
    who: Literal["customers", "employees", "research"]
    said: str = Field(min_length=1, description="in their words, or in short; nothing that identifies a person")
    heard: date = Field(description="when")


class Insight(Strict):
    """What is known about a touchpoint, and what that rests on: a number or people."""

    title: str
    touchpoint: str = Field(description="name in `touchpoints` of journey.yaml")
    says: Valence = Field(description="how the touchpoint is for customers, if the insight holds")
    data: Data | None = None
    people: People | None = None
    related: list[str] = Field([], description="other insights")

    @model_validator(mode="after")
    def _rests_on_something(self) -> Insight:
        if (self.data is None) == (self.people is None):
            raise ValueError("an insight rests on `data` (a query) or on `people` (a source); write one of them")
        return self


class Opportunity(Strict):
    """Where customers are lost and could be kept. Ranked by reach x loss / effort: those kept for a week of work."""

    title: str
    touchpoint: str = Field(description="name in `touchpoints` of journey.yaml")
    insights: list[str] = Field(min_length=1)
    effort_weeks: float = Field(gt=0, description="work that it takes, as estimated")
    loss: Literal["drop_off", "negative"] = Field(
        "drop_off",
        description="what is lost: paths that end there, or contacts that went badly; of a funnel, who drops",
    )
    funnel: str | None = Field(None, description="count reach and loss at a step of this funnel instead")
    step: str | None = Field(None, description="name of that step")


class Solution(Strict):
    """What is done about an opportunity, and which KPI is to move by it."""

    title: str
    opportunity: str
    experiment: str | None = Field(None, description="the experiment that tries it; or content, or process")
    content: str | None = Field(None, description="the content that does it")
    process: str | None = Field(None, description="the way of working that changes")
    status: Literal["planned", "running", "closed"]
    kpi: str | None = Field(None, description="the KPI that is to move")
    live_from: date | None = Field(None, description="the first day on which customers met it")
    days: int = Field(28, gt=6, multiple_of=7, description="so many days before and after are compared")

    @model_validator(mode="after")
    def _says_what_it_is_and_what_it_moves(self) -> Solution:
        kinds = [kind for kind in ("experiment", "content", "process") if getattr(self, kind)]
        if len(kinds) != 1:
            raise ValueError("a solution is one of `experiment`, `content` and `process`; name it there")
        missing = [key for key in ("kpi", "live_from") if getattr(self, key) is None]
        if self.status != "planned" and missing:
            raise ValueError(f"a solution that is {self.status} says which KPI it moves since when; add {missing[0]!r}")
        return self


class Conflict(Strict):
    """Two messages or contacts that do not go together, when a customer has both in two channels within some days."""

    title: str
    one: str = Field(description="condition on touchpoints")
    other: str = Field(description="condition on touchpoints")
    within_days: int = Field(7, gt=0)


class JourneyMap(Strict):
    """config/journey_map.yaml: insights, opportunities and solutions on the touchpoints of the journey."""

    days: int = Field(90, gt=0, description="contacts of so many days up to the newest are looked at")
    insights: dict[Name, Insight] = {}
    opportunities: dict[Name, Opportunity] = {}
    solutions: dict[Name, Solution] = {}
    conflicts: dict[Name, Conflict] = {}


def problems(path: Path, found: JourneyMap, journey: Journey) -> list[str]:
    """Links that lead nowhere: file, line, key, nearest valid name."""
    return [
        f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}: unknown {what} {name!r}{nearest(name, known)}"
        for keys, name, what, known in _links(found, journey)
        if name not in known
    ]


def _links(found: JourneyMap, journey: Journey) -> Iterator[tuple[tuple[str | int, ...], str, str, Iterable[str]]]:
    """Each link: where it is written, the name it gives, of what, and the names there are."""
    for name, insight in found.insights.items():
        yield ("insights", name, "touchpoint"), insight.touchpoint, "touchpoint", journey.touchpoints
        for n, other in enumerate(insight.related):
            yield ("insights", name, "related", n), other, "insight", found.insights
    for name, one in found.opportunities.items():
        yield ("opportunities", name, "touchpoint"), one.touchpoint, "touchpoint", journey.touchpoints
        for n, insight_name in enumerate(one.insights):
            yield ("opportunities", name, "insights", n), insight_name, "insight", found.insights
        if one.funnel is not None:
            yield ("opportunities", name, "funnel"), one.funnel, "funnel", journey.funnels
        steps = journey.funnels[one.funnel].steps if one.funnel in journey.funnels else []
        if one.step is not None or one.funnel in journey.funnels:
            yield ("opportunities", name, "step"), one.step or "", "step of a funnel", [step.name for step in steps]
    for name, solution in found.solutions.items():
        yield ("solutions", name, "opportunity"), solution.opportunity, "opportunity", found.opportunities
        if solution.kpi is not None:
            yield ("solutions", name, "kpi"), solution.kpi, "KPI", journey.kpis
