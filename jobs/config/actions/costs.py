"""config/costs.yaml: what contacts, offers, media and people's work cost, for `klantreis return`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from jobs.config.company import Currency, General
from jobs.config.sql.guard import problem
from jobs.config.yaml_files import Strict, line_of, nearest
from jobs.lake.tables.catalogue import get

FILE = "costs.yaml"


class Money(Strict):
    """An amount; a bare number is one in the company's currency."""

    amount: float = Field(ge=0, lt=1e12)
    currency: Currency | None = Field(None, description="ISO 4217; default: the company's")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        return {"amount": given} if isinstance(given, int | float) and not isinstance(given, bool) else given


class Offer(Strict):
    """What an action gives away. A discount is in no need of it: orders count with what was paid."""

    where: str = Field(description="condition on touchpoints of type redeem: which redemptions are of the offer")
    cost: Money = Field(description="of one redemption, beyond what the amount paid tells: a gift, points, shipping")


class Work(Strict):
    """Hours of people."""

    once: float = Field(0, ge=0, description="hours to make it")
    per_month: float = Field(0, ge=0, description="hours a month from the first day on which people were drawn")


class Hours(Strict):
    """What people work on actions."""

    rate: Money = Field(description="what an hour costs")
    actions: dict[str, Work] = Field({}, description="action to the hours that it takes")
    of_all: Work = Field(Work(), description="hours of no single action, such as keeping the platform")


class Costs(Strict):
    """config/costs.yaml. Without it, and for channels it does not name, a contact costs `effect.cost` of the action."""

    contacts: dict[str, Money] = Field(
        {}, description="channel to what one message, or one person added to a list, costs; 0 if it is free"
    )
    offers: dict[str, Offer] = Field({}, description="action to what it gives away")
    media: dict[str, str] = Field(
        {}, description="action to a condition on campaign_stats: whose cost is that of the action"
    )
    hours: Hours | None = None


def problems(
    folder: Path, costs: Costs, actions: Collection[str], channels: Collection[str], general: General,
    delivered: Collection[str],
) -> Iterator[str]:  # fmt: skip
    """Names that there are none of, conditions that are none, currencies without a rate: file, line, key, what to do.

    `delivered` are the datasets that sources deliver: with `rates` among them, any currency may have one.
    """
    path = folder / FILE
    hours = costs.hours
    named = [
        *((("contacts", name), name, channels, "channel") for name in costs.contacts),
        *((("offers", name), name, actions, "action") for name in costs.offers),
        *((("media", name), name, actions, "action") for name in costs.media),
        *((("hours", "actions", name), name, actions, "action") for name in (hours.actions if hours else ())),
    ]
    for keys, name, known, what in named:
        if name not in known:
            yield f"{_at(path, *keys)}: unknown {what} {name!r}{nearest(name, known)}"
    conditions = [
        *((("offers", name, "where"), one.where, "journeys/touchpoints") for name, one in costs.offers.items()),
        *((("media", name), text, "valid/campaign_stats") for name, text in costs.media.items()),
    ]
    for place, text, table in conditions:
        if wrong := problem(text, get(table).column_names):
            yield f"{_at(path, *place)}: {wrong}"
    if costs.media and "campaign_stats" not in delivered:
        yield f"{_at(path, 'media')}: no source delivers campaign_stats, so nothing tells what media cost"
    for place, money in amounts(costs).items():
        if money.currency and money.currency != general.currency and not _has_rate(money.currency, general, delivered):
            yield (
                f"{_at(path, *place)}: {money.currency} has no rate to {general.currency}: add it to `rates` of "
                "settings.yaml, or load the dataset rates"
            )


def _has_rate(currency: str, general: General, delivered: Collection[str]) -> bool:
    return currency in general.rates or "rates" in delivered


def amounts(costs: Costs) -> Mapping[tuple[str, ...], Money]:
    """Every amount of the file by its keys."""
    found: dict[tuple[str, ...], Money] = {("contacts", name): money for name, money in costs.contacts.items()}
    found |= {("offers", name, "cost"): one.cost for name, one in costs.offers.items()}
    return found | ({("hours", "rate"): costs.hours.rate} if costs.hours else {})


def _at(path: Path, *keys: str) -> str:
    return f"{path}:{line_of(path, *keys)}: {'.'.join(keys)}"
