"""The model that checks config/traits.yaml: numbers and facts computed per customer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from jobs.config.yaml_files import Strict
from jobs.lake.tables import catalogue
from jobs.lake.tables.contract import Column, Dataset, extended

Rows = Literal[
    "orders", "order_lines", "subscriptions", "survey_responses", "conversations", "messages", "tickets", "events",
    "campaign_events", "social_posts",
]  # fmt: skip
Type = Literal["bigint", "double", "decimal(18,2)", "string", "boolean", "date", "timestamp"]
TABLE = "profiles/traits"
_DEFAULTS: dict[str, tuple[type, ...]] = {
    "bigint": (int,),
    "double": (int, float),
    "decimal(18,2)": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "date": (dt.date,),
    "timestamp": (dt.datetime,),
}


class Trait(Strict):
    """One value per customer: an aggregate over rows of the customer, or an expression over other traits."""

    title: str
    type: Type
    value: str = Field(
        description="with `over`: an expression of aggregates such as sum(total) / nullif(count(*), 0), latest(topic), "
        "most_frequent(department); without: an expression of other traits"
    )
    over: Rows | None = Field(None, description="whose rows; default: computed from other traits")
    where: str | None = Field(None, description="condition on the rows; default: all rows of the window")
    days: int | None = Field(None, gt=0, description="window, its last day included; default: ever")
    ending_days_ago: int = Field(0, ge=0, description="days between the end of the window and the day itself")
    default: Any = Field(None, description="the value where there is none, of the type; default: empty")

    @model_validator(mode="after")
    def _rows_or_traits(self) -> Trait:
        if self.over is None and (self.where is not None or self.days or self.ending_days_ago):
            raise ValueError("`where`, `days` and `ending_days_ago` pick rows: say `over` which table")
        return self

    @model_validator(mode="after")
    def _default_of_the_type(self) -> Trait:
        fits = _DEFAULTS[self.type]
        given = self.default
        wrong_kind = (isinstance(given, bool) and bool not in fits) or (
            isinstance(given, dt.datetime) and self.type == "date"
        )
        if given is not None and (wrong_kind or not isinstance(given, fits)):
            raise ValueError(f"default {given!r} is no {self.type}")
        return self


class Traits(Strict):
    """config/traits.yaml: what is computed per customer, by name. A company without the file has no traits."""

    traits: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], Trait] = {}


def trait_columns(traits: dict[str, Trait]) -> tuple[Column, ...]:
    """Traits as columns of a table, in the order of the file."""
    return tuple(Column(name, trait.type, trait.title) for name, trait in traits.items())


def trait_table(traits: dict[str, Trait]) -> Dataset:
    """profiles/traits of a company that has these traits."""
    return extended(catalogue.get(TABLE), trait_columns(traits))
