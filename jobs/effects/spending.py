"""What actions cost, from what was sent, redeemed, shown and worked: all of it by kind, channel and currency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from jobs.config.actions.costs import FILE, Money, Work
from jobs.config.settings import Settings
from jobs.config.sql.guard import engine_sql
from jobs.config.wrong import ConfigError
from jobs.config.yaml_files import line_of
from jobs.effects import units

if TYPE_CHECKING:
    import duckdb

VIEWS = frozenset(
    {*(name.replace("/", ".") for name in units.NEEDS), "activation.ledger", "newest.campaign_stats", "valid.rates"}
)
"""What is asked about costs, of a database of `jobs.lake.queries.connect`."""
DAYS_OF_A_MONTH = 365.25 / 12
PAID_FOR = "action in ('add', 'send') and state in ('accepted', 'partial')"
"""Of the ledger: what arrived."""


@dataclass(frozen=True)
class Cost:
    """One kind of cost of one action, of one channel, in the currency in which it is declared or told."""

    action: str
    """Empty for what is of no single action."""
    kind: str
    """contacts, offers, media or hours."""
    channel: str
    quantity: float
    """Contacts, redemptions, days of media, or hours."""
    amount: float | None
    """None if nobody says what it costs."""
    currency: str
    own: float | None
    """The same in the company's currency; None without a rate."""
    measured: bool = True
    """False for media of days before anybody was drawn: they say nothing about those who were."""


class Prices:
    """What things cost in the company's currency, at the rate of a day."""

    def __init__(self, database: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self.currency = settings.general.currency

    def own(self, amount: float, currency: str, day: date) -> float | None:
        """An amount in the company's currency; None without a rate."""
        if currency == self.currency:
            return amount
        told = self._database.execute(
            "select rate from valid.rates where upper(currency) = ? and day <= ? and rate > 0 "
            "order by day desc, arrived desc, source desc, file_id desc, line desc limit 1",
            [currency, day],
        ).fetchall()
        rate = float(told[0][0]) if told else self._settings.general.rates.get(currency)
        return None if rate is None else amount * rate

    def contact(self, action: str, destination: str) -> Money | None:
        """What a contact costs: as its channel says, else `effect.cost` of the action; None if neither says."""
        price = self._settings.costs.contacts.get(channel_of(destination, self._settings))
        if price is None and action in self._settings.audiences:
            told = self._settings.audiences[action].effect.cost
            price = Money(amount=told) if told else None
        return price

    def of(self, money: Money, day: date) -> float | None:
        """One of something that costs `money`, in the company's currency."""
        return self.own(money.amount, money.currency or self.currency, day)


def channel_of(destination: str, settings: Settings) -> str:
    """The channel of a destination; its name if it is in the configuration no more."""
    known = settings.destinations.get(destination)
    return known.channel if known else destination


def condition(text: str) -> str:
    """A condition of config/costs.yaml for DuckDB, which quotes names otherwise; none of them has a backtick."""
    return engine_sql(text).replace("`", '"')


def costs(day: date, settings: Settings, database: duckdb.DuckDBPyConnection) -> list[Cost]:
    """Every cost of every action up to a day, and what is of no single one.

    Raises ConfigError if two actions both say that the same media are theirs.
    """
    prices, begun = Prices(database, settings), _begun(day, database)
    return [
        *_contacts(day, settings, database, prices),
        *_offers(day, settings, database, prices),
        *_media(day, settings, database, prices, begun),
        *_hours(day, settings, prices, begun),
    ]


def _begun(day: date, database: duckdb.DuckDBPyConnection) -> dict[str, date]:
    """Action to the first day on which people were drawn."""
    found = database.execute("select audience, min(since) from decisions.arms where since <= ? group by 1", [day])
    return dict(found.fetchall())


def _times(what: tuple[str, str, str], quantity: float, price: Money | None, day: date, prices: Prices) -> Cost:
    """So many of something at a price."""
    if price is None:
        return Cost(*what, quantity, None, prices.currency, None)
    one = prices.of(price, day)
    total = None if one is None else quantity * one
    return Cost(*what, quantity, quantity * price.amount, price.currency or prices.currency, total)


def _contacts(day: date, settings: Settings, database: duckdb.DuckDBPyConnection, prices: Prices) -> Iterator[Cost]:
    sent = database.execute(
        f"select audience, destination, count(distinct (customer_id, attempt)) from activation.ledger "
        f"where {PAID_FOR} and day <= ? group by all order by all",
        [day],
    ).fetchall()
    for action, destination, number in sent:
        what = (action, "contacts", channel_of(destination, settings))
        yield _times(what, number, prices.contact(action, destination), day, prices)


def _offers(day: date, settings: Settings, database: duckdb.DuckDBPyConnection, prices: Prices) -> Iterator[Cost]:
    for action, offer in settings.costs.offers.items():
        found = database.execute(
            f"select channel, count(*) from journeys.touchpoints where type = 'redeem' and ({condition(offer.where)}) "
            "and day <= ? group by all order by all",
            [day],
        )
        for channel, number in found.fetchall():
            yield _times((action, "offers", channel or ""), number, offer.cost, day, prices)


def _media(
    day: date, settings: Settings, database: duckdb.DuckDBPyConnection, prices: Prices, begun: dict[str, date]
) -> Iterator[Cost]:
    own = settings.costs.media
    whose = " || ".join(
        ["[]::varchar[]", *(f"case when {condition(of)} then ['{a}'] else [] end" for a, of in own.items())]
    )
    found = database.execute(
        f"""
        select whose, coalesce(channel, ''), day, coalesce(upper(currency), ?) as code, sum(cost)::double
        from (select *, {whose} as whose from newest.campaign_stats) where cost is not null and day <= ?
        group by all order by all""",
        [prices.currency, day],
    ).fetchall()  # fmt: skip
    together: dict[tuple[str, str, str, bool], list[tuple[float, float | None]]] = {}
    for actions, channel, on, currency, amount in found:
        if len(actions) > 1:
            path = settings.folder / FILE
            raise ConfigError([
                f"{path}:{line_of(path, 'media', actions[1])}: media.{actions[1]}: costs of campaign_stats on {on} are "
                f"those of media.{actions[0]}, too; each cost is of one action: make the conditions exclude each other"
            ])  # fmt: skip
        action = actions[0] if actions else ""
        measured = action in begun and on >= begun[action]
        priced = together.setdefault((action, channel, currency, measured), [])
        priced.append((amount, prices.own(amount, currency, on)))
    for (action, channel, currency, measured), days in together.items():
        owns = [one for _, one in days]
        total = None if None in owns else sum(one for one in owns if one is not None)
        amount = sum(one for one, _ in days)
        yield Cost(action, "media", channel, len(days), amount, currency, total, measured)


def _hours(day: date, settings: Settings, prices: Prices, begun: dict[str, date]) -> Iterator[Cost]:
    hours = settings.costs.hours
    if hours is None:
        return
    first = min(begun.values(), default=None)
    every = {**hours.actions, **({"": hours.of_all} if hours.of_all != Work() else {})}
    for action, work in every.items():
        since = begun.get(action) if action else first
        months = ((day - since).days + 1) / DAYS_OF_A_MONTH if since else 0.0
        yield _times((action, "hours", ""), work.once + work.per_month * months, hours.rate, day, prices)
