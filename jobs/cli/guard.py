"""`klantreis guard`: what holds pushes back, and how a person lets one go on."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, show
from jobs.config.wrong import CommandError, nearest

app = typer.Typer(no_args_is_help=True, help="What holds pushes back, and how a person lets one go on.")


@app.command("list")
def list_(
    day: Annotated[str | None, typer.Option("--day", help="Only the push of this day, as 2017-12-29.")] = None,
    config: Config = None,
) -> None:
    """Show what guard rails found, and what a person allowed."""
    from jobs.activation import guard_rails

    rows = guard_rails.kept(load_settings(config), day_of(day, "--day") if day else None)
    if not rows:
        console.print("No guard rail held anything back.")
        return
    columns = ("day", "audience", "destination", "rail", "said", "allowed_by", "allowed_because")
    show(f"{len(rows):,} findings", list(columns), [[row[name] or "" for name in columns] for row in rows])


@app.command()
def allow(
    audience: str,
    destination: str,
    because: Annotated[str, typer.Option("--because", help="Why it is meant; it is kept.")],
    day: Annotated[str, typer.Option("--day", help="The day of the push, as 2017-12-29: it alone goes on.")],
    config: Config = None,
) -> None:
    """Let one push go on, once, for what was found about it; then push the day again."""
    from jobs.activation import guard_rails

    settings = load_settings(config)
    for name, known in ((audience, settings.audiences), (destination, settings.destinations)):
        if name not in known:
            raise CommandError([f"unknown name {name!r}{nearest(name, known)}"])
    counts = guard_rails.allow(audience, destination, because, getpass.getuser(), day_of(day, "--day"), settings)
    console.print(f"{counts['allowed']} findings allowed: push {audience} of {day} again", highlight=False)
