"""`klantreis kpi`: one number with its target, its interval, its parts, and the query that computes it again."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    import duckdb

    from jobs.config.journey.kpis import Kpi

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
    since: Annotated[
        str | None, typer.Option("--since", help="Why it is another than in the period of this day, by its dimensions.")
    ] = None,
    config: Config = None,
) -> None:
    """Show one KPI in a day, week or month, and the query that computes it again from the events."""
    from jobs.journeys.kpis.queries import query_for
    from jobs.lake.queries import connect

    settings = load_settings(config)
    if name not in settings.journey.kpis:
        raise CommandError([f"unknown KPI {name!r}{nearest(name, settings.journey.kpis)}"])
    require_table(settings, "journeys/kpis")
    database, length = connect(settings), period.value
    newest = database.sql("select max(day) from journeys.kpis where period = 'day'").fetchall()[0][0]

    def start(of: date) -> date:
        return database.execute(f"select date_trunc('{length}', ?::date)::date", [of]).fetchall()[0][0]

    begun = start(day_of(day, "--day") if day else newest)
    rows = database.execute(
        f"select {', '.join(COLUMNS)} from journeys.kpis where kpi = ? and period = ? and day = ? order by all",
        [name, length, begun],
    ).fetchall()
    console.print(_meaning(settings.journey.kpis[name]), markup=False, highlight=False, soft_wrap=True)
    show(f"{name}, {length} of {begun}" if length != "day" else f"{name} on {begun}", list(COLUMNS), rows)
    query = query_for(name, settings.journey, begun, settings.traits, period=length, as_of=newest)
    console.print(query, markup=False, highlight=False, soft_wrap=True)
    if since:
        _show_why(database, name, settings.journey.kpis[name], length, start(day_of(since, "--since")), begun)


def _show_why(database: duckdb.DuckDBPyConnection, name: str, kpi: Kpi, length: str, then: date, now: date) -> None:
    """What changed within the parts of each dimension, and what only their sizes changed."""
    from jobs.journeys.kpis.changes import change
    from jobs.journeys.kpis.counted import adds_up

    if not kpi.denominator or not adds_up(kpi):
        raise CommandError([f"--since: {name} is no ratio of sums over rows, so its parts do not add up to it"])
    of_side = "kpi = ? and period = ? and day = ? and dimension = ?"
    counts = f"select part, numerator, denominator from journeys.kpis where {of_side}"
    for dimension in kpi.dimensions:
        sides = [database.execute(counts, [name, length, day, dimension]).fetchall() for day in (then, now)]
        found = change(*[{part: (over, under) for part, over, under in side} for side in sides])
        rows = [
            [one.part, one.value_then, one.value_now, one.share_then, one.share_now, one.within, one.mix]
            for one in found.parts
        ]
        columns = [dimension, f"{then}", f"{now}", "share then", "share now", "within", "mix"]
        show(f"{name} by {dimension}", columns, [[_rounded(value) for value in row] for row in rows])
        console.print(found.told(), markup=False, highlight=False, soft_wrap=True)


def _rounded(value: str | float | None) -> str | float | None:
    return round(value, 4) if isinstance(value, float) else value


def _meaning(kpi: Kpi) -> str:
    told = [kpi.definition or kpi.title]
    if kpi.target is not None:
        at_least = "at least" if kpi.direction == "up" else "at most"
        told.append(f"target per {kpi.per}: {at_least} {kpi.target:g}")
    told += [f"owner: {kpi.owner}"] if kpi.owner else []
    return "; ".join(told)
