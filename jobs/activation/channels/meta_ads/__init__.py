"""Custom Audiences of Meta, as a type of destination. The channel is loaded when something is delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.activation.channel import Channel, DestinationType
from jobs.activation.channels.meta_ads.options import Options

if TYPE_CHECKING:
    from jobs.config.settings import Settings


def _opens(audience: str, destination: str, settings: Settings) -> Channel:
    from jobs.activation.channels.meta_ads.channel import MetaChannel

    return MetaChannel(audience, destination, settings)


TYPE = DestinationType(
    kind="members", needs="list_id", options=Options, opens=_opens, advertises=True, spelling="meta-1"
)
