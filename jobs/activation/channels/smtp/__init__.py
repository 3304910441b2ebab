"""E-mail by SMTP, as a type of destination. The channel itself is loaded when something is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.activation.channel import Channel, DestinationType, Sandbox
from jobs.activation.channels.smtp.options import Options

if TYPE_CHECKING:
    from jobs.config.settings import Settings


def _opens(audience: str, destination: str, settings: Settings) -> Channel:
    from jobs.activation.channels.smtp.channel import SmtpChannel

    return SmtpChannel(audience, destination, settings)


def problems(audience: str, destination: str, settings: Settings) -> list[str]:
    """What is wrong with the texts of an action that is sent by e-mail, whoever carries it."""
    from jobs.activation.channels.smtp.messages import Messages

    return Messages(audience, destination, settings, sends=False).problems()


TYPE = DestinationType(
    kind="messages",
    needs="template",
    templates=("txt", "html"),
    options=Options,
    opens=_opens,
    problems=problems,
    sandbox=Sandbox("smtp", 2525, {"extra": {"security": "none"}}),
)
