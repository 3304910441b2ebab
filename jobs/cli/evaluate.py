"""`klantreis evaluate`: what another policy would have come to, told from what was drawn, before it goes live."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    from jobs.effects.off_policy import Estimate


def evaluate(
    experiment: str,
    policy: Annotated[
        str,
        typer.Argument(help="A variant; a=0.3,b=0.7; thompson; linucb; or SQL that names a variant."),
    ],
    day: Annotated[str | None, typer.Option("--day", help="As it was known on this day; default: the newest.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only draws from this day on.")] = None,
    config: Config = None,
) -> None:
    """Show what a policy would have come to, by what an experiment drew: three estimates, each with its interval."""
    from jobs.effects import off_policy, policies
    from jobs.effects.off_policy import NotEvaluable
    from jobs.lake.queries import connect

    settings = load_settings(config)
    if experiment not in settings.experiments:
        raise CommandError([f"unknown experiment {experiment!r}{nearest(experiment, settings.experiments)}"])
    require_table(settings, "audiences/members")
    one = settings.experiments[experiment]
    kpi = settings.journey.kpis[one.primary]
    down = kpi.direction == "down"
    newest = connect(settings).execute("select max(day) from audiences.members").fetchall()[0][0]
    until = day_of(day, "--day") if day else newest or date.min
    begin = day_of(since, "--since") if since else date.min
    try:
        found = policies.drawn(one, settings, until, begin)
        told = off_policy.evaluate(found, policies.policy_of(policy, one, found, down))
    except NotEvaluable as error:
        raise CommandError([f"{experiment}: {error}"]) from None
    _say(
        f"{kpi.title} per customer within {one.within_days} days of the draw. What was drawn came to "
        f"{told.drawn:.4g} in {told.draws:,} draws; they tell as much of the policy as {told.effective:,.0f} draws "
        "of its own."
    )
    show(
        f"The policy {policy}",
        ["estimate", "value", "low", "high"],
        [(each.name, *(f"{number:.4g}" for number in (each.value, each.low, each.high))) for each in told.estimates],
    )
    _say(_verdict(told.more, down))


def _verdict(more: Estimate, down: bool) -> str:
    size = f"{more.value:+.4g} per customer ({more.low:+.4g} to {more.high:+.4g}) against what was drawn"
    if more.low <= 0 <= more.high:
        return f"Not clear whether it does better: {size}"
    return f"It does {'better' if (more.low > 0) != down else 'worse'}: {size}"


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
