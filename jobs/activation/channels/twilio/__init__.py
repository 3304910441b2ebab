"""Text messages by Twilio, as a type of destination. The channel is loaded when something is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.activation.channel import Channel, DestinationType
from jobs.activation.channels.twilio.options import Options

if TYPE_CHECKING:
    from jobs.config.settings import Settings


def _opens(audience: str, destination: str, settings: Settings) -> Channel:
    from jobs.activation.channels.twilio.channel import TwilioChannel

    return TwilioChannel(audience, destination, settings)


def _problems(audience: str, destination: str, settings: Settings) -> list[str]:
    from jobs.activation.channels.twilio.texts import Texts

    return Texts(audience, destination, settings, sends=False).problems()


TYPE = DestinationType(
    kind="messages",
    needs="template",
    templates=("sms",),
    options=Options,
    opens=_opens,
    problems=_problems,
    goes_to="phone",
)
