"""E-mail by Amazon SES, as a type of destination. The channel is loaded when something is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.activation.channel import Channel, DestinationType
from jobs.activation.channels.ses.options import Options
from jobs.activation.channels.smtp import problems

if TYPE_CHECKING:
    from jobs.config.settings import Settings


def _opens(audience: str, destination: str, settings: Settings) -> Channel:
    from jobs.activation.channels.ses.channel import SesChannel

    return SesChannel(audience, destination, settings)


TYPE = DestinationType(
    kind="messages",
    needs="template",
    templates=("txt", "html"),
    options=Options,
    opens=_opens,
    problems=problems,
)
