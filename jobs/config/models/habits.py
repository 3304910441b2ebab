"""`kind: habits` of config/models/NAME.yaml: what customers like, and what they come back for at which time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.config.models.learned import Keys, Learned
from jobs.config.models.shared import Models
from jobs.config.traits import Trait
from jobs.config.yaml_files import Strict, nearest

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
TELLING = re.compile(
    "health|medic|pharma|diet|vega|veget|halal|kosher|gluten|allerg|relig|church|faith|ethnic|sexual|politic|union"
    "|gezond|medisch|apothe|dieet|geloof|kerk|seksu|politiek|vakbond"
)
"""Words in names of preferences and columns that may be about what the law calls special categories of data."""


class Habit(Strict):
    """Rows of customers, and the column of them that tells what a customer likes or comes back for."""

    rows_of: str = Field(description="a trait: its rows are looked at, such as what was bought")
    column: str = Field(description="a column of these rows, such as department, brand or channel")
    days: int | None = Field(None, gt=0, description="only rows of so many days; default: ever")
    sensitive: bool | None = Field(
        None, description="whether it tells of health, diet, religion or the like; then `purpose` must be said"
    )
    purpose: str | None = Field(None, description="computed only of customers who said yes to it")

    @model_validator(mode="after")
    def _sensitive_needs_a_purpose(self) -> Habit:
        if self.sensitive and self.purpose is None:
            raise ValueError("purpose: what is sensitive is computed only of customers who said yes: name the purpose")
        return self


class Habits(Learned):
    """Favourites with how sure they are, and the next time that what came back regularly is expected."""

    kind: Literal["habits"]
    preferences: dict[Name, Habit] = {}
    recurring: dict[Name, Habit] = {}
    minimum_share: float = Field(0.3, ge=0, lt=1, description="a favourite that surely has a smaller share is none")
    minimum_rows: int = Field(3, ge=1, description="rows of a customer that it takes to tell a favourite")
    minimum_confidence: float = Field(
        0.2, ge=0, le=1, description="what surely came back in a smaller share of the times is not expected"
    )
    soon_days: int = Field(7, ge=0, description="days before the window in which what is expected is `soon`")

    @model_validator(mode="after")
    def _something_to_look_at(self) -> Habits:
        if not self.preferences and not self.recurring:
            raise ValueError("preferences and recurring: name at least one")
        return self

    def habits(self) -> Iterator[tuple[Keys, Habit]]:
        """Every preference and what recurs, with its place."""
        for part in ("preferences", "recurring"):
            for name, habit in getattr(self, part).items():
                yield (part, name), habit

    def wrong(self, models: Models, traits: Mapping[str, Trait]) -> Iterator[tuple[Keys, str]]:
        for (part, name), habit in self.habits():
            counted = traits.get(habit.rows_of)
            if counted is None:
                yield (part, name, "rows_of"), f"unknown trait {habit.rows_of!r}{nearest(habit.rows_of, traits)}"
            elif counted.over is None:
                yield (part, name, "rows_of"), f"trait {habit.rows_of!r} has no rows: name one with `over`"
            if habit.sensitive is None and TELLING.search(f"{name} {habit.column} {habit.rows_of}".lower()):
                yield (
                    (part, name),
                    "may tell of health, diet, religion or the like: say sensitive: true and the purpose customers "
                    "agree to, or sensitive: false",
                )

    def purposes(self) -> Iterator[tuple[Keys, str]]:
        for place, habit in self.habits():
            if habit.purpose is not None:
                yield (*place, "purpose"), habit.purpose
