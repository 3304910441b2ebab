"""`allocation` of an experiment: how the chances of its variants are decided, and what is kept of those drawn."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.config.kpis import Name
from jobs.config.yaml_files import Strict


class Allocation(Strict):
    """How it is decided who gets which variant."""

    method: Literal["fixed"] = Field("fixed", description="fixed: by the shares")
    context: dict[Name, str] = Field(
        {},
        description="numbers, or conditions, over the columns that rules have, by name: kept with each draw, so that a "
        "policy that looks at them can be evaluated (`klantreis evaluate`)",
    )
