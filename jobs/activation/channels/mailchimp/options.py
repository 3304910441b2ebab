"""What a destination of type mailchimp can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jobs.activation.http_options import ListOptions


class Options(ListOptions):
    """Which audience of Mailchimp, and how fast it is asked."""

    audience_id: str = Field(description="id of the audience at Mailchimp; `list_id` is a static segment of it")
    version: str = Field("3.0", description="version of the Marketing API")
    status_of_new: Literal["subscribed", "pending", "transactional"] = Field(
        "subscribed", description="status of contacts that are new there; that of others never changes"
    )
    requests_per_second: float = Field(5.0, gt=0, description="requests are begun no faster than this")
