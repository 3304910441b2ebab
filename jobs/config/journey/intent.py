"""`intent` of config/journey.yaml: how near to an order a visit is, in points that anybody can add up."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from jobs.config.yaml_files import Strict

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
LOW = "low"
"""The band of visits with fewer points than any band begins at."""
LENGTH = "seconds"
"""What signs can ask beside the columns of journeys/sessions: how long the visit lasted."""
NOT_ASKED = (
    *("orders", "revenue", "intent", "intent_band", "intent_signs"),
    *("session_id", "customer_id", "tracker_session"),
)
"""Columns of a visit that no sign can ask: an order is what signs are to tell, and who it was is no sign."""


class Sign(Strict):
    """Visits for which `when` is true get `points`."""

    when: str = Field(description="condition on the columns of journeys/sessions but orders and revenue, and `seconds`")
    points: int = Field(ge=-100, le=100, description="fewer than 0 for what speaks against an order")
    says: str = Field(min_length=1, description="the sign in the words of people: looked at three products")

    @field_validator("points")
    @classmethod
    def _counts(cls, points: int) -> int:
        if points == 0:
            raise ValueError("a sign of 0 points changes nothing; leave it out, or give it points")
        return points


class Intent(Strict):
    """Points of a visit for its signs of an order to come: written by people, judged by the orders of such visits."""

    signs: dict[Name, Sign] = Field(min_length=1)
    bands: dict[Name, int] = Field(
        {"high": 50, "medium": 20}, min_length=1, description="name to the points it begins at; fewer than all: low"
    )

    @field_validator("bands")
    @classmethod
    def _bands_differ(cls, bands: dict[str, int]) -> dict[str, int]:
        if LOW in bands:
            raise ValueError(
                f"{LOW} is what visits with fewer points than all bands are called; name this one otherwise"
            )
        if len(set(bands.values())) < len(bands):
            raise ValueError("two bands begin at the same points; a visit could not say in which of them it is")
        return bands
