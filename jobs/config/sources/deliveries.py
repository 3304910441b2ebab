"""What a delivery of a dataset is held against: the columns it had before, and its own history."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.config.yaml_files import Strict

Policy = Literal["accept", "warn", "quarantine", "stop"]


class Changes(Strict):
    """What happens when the columns of a dataset change. quarantine sets the file aside, stop the whole batch."""

    added: Policy = "accept"
    missing: Policy = Field("quarantine", description="a column that `columns` or `required` names")
    missing_field: Policy = Field("warn", description="a mapped field inside a JSON column is in no record any more")
    missing_unused: Policy = Field("warn", description="a column that was there and is not mapped")
    renamed: Policy = Field("quarantine", description="a mapped column is missing and one much like it is new")
    case_changed: Policy = Field("quarantine", description="a mapped column is only written with other capitals")
    retyped: Policy = Field("warn", description="a mapped column holds another kind of value than before")
    reordered: Policy = "accept"
    new_value: Policy = Field("quarantine", description="a value outside the known ones of a canonical column")


Watch = Literal["off", "info", "warning", "critical"]


class History(Strict):
    """Checks of a day's delivery against the dataset's own history, and what an odd one is: its severity."""

    volume: Watch = Field("warning", description="rows, against the same weekdays")
    freshness: Watch = Field("warning", description="nothing arrived for longer than ever")
    distribution: Watch = Field("warning", description="empty values, means and shares of values")
    loss: Watch = Field("critical", description="rows set aside: more than half of a day's; fewer, if unusual, is told")
    days: int = Field(91, ge=7, description="deliveries looked back at; fewer than 7 are too few to judge")
    settle_days: int = Field(28, ge=0, description="days after the first delivery in which nothing is odd yet")
    tolerance: float = Field(6.0, gt=0, description="robust standard deviations (1.4826 x MAD) from the median")
