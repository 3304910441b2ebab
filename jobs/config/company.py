"""config/settings.yaml: the company, and where its data is."""

from __future__ import annotations

from pydantic import Field, field_validator

from jobs.config.formats import Limits
from jobs.config.sources import known_zone
from jobs.config.yaml_files import Strict


class General(Strict):
    """config/settings.yaml: the company and where its data is."""

    company: str
    timezone: str = "UTC"
    currency: str = "EUR"
    country: str = Field("NL", pattern="^[A-Z]{2}$", description="used for phone numbers without country code")
    landing: str
    lake: str
    limits: Limits = Limits()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)
