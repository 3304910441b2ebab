"""The types of destination there are, and the module that talks to each."""

from __future__ import annotations

from jobs.activation.channel import Channel
from jobs.config.settings import Settings


def open_channel(audience: str, destination: str, settings: Settings) -> Channel:
    """The channel of that destination, ready for this audience. Raises ConfigError for a wrong configuration."""
    kind = settings.channels.destinations[destination].type
    if kind == "smtp":
        from jobs.activation.channels.smtp import SmtpChannel

        return SmtpChannel(audience, destination, settings)
    from jobs.activation.channels.google_data_manager import DataManagerChannel

    return DataManagerChannel(audience, destination, settings)
