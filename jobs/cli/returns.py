"""`klantreis return`: what actions bring for what they cost, with intervals, and what another reach would bring."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.console import Config, ReportFormat, console, day_of, json_text, load_settings, require_table, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    from jobs.effects.return_report import Action, Line, Report
    from jobs.effects.returns import Part, Range, WhatIf

COLUMNS = ("actions", "measured", "people", "spent", "of which measured", "value", "after cost", "for every 1", "says")
NOT_MEASURED = "no evidence"


def returns(
    action: Annotated[str | None, typer.Argument(help="One action; default: all of them.")] = None,
    reach: Annotated[float | None, typer.Option("--reach", help="What if it was for so many times the people?")] = None,
    budget: Annotated[float | None, typer.Option("--budget", help="What if so many times its cost was spent?")] = None,
    day: Annotated[str | None, typer.Option("--day", help="As it was known on this day; default: the newest.")] = None,
    form: Annotated[ReportFormat, typer.Option("--format", help="For people, or for a program.")] = ReportFormat.TABLE,
    config: Config = None,
) -> None:
    """Show what actions bring for what they cost, against people held out, with intervals; what nobody can tell yet."""
    from jobs.effects import return_report
    from jobs.lake.queries import connect

    settings = load_settings(config)
    if action is not None and action not in settings.audiences:
        raise CommandError([f"unknown action {action!r}{nearest(action, settings.audiences)}"])
    asked, told_day = _what_if(reach, budget), day_of(day, "--day") if day else None
    require_table(settings, "decisions/effects")
    database = connect(settings, unwritten=True, only=return_report.NEEDS)
    known = told_day or return_report.newest_day(database)
    if known is None:
        raise CommandError([f"{settings.lake}: nothing is known of any effect yet; run the step effects"])
    found = return_report.report(known, settings, database)
    chosen = [one for one in found.actions if action in (None, one.name)]
    tried = [(one, _tried(one.part, asked)) for one in chosen] if asked else []
    currency = settings.general.currency
    if form is ReportFormat.JSON:
        sys.stdout.write(json_text(_told(found, chosen, tried, currency)) + "\n")
        return
    _show(found, chosen, action, currency)
    if tried:
        _show_what_if(tried, currency)


def _what_if(reach: float | None, budget: float | None) -> Callable[[Part], WhatIf] | None:
    from jobs.effects.returns import with_budget, with_reach

    if reach is not None and budget is not None:
        raise CommandError(["--reach and --budget: one of them at a time"])
    for name, times in (("--reach", reach), ("--budget", budget)):
        if times is not None and not 0 < times < float("inf"):
            raise CommandError([f"{name}: {times:g} times is not possible; give a number above 0, such as 1.5"])
    if reach is not None:
        return lambda part: with_reach(part, reach)
    return None if budget is None else lambda part: with_budget(part, budget)


def _tried(part: Part | None, asked: Callable[[Part], WhatIf]) -> WhatIf | str | None:
    """What would be, or why nobody can say."""
    try:
        return asked(part) if part else None
    except ValueError as error:
        return str(error)


def _show(found: Report, chosen: list[Action], action: str | None, currency: str) -> None:
    from jobs.effects.return_report import line

    title = f"Return as of {found.day}, in {currency}"
    show(title, ["action", "stage", "channel", *COLUMNS[2:]], [
        [one.name, one.stage, one.channel, *_row(line(one.name, [one]))[2:]] for one in chosen
    ])  # fmt: skip
    if action is None:
        for by in ("stage", "channel"):
            show(f"By {by}", [by, *COLUMNS], [[one.name, *_row(one)] for one in (*found.lines(by), found.total)])
        if found.all_at_once:
            whole = line("all at once", [found.all_at_once])
            show("All actions, against who is held out of them all", COLUMNS[2:], [_row(whole)[2:]])
    costs = [one for one in found.costs if action in (None, one.action)]
    show("Costs", ["action", "kind", "channel", "quantity", "amount", "currency", currency], [
        [one.action or "(no single action)", one.kind, one.channel, one.quantity, one.amount, one.currency, one.own]
        for one in costs
    ])  # fmt: skip
    if action is None and found.of_no_action:
        _say(f"Spent on no single action: {found.of_no_action:,.2f} {currency}.")
    _say(
        f"Value is the margin on what people brought beyond those held out. With 95 % confidence all {found.together} "
        "intervals hold together, so they are wider than those of `klantreis effect`."
    )


def _show_what_if(tried: list[tuple[Action, WhatIf | str | None]], currency: str) -> None:
    rows = [
        [one.name, f"{what.reach:,.2f}", _range(what.cost), _range(what.value), _range(what.net), _range(what.on_cost)]
        for one, what in tried if what and not isinstance(what, str)
    ]  # fmt: skip
    columns = ["action", "times the people", "cost", "value", "after cost", "for every 1"]
    if rows:
        show(f"What if, in {currency}", columns, rows)
        _say(
            "Whoever was tested is taken to respond as measured; beyond them nothing was tested: at worst people "
            "bring nothing, or less where the range begins below 0, at best as much as the best of the range."
        )
    for one, what in tried:
        if what is None or isinstance(what, str):
            _say(f"{one.name}: nobody can say: {what or one.why_not}")


def _row(one: Line) -> list[Any]:
    people = one.people if one.measured else NOT_MEASURED
    told = [_range(one.value), _range(one.net), _range(one.on_cost)]
    return [one.actions, one.measured, people, one.spent, one.cost if one.measured else None, *told, one.says]


def _range(found: Range | None) -> str | None:
    return None if found is None else f"{found.low:,.2f} to {found.high:,.2f}"


def _told(
    found: Report, chosen: list[Action], tried: list[tuple[Action, WhatIf | str | None]], currency: str
) -> dict[str, Any]:
    from jobs.effects.return_report import line

    def with_reason(one: Action) -> dict[str, Any]:
        where = {"stage": one.stage, "channel": one.channel}
        return {**asdict(line(one.name, [one])), **where, "evidence": one.part is not None}

    told: dict[str, Any] = {
        "as_of": found.day,
        "currency": currency,
        "confidence": 0.95,
        "intervals_together": found.together,
        "actions": [with_reason(one) for one in chosen],
        "stages": [asdict(one) for one in found.lines("stage")],
        "channels": [asdict(one) for one in found.lines("channel")],
        "total": asdict(found.total),
        "all_at_once": with_reason(found.all_at_once) if found.all_at_once else None,
        "of_no_action": found.of_no_action,
        "costs": [asdict(one) for one in found.costs],
    }
    if tried:
        told["what_if"] = [
            {"action": one.name, "why_not": what or one.why_not}
            if what is None or isinstance(what, str)
            else {"action": one.name, **asdict(what)}
            for one, what in tried
        ]
    return told


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
