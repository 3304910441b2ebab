"""The SQL over the tables of the lake that gives a KPI again, for people to repeat and to go on from."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta

from jobs.activity.every_day import used_in
from jobs.activity.timeline import query_on
from jobs.config.journey.journey import Journey
from jobs.config.journey.kpi_groups import Group, group_of
from jobs.config.journey.kpis import CONTRACTS, PERIOD_TABLES, Kpi, lake_table
from jobs.config.traits import Trait
from jobs.journeys.kpis.first_rows import first_query
from jobs.journeys.kpis.groups import group_query


def query_for(
    name: str,
    journey: Journey,
    day: date,
    traits: Mapping[str, Trait] | None = None,
    by: str | None = None,
    period: str = "day",
    as_of: date | None = None,
) -> str:
    """The SQL that gives numerator and denominator of one KPI in the period that begins on `day`.

    `traits` are those of the configuration, for KPIs over customers. `by` one of its dimensions gives them for each
    part. Of customers and stages the last day of a week or month counts, or `as_of` if that is earlier. Runs in
    `klantreis query` and on the engine alike.
    """
    kpi, last = journey.kpis[name], last_day(day, period)
    counted = [f"{_sql(kpi, kpi.numerator)} as numerator"]
    if kpi.denominator:
        counted.append(f"{_sql(kpi, kpi.denominator)} as denominator")
    group = group_of(by) if by else None
    by = "part" if group else by
    if by:
        counted.insert(0, f"{by} as part")
    end = min(last, as_of or last)
    on = f"date '{end}'"
    when = f"day = {on}" if period == "day" else f"day between date '{day}' and {on}"
    table = lake_table(kpi.table).replace("/", ".")
    rows = {
        "stages": f"journeys.stages\nwhere valid_from <= {on} and (valid_to is null or valid_to >= {on})",
        "customers": f"(\n{_traits_on(kpi, traits or {}, end)})\nwhere true",
        CONTRACTS: f"(\n{_contracts_on(end, kpi.days_before)})\nwhere true",
    }.get(kpi.table, f"{_happened(kpi, table, group)}\nwhere {when}")
    query = f"select {', '.join(counted)}\nfrom {rows} and ({kpi.where})"
    return f"{query}\ngroup by {by}" if by else query


def _happened(kpi: Kpi, table: str, group: Group | None) -> str:
    rows = first_query(kpi, table) if kpi.first else table
    return group_query(group, rows) if group else rows


def last_day(day: date, period: str) -> date:
    """The last day of the period that begins on `day`."""
    if period == "month":
        return day.replace(day=monthrange(day.year, day.month)[1])
    return day + timedelta(days={"day": 0, "week": 6}[period])


def _traits_on(kpi: Kpi, traits: Mapping[str, Trait], day: date) -> str:
    texts = (kpi.where, kpi.numerator, kpi.denominator, *kpi.dimensions)
    return query_on(used_in([text for text in texts if text], traits), day)


def _contracts_on(day: date, days_before: int) -> str:
    """The stretches of so many days before, with `lost`, as of a day."""
    then, on = f"date '{day - timedelta(days=days_before)}'", f"date '{day}'"
    back = f"back_on is not null and {on} between back_on and coalesce(back_until, date '9999-12-31')"
    return (
        f"  select *, valid_to is not null and valid_to < {on} and not ({back}) as lost from journeys.contracts\n"
        f"  where valid_from <= {then} and (valid_to is null or valid_to >= {then})"
    )


def _sql(kpi: Kpi, expression: str) -> str:
    return f"count_if({expression})" if kpi.table in PERIOD_TABLES else expression
