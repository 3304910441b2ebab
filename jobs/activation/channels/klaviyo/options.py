"""What a destination of type klaviyo can be told."""

from __future__ import annotations

from pydantic import Field

from jobs.activation.http_options import WaitingOptions


class Options(WaitingOptions):
    """Which revision of Klaviyo's interface, and how fast it is asked."""

    revision: str = Field("2026-10-15", description="revision of the API, a date")
    requests_per_second: float = Field(2.5, gt=0, description="requests for lists and jobs; it takes 150 a minute")
    profiles_per_second: float = Field(11.0, gt=0, description="pages of a list that are read; it takes 700 a minute")
    deletions_per_second: float = Field(1.0, gt=0, description="people it is asked to forget; it takes 60 a minute")
