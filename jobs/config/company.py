"""config/settings.yaml: the company, and where its data is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from jobs.config.sources.formats import Limits
from jobs.config.sources.source import known_zone
from jobs.config.yaml_files import Strict

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class General(Strict):
    """config/settings.yaml: the company and where its data is."""

    company: str
    timezone: str = "UTC"
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="amounts are counted in this one, ISO 4217")
    rates: dict[Currency, float] = Field(
        {}, description="what one unit of another currency is worth, where no dataset `rates` tells it for the day"
    )
    country: str = Field("NL", pattern="^[A-Z]{2}$", description="used for phone numbers without country code")
    languages: list[Annotated[str, Field(pattern="^[a-z]{2}$")]] = Field(
        ["nl", "en"], min_length=1, description="languages that customers write, ISO 639-1; each text is in one of them"
    )
    landing: str
    lake: str
    limits: Limits = Limits()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _rates_of_others(self) -> General:
        for currency, rate in self.rates.items():
            if not (0 < rate < 1e9):  # also false for what is no number
                raise ValueError(f"rates.{currency}: {rate} is no price of a currency; write a number above 0")
        if self.rates.get(self.currency, 1) != 1:
            raise ValueError(f"rates.{self.currency}: is the company's own currency; one unit of it is worth 1")
        return self
