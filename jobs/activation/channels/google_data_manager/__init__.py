"""Lists at Google, as a type of destination. The channel itself is loaded when something is delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.activation.channel import Channel, DestinationType, Sandbox
from jobs.activation.channels.google_data_manager import identifiers
from jobs.activation.channels.google_data_manager.options import Options

if TYPE_CHECKING:
    from jobs.config.settings import Settings


def _opens(audience: str, destination: str, settings: Settings) -> Channel:
    from jobs.activation.channels.google_data_manager.channel import DataManagerChannel

    return DataManagerChannel(audience, destination, settings)


TYPE = DestinationType(
    kind="members",
    needs="list_id",
    options=Options,
    opens=_opens,
    advertises=True,
    sandbox=Sandbox("data-manager", 8026, {"schema": "http", "extra": {"anonymous": True}}),
    spelling=identifiers.VERSION,
)
