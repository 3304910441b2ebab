"""`moments` of config/journey.yaml: what shows a micro-moment, in visits and beside them, and what serves it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.config.yaml_files import Strict

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Moment = Literal["know", "go", "do", "buy"]
"""Types of micro-moments: what somebody wants to do."""
Told = Literal[
    "appointments", "campaign_events", "contacts", "conversations", "messages", "notes", "orders", "payments",
    "recurrences", "reviews", "social_posts", "subscriptions", "survey_responses", "tickets", "usage",
]  # fmt: skip
"""Datasets whose rows can show a micro-moment beside visits, and what customers come back for (models/recurrences)."""
RECURRENCES = "models/recurrences"


def table_of(told: str) -> str:
    """The table of the lake that has the rows."""
    return RECURRENCES if told == "recurrences" else f"valid/{told}"


AFTERWARDS = {"seconds_looked": "bigint", "next_type": "string"}
"""What a condition on what serves a moment can ask beside the columns of events: seconds until the next event of the
visit, and its type. Both are empty for the last event."""
NEARBY = {"nearest_place": "string", "metres_to_place": "bigint"}
"""What conditions of moments can ask of events where `location` is declared: the nearest of its places, and how far it
is. Both are empty without coordinates, and for customers who did not say yes to its purpose."""


class Signal(Strict):
    """Evidence for a micro-moment: events for which `when` is true count for `weight`."""

    when: str
    weight: int = Field(1, gt=0)
    at_most: int = Field(1, gt=0, description="events of one visit that count; more of the same proves nothing more")


class Record(Strict):
    """Evidence beside visits: rows of a dataset for which `when` is true are moments by themselves.

    Of records in versions a moment lasts as long as the record says so: a later version for which `when` is false, or
    `each` is another, ends it.
    """

    over: Told
    when: str = Field(description="condition on the rows")
    each: str | None = Field(
        None, description="SQL that names one moment; rows that give the same are one, the first. Default: the record"
    )
    begins_at: str | None = Field(
        None,
        description="SQL over the rows; default: when it was first written so, or of rows without versions took place; "
        "of recurrences the first day on which it is expected",
    )
    expires_at: str | None = Field(None, description="SQL over the rows; default: expires_after_minutes later")
    served_when: str | None = Field(
        None, description="condition on touchpoints of the customer after it began; default: nothing serves it"
    )
    served_by_change: bool = Field(
        False, description="the version that ends it serves it, such as a contract that was renewed"
    )


class MomentType(Strict):
    """One type of micro-moment: its evidence, how long acting on it is useful, and what serves it."""

    signals: dict[Name, Signal] = {}
    records: dict[Name, Record] = Field({}, description="evidence beside visits: talks, contracts, orders, ...")
    minimum_evidence: int | None = Field(
        None, ge=1, description="with less weight of signals there is no such moment; default: that of all types"
    )
    expires_after_minutes: int = Field(gt=0, description="minutes after the last evidence")
    served_when: str = Field(
        "false",
        description="condition on events: the first such event of the visit after the first evidence, before the moment"
        " expires, serves it. seconds_looked and next_type tell of the event after it, empty for the last of the visit",
    )
    served_at_once: bool = Field(False, description="the first evidence itself can serve it, such as an order to buy")

    @model_validator(mode="after")
    def _something_shows_it(self) -> MomentType:
        if not self.signals and not self.records:
            raise ValueError("nothing shows it; give `signals` of visits, `records` beside them, or both")
        if self.signals and "served_when" not in self.model_fields_set:
            raise ValueError("served_when: say what serves a moment that signals of a visit show, or `false`")
        return self


class Location(Strict):
    """Where customers are, of those who said yes to being told by where they are."""

    purpose: str = Field(description="a purpose of identity.yaml: customers who did not say yes to it are nowhere")
    places: dict[str, tuple[float, float]] = Field(
        min_length=1, description="name, such as store_id, to degrees north and degrees east"
    )

    @model_validator(mode="after")
    def _places_are_on_earth(self) -> Location:
        for name, (north, east) in self.places.items():
            if not (-90 <= north <= 90 and -180 <= east <= 180):
                raise ValueError(f"places.{name}: [{north}, {east}] is nowhere; write degrees north, then degrees east")
        return self
