"""`klantreis ledger`: tries of which nobody knows what came of them, and how a person settles them."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, show
from jobs.config.wrong import CommandError, nearest

app = typer.Typer(no_args_is_help=True, help="Tries whose outcome is not known, and how a person settles them.")
Audience = Annotated[str | None, typer.Option(help="Only this audience.")]
Destination = Annotated[str | None, typer.Option(help="Only this destination.")]
Day = Annotated[str | None, typer.Option("--day", help="Only the push of this day, as 2017-12-29.")]


@app.command("list")
def list_(audience: Audience = None, destination: Destination = None, day: Day = None, config: Config = None) -> None:
    """Show every try that is open: claimed and never recorded, submitted without an answer, or unknown."""
    from jobs.activation import settling

    rows = settling.open_tries(load_settings(config), day_of(day, "--day") if day else None, audience, destination)
    columns = ("operation_id", "day", "audience", "destination", "action", "state", "reason", "updated_at")
    if not rows:
        console.print("No try is open: of everything that was sent it is known what came of it.")
        return
    show(f"{len(rows):,} open tries", list(columns), [[row[name] for name in columns] for row in rows])


@app.command()
def settle(
    state: Annotated[
        str, typer.Option("--as", help="accepted: it arrived. rejected: it did not, and may be tried again.")
    ],
    because: Annotated[str, typer.Option("--because", help="How you know; it is kept with the try.")],
    operations: Annotated[
        list[str] | None, typer.Argument(help="The operations, as `klantreis ledger list` has them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All open tries that the options below pick.")] = False,
    audience: Audience = None,
    destination: Destination = None,
    day: Day = None,
    config: Config = None,
) -> None:
    """Say what came of open tries; then push the day again to see it turn green."""
    from jobs.activation import settling

    settings = load_settings(config)
    if audience is not None and audience not in settings.audiences:
        raise CommandError([f"--audience: unknown audience {audience!r}{nearest(audience, settings.audiences)}"])
    if bool(operations) == everything:
        raise CommandError(["name the operations, or say --all with --audience, --destination or --day"])
    rows = settling.open_tries(settings, day_of(day, "--day") if day else None, audience, destination)
    chosen = [row["operation_id"] for row in rows] if everything else list(operations or ())
    count = settling.settle(settings, chosen, state, because, getpass.getuser(), rows)
    console.print(f"{count} tries are {state} now", highlight=False)
