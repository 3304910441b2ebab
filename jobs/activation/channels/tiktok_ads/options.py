"""What a destination of type tiktok_ads can be told."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from jobs.activation.http_options import ListOptions


class Options(ListOptions):
    """Which advertiser, which version of TikTok's interface, and how fast it is asked."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    advertiser_id: str = Field(pattern=r"^\d+$", description="advertiser that owns the audience")
    version: str = Field("v1.3", pattern=r"^v\d+\.\d+$", description="version of the Business API")
    requests_per_second: float = Field(5.0, gt=0, description="requests are begun no faster than this")
