"""What a destination of type smtp can be told."""

from __future__ import annotations

import re
from email.utils import parseaddr

from pydantic import Field, field_validator

from jobs.activation.bounce_address import MESSAGE, NAME_LENGTH
from jobs.config.yaml_files import Strict

_ADDRESS = re.compile(r"[!-;=?A-Z\[-~]+@[!-;=?A-Z\[-~]+")
"""Printable ASCII without blanks and angle brackets, around one @."""
_LONGEST = 64
"""Signs before the @ that SMTP carries (RFC 5321)."""


class MailOptions(Strict):
    """How e-mail is written, whoever carries it."""

    sender: str = Field(description="address in From, such as Shop <hello@shop.example>")
    unsubscribe_url: str = Field(pattern="^https://", description="page that takes one-click unsubscribes (RFC 8058)")
    bounce_address: str | None = Field(
        None,
        description="envelope sender, which may name the message: bounces+{message}@shop.example; "
        "default: the address of `sender`",
    )
    language: str = Field("en", description="language of the message for people whose language has no template")

    @field_validator("sender")
    @classmethod
    def _an_address(cls, value: str) -> str:
        user, _, domain = parseaddr(value)[1].partition("@")
        if not user or not domain:
            raise ValueError(f"{value!r} is not an address; use Shop <a@b.nl>")
        return value

    @field_validator("bounce_address")
    @classmethod
    def _with_room(cls, value: str | None) -> str | None:
        if value is None:
            return None
        user, _, domain = value.partition("@")
        if not _ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is not an address; use bounces@b.nl, a domain as it is on the wire (xn--...)")
        if user.count(MESSAGE) > 1 or set("{}") & {*user.replace(MESSAGE, ""), *domain}:
            raise ValueError(f"{value!r}: {MESSAGE} may stand once, before the @, and no other brackets")
        room = _LONGEST - NAME_LENGTH
        if MESSAGE in user and len(user) - len(MESSAGE) > room:
            raise ValueError(f"{value!r}: at most {room} signs beside {MESSAGE} before the @; choose a shorter name")
        return value


class Options(MailOptions):
    """How messages are sent."""

    connections: int = Field(4, ge=1, le=50)
    tries: int = Field(3, ge=1, description="tries in one run for temporary refusals and lost connections")
    wait_seconds: float = Field(2.0, ge=0, description="longest wait before the second try; doubles each time")
    timeout_seconds: float = Field(30.0, gt=0)
