"""The types of destination there are: one line each. A type is a module or package here that describes itself."""

from __future__ import annotations

from jobs.activation.channel import Channel, DestinationType
from jobs.activation.channels import (
    brevo,
    file_drop,
    google_data_manager,
    klaviyo,
    linkedin_ads,
    mailchimp,
    meta_ads,
    ses,
    smtp,
    tiktok_ads,
    twilio,
    webhook,
)
from jobs.config.settings import Settings

TYPES: dict[str, DestinationType] = {
    "smtp": smtp.TYPE,
    "ses": ses.TYPE,
    "twilio": twilio.TYPE,
    "google_data_manager": google_data_manager.TYPE,
    "meta_ads": meta_ads.TYPE,
    "linkedin_ads": linkedin_ads.TYPE,
    "tiktok_ads": tiktok_ads.TYPE,
    "mailchimp": mailchimp.TYPE,
    "klaviyo": klaviyo.TYPE,
    "brevo": brevo.TYPE,
    "file_drop": file_drop.TYPE,
    "webhook": webhook.TYPE,
}
"""By the word that `type:` in config/destinations.yaml says; light, so that reading the configuration stays quick."""


def type_of(destination: str, settings: Settings) -> DestinationType:
    """The type of a configured destination."""
    return TYPES[settings.destinations[destination].type]


def open_channel(audience: str, destination: str, settings: Settings) -> Channel:
    """The channel of that destination, ready for this audience. Raises ConfigError for a wrong connection."""
    return type_of(destination, settings).opens(audience, destination, settings)


def problems(settings: Settings) -> list[str]:
    """What is wrong with what audiences give their destinations, such as templates; opens no connection."""
    return [
        line
        for name, audience in settings.audiences.items()
        for destination in audience.send_to
        for line in type_of(destination, settings).problems(name, destination, settings)
    ]
