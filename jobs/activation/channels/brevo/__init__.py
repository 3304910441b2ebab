"""Lists of Brevo, as a type of destination. The channel is loaded when something is delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.activation.channel import Channel, DestinationType
from jobs.activation.channels.brevo.options import Options

if TYPE_CHECKING:
    from jobs.config.settings import Settings


def _opens(audience: str, destination: str, settings: Settings) -> Channel:
    from jobs.activation.channels.brevo.channel import BrevoChannel

    return BrevoChannel(audience, destination, settings)


TYPE = DestinationType(
    kind="members",
    needs="list_id",
    options=Options,
    opens=_opens,
    spelling="brevo-1",
    stays="the contact stays: delete it at Brevo",
)
