"""`klantreis export`: files for systems that ask what now."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.console import Config, console, day_of, load_settings, require_table
from jobs.config.wrong import CommandError

if TYPE_CHECKING:
    from jobs.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Write files for web shops, apps and chat tools.")


@app.callback()
def _several() -> None:
    """Keeps `context` a command of its own."""


@app.command()
def context(
    to: Annotated[Path, typer.Option("--to", help="The file: JSON lines, replaced at once when it is whole.")],
    day: Annotated[str | None, typer.Option("--day", help="As of the end of this day; default: the newest.")] = None,
    config: Config = None,
) -> None:
    """Write per customer what to show now: stage, open moment, segment, site variant, content. No personal data.

    The row of customer_id * is for visitors who are not in the file. Rows that hold no more are left out.
    """
    from jobs.audiences import context as contexts
    from jobs.audiences.context_file import write

    if ":/" in str(to):
        raise CommandError([f"--to {to}: give a file of this machine; a copy of it can go anywhere"])
    settings = load_settings(config)
    require_table(settings, "journeys/stages")
    counts = contexts.run(_day(day, settings), settings)
    written = write(settings, to, datetime.now(UTC))
    console.print(f"Written: {to}, {written} rows of {counts['customers']} customers", highlight=False)
    if written <= 1 and counts["customers"]:
        console.print("No customer's row holds any more: run the newest day first", highlight=False)


def _day(text: str | None, settings: Settings) -> date:
    from jobs.lake.lake import Lake

    if text is None:
        days: list[date] = Lake.of(settings).arrow("identity/standing", columns=["as_of"])["as_of"].to_pylist()
        return max(days)
    return day_of(text, "--day")
