"""`klantreis experiment`: how large an experiment has to be, what it tells so far, and what to do."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    from jobs.config.settings import Settings

COLUMNS = ("metric", "role", "variant", "units", "control_units", "mean", "control_mean", "difference", "low", "high")


def experiment(
    name: str,
    day: Annotated[str | None, typer.Option("--day", help="As it was known on this day; default: the newest.")] = None,
    config: Config = None,
) -> None:
    """Show an experiment: its size, each metric of each variant with its interval, and what to do."""
    from jobs.effects import design, experiments
    from jobs.lake.lake import Lake
    from jobs.lake.queries import connect

    settings = load_settings(config)
    if name not in settings.experiments:
        raise CommandError([f"unknown experiment {name!r}{nearest(name, settings.experiments)}"])
    asked = day_of(day, "--day") if day else None
    one = settings.experiments[name]
    _say(f"{one.hypothesis}. It takes {design.needed(one):,} units to see {one.minimum_effect:g} of {one.primary}.")
    if not Lake.of(settings).exists(experiments.TABLE):
        _say("Nothing is told yet: it begins on the first day that is run from its `begins` on.")
        return
    rows = (
        connect(settings)
        .execute(
            f"select day, said, {', '.join(COLUMNS)} from decisions.experiment_results where experiment = $name "
            "and day = coalesce($day, (select max(day) from decisions.experiment_results where experiment = $name)) "
            "order by role = 'guardrail', metric, variant",
            {"name": name, "day": asked},
        )
        .fetchall()
    )
    if not rows:
        raise CommandError([f"nothing is known of {name} on {day or 'any day'}: run the step effects for it"])
    for row in rows:
        _say(f"{row[2]}: {row[1]}")
    if one.allocation.adapts:
        _say(_drawn(settings, name, rows[0][0]))
    show(f"{name} as of {rows[0][0]}", list(COLUMNS), [row[2:] for row in rows])
    if one.learning:
        _say(f"Learned: {one.learning}")


def _drawn(settings: Settings, name: str, day: date) -> str:
    """With which chances it draws, in words."""
    from jobs.lake.queries import connect

    rows = connect(settings).execute(
        "select day, variant, chance, sum(learned_from) over () from decisions.allocations where experiment = $name "
        "and day = (select max(day) from decisions.allocations where experiment = $name and day <= $day) "
        "order by variant",
        {"name": name, "day": day},
    ).fetchall()  # fmt: skip
    if not rows:
        return "Nobody is drawn yet."
    told = ", ".join(f"{variant} {'nobody' if chance is None else f'{chance:.0%}'}" for _, variant, chance, _ in rows)
    return f"Drawn on {rows[0][0]}: {told}, by what came of {rows[0][3]:,} draws."


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
