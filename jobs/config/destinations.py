"""config/channels.yaml: the places audiences go."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.config.yaml_files import Strict


class Destination(Strict):
    """config/channels.yaml: one place audiences go. `connection` names an Airflow connection."""

    type: Literal["smtp", "google_data_manager"]
    channel: str
    connection: str
    max_reject_share: float = Field(0.0, ge=0, le=1, description="share of refused rows at which the task fails")
    max_remove_share: float = Field(0.5, ge=0, le=1, description="share of members above which removals stop")
    always_remove: int = Field(10, ge=0, description="so many removals at once are never too many")
    batch_size: int | None = Field(None, gt=0, description="operations at once; default: 500 e-mails, 10,000 members")
    options: dict[str, str | int | float | bool] = {}


class Channels(Strict):
    """config/channels.yaml."""

    destinations: dict[str, Destination]
