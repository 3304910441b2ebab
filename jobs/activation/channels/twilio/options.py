"""What a destination of type twilio can be told."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from jobs.activation.http_options import HttpOptions

_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|MG[0-9a-f]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class Options(HttpOptions):
    """Who text messages come from, and how fast they are sent."""

    sender: str = Field(description="a number such as +3197010..., a name of at most 11 letters, or a service (MG...)")
    unsubscribe_url: str | None = Field(None, pattern="^https://", description="page for `unsubscribe_url` in the text")
    language: str = Field("en", description="language of the message for people whose language has no template")
    version: str = Field("2010-04-01", description="version of the API")
    connections: int = Field(4, ge=1, le=50, description="messages on their way at once")

    @field_validator("sender")
    @classmethod
    def _a_sender(cls, value: str) -> str:
        if not _SENDER.fullmatch(value):
            raise ValueError(f"{value!r} cannot send; use +31..., a name of at most 11 letters and digits, or MG...")
        return value
