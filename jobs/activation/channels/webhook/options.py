"""What a destination of type webhook can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.activation.http_options import ListOptions


class Options(ListOptions):
    """Where the system of your own listens, and what it is told of people."""

    path: str = Field("/", description="path at the host of the connection that messages are posted to")
    spelling: Literal["sha256", "plain"] = Field("sha256", description="addresses and numbers hashed, or as they are")
    members_per_message: int = Field(1000, ge=1, le=100_000)
