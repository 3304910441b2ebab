"""config/offers.yaml: what actions may give away: to whom, until when, what it may cost, and where its codes are."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from jobs.config.actions.audiences import Audience
from jobs.config.actions.destinations import Destination, types
from jobs.config.journey.kpis import Name
from jobs.config.sources.source import Source
from jobs.config.yaml_files import ConfigError, Strict, line_of, nearest

FILE = "offers.yaml"
LONGEST = 64
"""Characters of a code."""


class OfferBudget(Strict):
    """What may be given away in any so many days in a row, today included, by all actions together."""

    count: int | None = Field(None, ge=0, description="codes, at most")
    amount: float | None = Field(
        None,
        ge=0,
        description="what these codes cost together, at most, in the company's currency: a redeemed one what it cost, "
        "one that can still be redeemed the most that it can cost",
    )
    days: int = Field(30, ge=1, le=365, description="in any so many days in a row")

    @model_validator(mode="after")
    def _of_something(self) -> OfferBudget:
        if self.count is None and self.amount is None:
            raise ValueError("say count, amount or both")
        return self


class MarginGuard(Strict):
    """What an order has to leave after the offer; of whom that is not known nobody is given it."""

    order: str = Field(description="what an order of the customer comes to: an expression over the customer view")
    share: float = Field(gt=0, le=1, description="share of an order that is kept as margin")
    least: float = Field(0, description="margin that is left after the offer, at least, in the company's currency")


class Offer(Strict):
    """What is given away: an amount off, a percentage off, or something else with a `cost`."""

    title: str = Field(description="as customers read it")
    owner: str
    codes: str = Field(description="CSV file of this folder with one code a line, such as offers/winback.csv")
    amount: float | None = Field(None, gt=0, description="money off, in the company's currency")
    percent: float | None = Field(None, gt=0, lt=100, description="share of an order that is taken off")
    at_most: float | None = Field(None, gt=0, description="of a percentage: the most that is taken off an order")
    cost: float | None = Field(None, ge=0, description="of what is neither, such as a gift: what one redemption costs")
    redeemed: float = Field(
        1,
        ge=0,
        le=1,
        description="share of codes that is expected to be redeemed: of `value`, so much of the cost is off",
    )
    where: str | None = Field(None, description="who may have it, a condition over the customer view; default: all")
    first_day: date | None = Field(None, description="first day on which codes are given out")
    last_day: date | None = Field(None, description="last day on which codes are given out")
    valid_days: int = Field(30, ge=1, le=730, description="days that a code is valid, the day it is given included")
    budget: OfferBudget | None = None
    margin: MarginGuard | None = None

    @model_validator(mode="after")
    def _of_one_kind(self) -> Offer:
        kinds = [key for key in ("amount", "percent", "cost") if getattr(self, key) is not None]
        if len(kinds) != 1:
            raise ValueError(
                f"say one of amount, percent and cost; there {'is none' if not kinds else 'are ' + ' and '.join(kinds)}"
            )
        if (self.percent is None) != (self.at_most is None):
            raise ValueError(
                "at_most: a percentage needs it, so that a code cannot cost any amount; nothing else has it"
            )
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError(
                f"last_day: {self.last_day} is before first_day {self.first_day}; nobody would ever get it"
            )
        return self

    @property
    def most(self) -> float:
        """The most that one redemption can cost."""
        return next(one for one in (self.amount, self.at_most, self.cost) if one is not None)

    def lasts(self, day: date) -> bool:
        """Whether codes are given out on a day."""
        return (self.first_day or date.min) <= day <= (self.last_day or date.max)


class Offers(Strict):
    """config/offers.yaml. A customer gets one code of an offer, once; which actions give it, they say by `offer`."""

    offers: dict[Name, Offer] = {}
    redeemed_in: Name = Field(
        "discount_code",
        description="attribute of orders that holds the codes redeemed, several apart by comma, semicolon or blank",
    )


def pool(folder: Path, offer: Offer) -> list[str]:
    """The codes of an offer, in the order of its file; none without it. Raises ConfigError for one that is wrong."""
    path = folder / offer.codes
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            told = [(number, [cell.strip() for cell in row]) for number, row in enumerate(csv.reader(file), 1)]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"{path}: cannot be read as CSV in UTF-8: {error}"]) from None
    seen: dict[str, int] = {}
    for number, row in told:
        if not any(row) or (number == 1 and row[0].lower() == "code"):
            continue
        code = row[0]
        if not 0 < len(code) <= LONGEST or not code.isprintable() or any(one in ",; " for one in code):
            raise ConfigError(
                [f"{path}:{number}: a code has 1 to {LONGEST} characters without blank, comma and semicolon"]
            )
        if code.lower() in seen:
            raise ConfigError(
                [f"{path}:{number}: the same code as in line {seen[code.lower()]}; each is given out once"]
            )
        seen[code.lower()] = number
    return [row[0] for number, row in told if row and seen.get(row[0].lower()) == number]


def problems(
    folder: Path, given: Offers, audiences: Mapping[str, Audience], destinations: Mapping[str, Destination],
    sources: Mapping[str, Source],
) -> Iterator[str]:  # fmt: skip
    """What is wrong, one line each: file, line, key, what to do."""
    path = folder / FILE
    owner: dict[str, str] = {}
    for name, one in given.offers.items():
        place = f"{path}:{line_of(path, 'offers', name, 'codes')}: offers.{name}.codes"
        if Path(one.codes).is_absolute() or ".." in Path(one.codes).parts:
            yield f"{place}: {one.codes!r} is outside of the configuration; name a file in it"
        elif owner.setdefault(one.codes, name) != name:
            yield f"{place}: {one.codes} is that of {owner[one.codes]} already; a code of both would be given out twice"
        else:
            try:
                pool(folder, one)
            except ConfigError as error:
                yield from error.problems
    known = {name for one in sources.values() for name in getattr(one.datasets.get("orders"), "attributes", ())}
    if any(action.offer for action in audiences.values()) and given.redeemed_in not in known:
        place = f"{path}:{line_of(path, 'redeemed_in')}: redeemed_in"
        yield (
            f"{place}: no source of orders has an attribute {given.redeemed_in!r}{nearest(given.redeemed_in, known)}; "
            "without it nobody can tell which codes were redeemed: map it in config/sources"
        )
    for name, action in audiences.items():
        if action.offer is not None:
            yield from _of_action(folder / "audiences" / f"{name}.yaml", action, given, destinations)


def _of_action(path: Path, action: Audience, given: Offers, destinations: Mapping[str, Destination]) -> Iterator[str]:
    place = f"{path}:{line_of(path, 'offer')}: offer"
    if action.offer not in given.offers:
        told = nearest(str(action.offer), given.offers) if given.offers else f"; declare it in {FILE}"
        yield f"{place}: unknown offer {action.offer!r}{told}"
    for destination in action.send_to:
        known = destinations.get(destination)
        if known is not None and types()[known.type].kind != "messages":
            yield f"{place}: {destination} is a list and tells nobody a code; send it by what writes messages"


def notes(folder: Path, given: Offers, today: date) -> Iterator[str]:
    """Offers of which nobody can get a code, with what to do."""
    path = folder / FILE
    for name, one in given.offers.items():
        if not pool(folder, one):
            place = f"{path}:{line_of(path, 'offers', name, 'codes')}: offers.{name}.codes"
            yield f"{place}: {one.codes} has no codes, so nobody gets one; `klantreis offers codes {name}` makes some"
        if (one.last_day or date.max) < today:
            place = f"{path}:{line_of(path, 'offers', name, 'last_day')}: offers.{name}.last_day"
            yield f"{place}: was {one.last_day}: nobody is given it any more; prolong it, or take it away"


def add_codes(folder: Path, offer: Offer, made: Iterator[str], count: int) -> Path:
    """Add so many codes that its file does not have, taken from `made`; the file. Raises ConfigError as `pool`."""
    path = folder / offer.codes
    known = {code.lower() for code in pool(folder, offer)}
    new: list[str] = []
    while len(new) < count:
        code = next(made)
        if code.lower() not in known:
            known.add(code.lower())
            new.append(code)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8-sig") if path.exists() else "code\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(before + ("" if before.endswith("\n") else "\n") + "\n".join(new) + "\n", encoding="utf-8")
    draft.replace(path)
    return path
