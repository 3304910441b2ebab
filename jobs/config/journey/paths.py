"""`funnels` and `paths` of config/journey.yaml: the ways customers take, and which contacts get credit for an order."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from jobs.config.yaml_files import Strict, nearest

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]


class FunnelStep(Strict):
    """One step of a funnel: a row for which `when` is true."""

    name: str = Field(min_length=1)
    when: str = Field(description="condition on the rows the funnel is over")


class Funnel(Strict):
    """How many of those who take the first step take the next ones, and where the others stop."""

    title: str
    over: Literal["touchpoints", "events"] = Field("touchpoints", description="events are those of web and app")
    where: str = Field("true", description="only these rows are looked at")
    days: int = Field(90, gt=0, description="first steps of so many days up to the newest; longer costs more each day")
    within_days: int | None = Field(
        None, gt=0, description="all steps within so many days after the first; default: any time up to the newest day"
    )
    order: Literal["ordered", "strict", "any"] = Field(
        "ordered",
        description="ordered: the steps in this order, whatever is between; strict: nothing between; any: in any order",
    )
    per: Literal["day", "week", "month"] = Field("week", description="also by day, week or month of the first step")
    steps: list[FunnelStep] = Field(min_length=2)

    @field_validator("steps")
    @classmethod
    def _names_differ(cls, steps: list[FunnelStep]) -> list[FunnelStep]:
        names = [step.name for step in steps]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two steps are named {twice[0]!r}; a result could not say which one it is about")
        return steps


class Paths(Strict):
    """The contacts before a conversion, in order; and those after which none came.

    A contact belongs to the first conversion of its customer that follows within `lookback_days`. Without one it ends
    in drop-off as soon as that time is over; until then it is open.
    """

    days: int = Field(90, gt=0, description="paths that end in so many days up to the newest; longer costs more a day")
    lookback_days: int = Field(30, gt=0, le=730, description="a contact longer before a conversion did not lead to it")
    contacts: str = Field(
        "type not in ('order', 'return', 'cancellation', 'registration')",
        description="condition on touchpoints that are contacts of a path",
    )
    step: str = Field(
        "coalesce(touchpoint, concat_ws(' ', channel, type))",
        description="SQL over touchpoints: what a contact is called",
    )
    conversion: str = Field("type = 'order' and nth is not null", description="condition on touchpoints")
    value: str = Field("amount", description="SQL over touchpoints: what a conversion is worth")
    collapse_repeats: bool = Field(True, description="in whole paths the same step several times in a row is one")
    longest: int = Field(12, gt=0, description="whole paths of more steps are told together, as (other)")
    most_frequent: int = Field(200, gt=0, description="so many whole paths are told, all others together, as (other)")
    attribute_to: dict[Name, str] = Field(
        {
            "channel": "case when type = 'visit' then subject else channel end",
            "campaign": "case when type in ('impression', 'sent', 'delivered', 'open', 'click') then subject end",
        },
        description="what gets credit for conversions: name to SQL over touchpoints; a contact without it gets none",
    )
    cost_of: dict[Name, str] = Field(
        {"channel": "channel", "campaign": "campaign_id"},
        description="of attribute_to, SQL over campaign_stats that names what its cost is of",
    )
    half_life_days: float = Field(7, gt=0, description="of time decay: a contact so many days earlier counts half")

    @model_validator(mode="after")
    def _costs_are_of_what_gets_credit(self) -> Paths:
        unknown = next((name for name in self.cost_of if name not in self.attribute_to), None)
        if unknown and "cost_of" in self.model_fields_set:
            raise ValueError(
                f"cost_of.{unknown}: nothing of that name gets credit{nearest(unknown, self.attribute_to)}"
            )
        return self
