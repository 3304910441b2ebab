"""`klantreis lake`: is what is stored what the logs say?"""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.cli.console import Config, console, known_table, load_settings, show
from jobs.errors import StepFailed

app = typer.Typer(no_args_is_help=True, help="The tables of the lake, as they are stored.")


@app.callback()
def lake() -> None:
    """The tables of the lake, as they are stored."""


@app.command()
def verify(
    table: Annotated[str | None, typer.Argument(help="Only this table, such as valid/orders.")] = None,
    every_value: Annotated[
        bool, typer.Option("--every-value", help="Read all of every file, not only its end.")
    ] = False,
    config: Config = None,
) -> None:
    """Compare every file with the log of its table: there, as long, with as many rows, readable? Exit 1 if not."""

    from jobs.lake import verify as job

    settings = load_settings(config)
    wanted = [known_table(settings, table)] if table else settings.tables
    every = (job.verify(settings, name, every_value) for name in wanted)
    found = [one for one in every if one]
    show(
        f"Tables in {settings.lake}",
        ["table", "files", "rows", "state"],
        [
            [one.table, one.files, one.rows, f"{len(one.problems)} problems" if one.problems else "fine"]
            for one in found
        ],
    )
    problems = [problem for one in found for problem in one.problems]
    for problem in problems:
        console.print(problem, markup=False, highlight=False, soft_wrap=True)
    if problems:
        raise StepFailed(f"{len(problems)} problems in {settings.lake}")


@app.command()
def restore(
    table: Annotated[str, typer.Argument(help="The table, such as valid/orders.")],
    to: Annotated[int, typer.Option("--to", help="The version whose rows are to count; `lake verify` names one.")],
    forget_since: Annotated[
        bool,
        typer.Option("--forget-since", help="Also for who was written to, drawn, suppressed or erased: forget it."),
    ] = False,
    config: Config = None,
) -> None:
    """Put a table back to one of its versions; steps that wrote it since run again at the next run."""
    from jobs.lake import restore as job

    settings = load_settings(config)
    done = job.restore(settings, known_table(settings, table), to, forget_since)
    aside = f"; {done.set_aside} entries of its log went to _damaged" if done.set_aside else ""
    console.print(
        f"{done.table}: version {done.now} has the {done.rows:,} rows of version {done.version}{aside}. "
        "Run the days again whose steps wrote it since.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
