"""`klantreis kpi`: one number with its target, its interval, its parts, and the query that computes it again."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, load_settings, require_table, show
from jobs.config.wrong import ConfigError, nearest

if TYPE_CHECKING:
    from jobs.config.kpis import Kpi

COLUMNS = ("dimension", "part", "value", "low", "high", "numerator", "denominator", "small", "reason", "unit")


class Length(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def kpi(
    name: str,
    day: Annotated[str | None, typer.Option("--day", help="A day of the period; default: the newest.")] = None,
    period: Annotated[Length, typer.Option("--period", help="How long: weeks begin on Monday.")] = Length.DAY,
    config: Config = None,
) -> None:
    """Show one KPI in a day, week or month, and the query that computes it again from the events."""
    from jobs.journeys.kpi_queries import query_for
    from jobs.lake.queries import connect

    settings = load_settings(config)
    if name not in settings.journey.kpis:
        raise ConfigError([f"unknown KPI {name!r}{nearest(name, settings.journey.kpis)}"])
    require_table(settings, "journeys/kpis")
    database, length = connect(settings), period.value
    newest = database.sql("select max(day) from journeys.kpis where period = 'day'").fetchall()[0][0]
    asked = f"date_trunc('{length}', ?::date)::date"
    begun = database.execute(f"select {asked}", [_day(day) if day else newest]).fetchall()[0][0]
    rows = database.execute(
        f"select {', '.join(COLUMNS)} from journeys.kpis where kpi = ? and period = ? and day = ? order by all",
        [name, length, begun],
    ).fetchall()
    console.print(_meaning(settings.journey.kpis[name]), markup=False, highlight=False, soft_wrap=True)
    show(f"{name}, {length} of {begun}" if length != "day" else f"{name} on {begun}", list(COLUMNS), rows)
    query = query_for(name, settings.journey, begun, settings.traits, period=length, as_of=newest)
    console.print(query, markup=False, highlight=False, soft_wrap=True)


def _meaning(kpi: Kpi) -> str:
    told = [kpi.definition or kpi.title]
    if kpi.target is not None:
        at_least = "at least" if kpi.direction == "up" else "at most"
        told.append(f"target per {kpi.per}: {at_least} {kpi.target:g}")
    told += [f"owner: {kpi.owner}"] if kpi.owner else []
    return "; ".join(told)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ConfigError([f"--day: {text!r} is not a day; write it as 2017-12-31"]) from None
