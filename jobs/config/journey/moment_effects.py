"""`moment_effects` of config/journey.yaml: which micro-moments matter, judged against visits that were alike before."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from jobs.config.yaml_files import Strict

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]

BEFORE = {
    "stage": "string",
    "state": "string",
    "kind": "string",
    "device": "string",
    "channel": "string",
    "orders_before": "bigint",
    "visits_before": "bigint",
    "days_since_active": "bigint",
    "days_since_order": "bigint",
}
"""What `match_on` can ask of a visit: the stage, state and kind of the day before (empty on a first day), its device
and traffic channel, orders and visits before it, and whole days since the last visit, order or other contact that the
customer made and since the last order (empty without any). Orders and contacts are known `lookback_days` back."""


class MomentEffects(Strict):
    """How much likelier an order is after a visit with a micro-moment, after one that was served, and one that was not.

    Each visit is compared with visits of customers that are alike in all of `match_on`, and that had the same other
    micro-moments; visits without any like them are left out and counted.
    """

    days: int = Field(90, gt=0, description="visits of so many days, the last ones of which `within_days` have passed")
    within_days: int = Field(14, gt=0, description="an order so many days after the beginning of the visit counts")
    lookback_days: int = Field(180, gt=0, description="orders and contacts so many days before these days are known")
    conversion: str = Field("type = 'order' and nth is not null", description="condition on touchpoints")
    match_on: dict[Name, str] = Field(
        {
            "stage": "stage",
            "recency": "case when days_since_active < 1 then 1 when days_since_active < 7 then 7"
            " when days_since_active < 28 then 28 when days_since_active is not null then 90 end",
            "orders": "case when orders_before < 2 then orders_before when orders_before < 5 then 2"
            " when orders_before < 12 then 5 when orders_before < 24 then 12 else 24 end",
            "visits": "case when visits_before < 2 then visits_before when visits_before < 5 then 2"
            " when visits_before < 20 then 5 else 20 end",
        },
        description="name to SQL over what was so before the visit; coarse groups, such as 2 to 4 orders, match more",
    )

    @field_validator("match_on")
    @classmethod
    def _something_is_alike(cls, match_on: dict[str, str]) -> dict[str, str]:
        if not match_on:
            raise ValueError("without anything to match on, who has a moment is compared with everybody; name a column")
        return match_on
