"""`allocation` of an experiment: how the chances of its variants are decided, and what is kept of those drawn."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from jobs.config.journey.kpis import Name
from jobs.config.yaml_files import Strict


class Allocation(Strict):
    """How it is decided who gets which variant."""

    method: Literal["fixed", "thompson", "linucb"] = Field(
        "fixed",
        description="fixed: by the shares; thompson: as likely as a variant is the best, by what is known; linucb: "
        "what may be best for the customer, by `context`",
    )
    floor: float = Field(0.1, gt=0, lt=0.5, description="chance that every variant keeps, whatever is known")
    after: int = Field(
        50, ge=30, description="draws of every variant whose days have passed, before which the shares are drawn with"
    )
    width: float = Field(
        1.0, ge=0, le=10, description="of linucb: how many standard errors a variant may be better than it seems"
    )
    redraw_days: int | None = Field(
        None, ge=1, description="draw anew after so many days; default: everybody stays with the variant first drawn"
    )
    context: dict[Name, str] = Field(
        {},
        description="numbers, or conditions, over the columns that rules have, by name: kept with each draw, so that a "
        "policy that looks at them can be evaluated (`klantreis evaluate`); what linucb looks at",
    )

    @property
    def adapts(self) -> bool:
        """Whether the chances change with what is known."""
        return self.method != "fixed"

    @model_validator(mode="after")
    def _of_the_method(self) -> Allocation:
        if not self.adapts:
            for key in ("floor", "after", "width", "redraw_days"):
                if key in self.model_fields_set:
                    raise ValueError(f"{key}: is of the methods thompson and linucb; fixed is by the shares alone")
        if self.method == "linucb" and not self.context:
            raise ValueError("context: linucb decides by it: name what may matter, such as orders: orders_90d")
        return self
