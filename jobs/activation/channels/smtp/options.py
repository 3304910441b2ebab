"""What a destination of type smtp can be told."""

from __future__ import annotations

from email.utils import parseaddr

from pydantic import Field, field_validator

from jobs.config.yaml_files import Strict


class MailOptions(Strict):
    """How e-mail is written, whoever carries it."""

    sender: str = Field(description="address in From, such as Shop <hello@shop.example>")
    unsubscribe_url: str = Field(pattern="^https://", description="page that takes one-click unsubscribes (RFC 8058)")
    bounce_address: str | None = Field(None, description="envelope sender; default: the address of `sender`")
    language: str = Field("en", description="language of the message for people whose language has no template")

    @field_validator("sender")
    @classmethod
    def _an_address(cls, value: str) -> str:
        user, _, domain = parseaddr(value)[1].partition("@")
        if not user or not domain:
            raise ValueError(f"{value!r} is not an address; use Shop <a@b.nl>")
        return value


class Options(MailOptions):
    """How messages are sent."""

    connections: int = Field(4, ge=1, le=50)
    tries: int = Field(3, ge=1, description="tries in one run for temporary refusals and lost connections")
    wait_seconds: float = Field(2.0, ge=0, description="longest wait before the second try; doubles each time")
    timeout_seconds: float = Field(30.0, gt=0)
