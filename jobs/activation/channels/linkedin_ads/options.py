"""What a destination of type linkedin_ads can be told."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from jobs.activation.http_options import ListOptions


class Options(ListOptions):
    """Which version of LinkedIn's interface, and how fast it is asked."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    version: str = Field("202610", pattern=r"^\d+$", description="version of the API, year and month; it lasts a year")
    requests_per_second: float = Field(5.0, gt=0, description="requests are begun no faster; it takes 600 a minute")
