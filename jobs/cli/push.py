"""`klantreis plan` and `klantreis push`: what an audience would change at its destinations, and the change itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table, show
from jobs.config.wrong import CommandError, nearest

if TYPE_CHECKING:
    from jobs.config.settings import Settings

Day = Annotated[str | None, typer.Option("--day", help="The day, as 2017-12-31; default: the newest day run.")]


def plan(audience: str, day: Day = None, config: Config = None) -> None:
    """Show what a push of this audience would do, per destination, without doing it."""
    from jobs.activation import approved_content
    from jobs.activation import plan as planning
    from jobs.lake.queries import connect

    settings = load_settings(config)
    _known_audience(settings, audience)
    chosen = day_of(day, "--day") if day else newest_run(settings)
    planning.run(chosen, settings)
    rows = connect(settings).execute(
        "select destination, action, reason, count(*) as customers from activation.plans "
        "where day = ? and audience = ? group by all order by all",
        [chosen, audience],
    )
    show(f"{audience} on {chosen}", ["destination", "action", "reason", "customers"], rows.fetchall())
    for destination in settings.audiences[audience].send_to:
        for told in approved_content.waiting(audience, destination, settings):
            console.print(f"{destination}: {told}", markup=False, highlight=False, soft_wrap=True)


def push(
    audience: str,
    day: Day = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do all but send.")] = False,
    config: Config = None,
) -> None:
    """Push one audience to its destinations."""
    from jobs.activation import plan as planning
    from jobs.activation import push as pushing

    settings = load_settings(config)
    _known_audience(settings, audience)
    chosen = day_of(day, "--day") if day else newest_run(settings)
    planning.run(chosen, settings)
    for destination in settings.audiences[audience].send_to:
        counts = pushing.run(audience, destination, chosen, settings, dry_run=dry_run)
        show(f"{audience} to {destination} on {chosen}", list(counts), [list(counts.values())])


def newest_run(settings: Settings) -> date:
    """The newest day audiences were built for."""
    from jobs.lake.queries import connect

    require_table(settings, "audiences/members")
    return connect(settings).sql("select max(day) from audiences.members").fetchall()[0][0]


def _known_audience(settings: Settings, audience: str) -> None:
    if audience not in settings.audiences:
        raise CommandError([f"unknown audience {audience!r}{nearest(audience, settings.audiences)}"])
