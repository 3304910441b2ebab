"""What a destination of type meta_ads can be told."""

from __future__ import annotations

from pydantic import Field

from jobs.activation.http_options import ListOptions


class Options(ListOptions):
    """Which version of Meta's interface, and how fast it is asked."""

    version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="version of the Graph API")
    account_id: str | None = Field(
        None, pattern=r"^\d+$", description="ad account, of all whose audiences people are erased who ask for it"
    )
    limited_data_use: bool = Field(False, description="tell Meta to use the data in a limited way (US states)")
    requests_per_second: float = Field(2.0, gt=0, description="requests are begun no faster than this")
