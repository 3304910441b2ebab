"""`klantreis maturity`: how far the company is by what its runs did, the evidence, and what to do next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.console import Config, ReportFormat, console, json_text, load_settings, show

if TYPE_CHECKING:
    from jobs.report.maturity import Area, Reading, Report


def maturity(
    queries: Annotated[bool, typer.Option("--queries", help="Print the query of each number, too.")] = False,
    form: Annotated[
        ReportFormat, typer.Option("--format", help="For people, or with every query for a program.")
    ] = ReportFormat.TABLE,
    config: Config = None,
) -> None:
    """Show how far data, identity, consent, timeliness, activation, experiments and learning are, by what runs did."""
    from jobs.report.maturity import read

    found = read(load_settings(config))
    if form is ReportFormat.JSON:
        sys.stdout.write(json_text(_told(found)) + "\n")
        return
    title = f"Maturity as of {found.as_of}: levels 0 to 4" if found.as_of else "Maturity: nothing has landed yet"
    show(
        title,
        ["area", "level", "held there by", "next step"],
        [[area.name, _level(area.level), area.weakest.evidence, area.weakest.todo] for area in found.areas],
    )
    show(
        "Evidence",
        ["area", "measure", "level", "evidence", "next level from"],
        [
            [area.name, one.measure.name, _level(one.level), one.evidence, one.asks]
            for area in found.areas for one in area.readings
        ],
    )  # fmt: skip
    if area := found.begin_with:
        _say(f"Begin with {area.name}, level {area.level}, on which what follows rests: {area.weakest.todo}")
    if queries and found.as_of and found.first:
        for area in found.areas:
            for one in area.readings:
                _say(f"{one.measure.name}: {_on_one_line(one.measure.query(found.first, found.as_of))}")


def _told(found: Report) -> dict[str, Any]:
    begin = found.begin_with
    return {
        "as_of": found.as_of,
        "begin_with": begin.name if begin else None,
        "areas": [_area(area, found) for area in found.areas],
    }


def _area(area: Area, found: Report) -> dict[str, Any]:
    readings = [_reading(one, found) for one in area.readings]
    return {"area": area.name, "level": area.level, "next_step": area.weakest.todo, "measures": readings}


def _reading(one: Reading, found: Report) -> dict[str, Any]:
    asked = one.measure.query(found.first, found.as_of) if found.first and found.as_of else None
    return {
        "measure": one.measure.name,
        "level": one.level,
        "value": one.value,
        "next_level_from": one.asks,
        "short": one.short,
        "evidence": one.evidence,
        "tables": list(one.measure.needs),
        "next_step": one.todo,
        "query": _on_one_line(asked) if asked else None,
    }


def _on_one_line(sql: str) -> str:
    return " ".join(sql.split())


def _level(level: int | None) -> str:
    return "not yet" if level is None else str(level)


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
