"""What those cost whom an action was for and whose days have passed: means, errors, and how they go with value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import TYPE_CHECKING

from jobs.config.settings import Settings
from jobs.effects import units
from jobs.effects.effects import Asked
from jobs.effects.spending import PAID_FOR, Cost, Prices, condition

if TYPE_CHECKING:
    import duckdb

TABLES = {name: name.replace("/", ".") for name in units.NEEDS}


@dataclass(frozen=True)
class PerPerson:
    """Amounts per person, in the company's currency.

    `variable` are contacts and offers of the days that count, and the part of media; `error` is the standard error of
    the mean of the former, `covariance` that with the mean of their value, narrowed as the effect is.
    """

    variable: float
    fixed: float
    """Their part of the hours."""
    error: float
    covariance: float


def per_person(
    asked: Asked, day: date, settings: Settings, database: duckdb.DuckDBPyConnection, costs: Sequence[Cost]
) -> PerPerson:
    """Of an action, or of all of them (`units.ALL`), as of a day. `costs` are those of it; media and hours are shared
    evenly by everybody it was for so far, those whose days have not passed included."""
    mean, error, covariance = _measured(asked, day, settings, database)
    shared = {kind: sum(c.own or 0.0 for c in costs if c.kind == kind and c.measured) for kind in ("media", "hours")}
    people = max(1, _people(asked.name, day, database))
    return PerPerson(mean + shared["media"] / people, shared["hours"] / people, error, covariance)


def _people(name: str, day: date, database: duckdb.DuckDBPyConnection) -> int:
    """How many an action was for so far."""
    found = database.sql(f"""
        {units.homes("identity.events", "identity.map")}
        select count(*) from (
            select arg_min(arm, since) as arm from decisions.arms a left join homes on homes.id = a.customer_id
            where audience = '{name}' and since <= date '{day}' group by coalesce(home, a.customer_id))
        where arm = 'treatment'""").fetchall()
    return int(found[0][0])


def _measured(
    asked: Asked, day: date, settings: Settings, database: duckdb.DuckDBPyConnection
) -> tuple[float, float, float]:
    """Mean of contacts and offers per person, its standard error, and its covariance with the mean of value."""
    ways = database.sql(f"select distinct audience, destination from activation.ledger where {PAID_FOR}").fetchall()
    found = database.sql(query(asked, day, settings, Prices(database, settings), ways)).fetchall()
    people, mean, variance, with_value, with_before, slope = (float(one or 0.0) for one in found[0])
    if not people:
        return 0.0, 0.0, 0.0
    return mean, sqrt(variance / people), (with_value - slope * with_before) / people


def query(asked: Asked, day: date, settings: Settings, prices: Prices, ways: Iterable[tuple[str, str]]) -> str:
    """SQL (DuckDB) of one row: people it was for, mean and variance of their cost, its covariance with value and with
    value before, and the slope by which the past narrows value (CUPED, of both arms).

    `ways` are the actions and destinations by which anything arrived, those of earlier configurations included.
    """
    every = asked.name == units.ALL
    last = asked.effect.within_days - (1 if asked.from_same_day else 0)
    priced = [
        (name, destination, prices.of(money, day))
        for name, destination in sorted(ways)
        if (every or name == asked.name) and (money := prices.contact(name, destination))
    ]
    values = ", ".join(f"('{a}', '{d}', {price}::double)" for a, d, price in priced if price is not None)
    offers = [
        f"select customer_id as person, day, {price}::double as cost from journeys.touchpoints "
        f"where type = 'redeem' and ({condition(one.where)})"
        for name, one in settings.costs.offers.items()
        if (every or name == asked.name) and (price := prices.of(one.cost, day)) is not None
    ]
    spent = " union all ".join(
        ["select person, day, price as cost from sent join prices using (audience, destination)", *offers]
    )
    return f"""
{units.homes("identity.events", "identity.map")},
prices(audience, destination, price) as (values {values or "('', '', 0.0)"}),
sent as (
    select coalesce(home, l.customer_id) as person, audience, destination, attempt, min(day) as day
    from activation.ledger l left join homes on homes.id = l.customer_id where {PAID_FOR} group by 1, 2, 3, 4
),
spent as ({spent}),
units as (select * from ({units.query(asked.name, asked.effect.within_days, day, TABLES, asked.from_same_day)})
          where not mixed),
costs as (
    select u.person, u.arm, u.value, u.value_before, coalesce(sum(s.cost), 0) as cost
    from units u left join spent s on s.person = u.person and s.day between u.day and u.day + {last} group by all
),
slopes as (select coalesce(covar_pop(value, value_before) / nullif(var_pop(value_before), 0), 0) as slope from costs)
select count(*), avg(cost), coalesce(var_samp(cost), 0), coalesce(covar_samp(value, cost), 0),
       coalesce(covar_samp(value_before, cost), 0), any_value(slope)
from costs, slopes where arm = 'treatment'"""
