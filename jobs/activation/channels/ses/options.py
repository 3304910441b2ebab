"""What a destination of type ses can be told."""

from __future__ import annotations

from pydantic import Field

from jobs.activation.channels.smtp.options import MailOptions
from jobs.activation.http_options import HttpOptions


class Options(MailOptions, HttpOptions):
    """How messages are sent through Amazon SES."""

    configuration_set: str | None = Field(None, description="set of SES whose events tell of bounces and complaints")
    connections: int = Field(4, ge=1, le=50, description="messages on their way at once")
