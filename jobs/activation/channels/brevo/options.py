"""What a destination of type brevo can be told."""

from __future__ import annotations

from pydantic import Field

from jobs.activation.http_options import WaitingOptions


class Options(WaitingOptions):
    """Which version of Brevo's interface, and how fast it is asked."""

    version: str = Field("v3", description="version of the API")
    requests_per_second: float = Field(5.0, gt=0, description="requests are begun no faster than this")
