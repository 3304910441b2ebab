"""The command line: `klantreis run`, `check`, `tables`, `query`, `quarantine`, `plan`, `push`, `report`, `demo`."""

from __future__ import annotations

import gc
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli import (
    content,
    effect,
    evaluate,
    experiment,
    explain,
    export,
    feedback,
    guard,
    init,
    journey_map,
    kpi,
    lake,
    ledger,
    match,
    maturity,
    models,
    offers,
    packs,
    privacy,
    profiles,
    push,
    quarantine,
    query,
    returns,
    review,
)
from jobs.cli.console import (
    Config,
    Format,
    ReportFormat,
    Screen,
    answer,
    console,
    day_of,
    known_table,
    load_settings,
    show,
)
from jobs.cli.private_files import OWN
from jobs.config.wrong import CommandError, ConfigError, nearest
from jobs.errors import StepFailed
from jobs.lake.engine import VERBOSE, told_plainly
from jobs.lake.machine import refuse_too_little_memory
from jobs.report.page.words import Language

app = typer.Typer(no_args_is_help=True, help="The customer journey platform that runs on Airflow.")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(profiles.app, name="profiles")
app.add_typer(review.app, name="review")
app.add_typer(lake.app, name="lake")
app.add_typer(ledger.app, name="ledger")
app.add_typer(feedback.app, name="feedback")
app.add_typer(guard.app, name="guard")
app.add_typer(content.app, name="content")
app.add_typer(offers.app, name="offers")
app.add_typer(models.app, name="models")
app.add_typer(journey_map.app, name="map")
app.add_typer(packs.app, name="packs")
app.add_typer(export.app, name="export")
export.app.command("person")(privacy.export_person)
app.add_typer(privacy.app, name="privacy")
for command in (
    *(privacy.erase, effect.effect, evaluate.evaluate, experiment.experiment, explain.explain, match.match),
    *(maturity.maturity, init.init, journey_map.brief, kpi.kpi, query.query, push.plan, push.push),
):
    app.command()(command)
app.command("return")(returns.returns)


def main() -> None:
    """Run the command; exit 2 for a wrong configuration and 1 for a step that failed, with the message only."""
    from rich.markup import escape

    mask, code = os.umask(OWN), 0
    try:
        with told_plainly(" ".join(["klantreis", *[word for word in sys.argv[1:2] if not word.startswith("-")]])):
            app()
    except ConfigError as error:
        about = "" if isinstance(error, CommandError) else "[bold red]Configuration:[/] "
        Screen(stderr=True).print(f"{about}{escape(str(error))}", soft_wrap=True)
        code = 2
    except StepFailed as error:
        Screen(stderr=True).print(f"[bold red]Failed:[/] {escape(str(error))}", soft_wrap=True)
        code = 1
    finally:
        os.umask(mask)
    if code:  # not while the error is at hand: what it holds, such as a database, would outlive the libraries it is of
        gc.collect()
        sys.exit(code)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        console.print(f"klantreis {version('klantreis')}", highlight=False)
        raise typer.Exit


@app.callback()
def klantreis(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show where in the code it failed; that may repeat values of rows.")
    ] = False,
) -> None:
    """The customer journey platform that runs on Airflow."""
    if verbose:
        os.environ[VERBOSE] = "1"


@app.command()
def run(
    config: Config = None,
    first: Annotated[str | None, typer.Option("--from", help="First day; default: all that has not been done.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default: the newest day that landed.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Stop after this step.")] = None,
) -> None:
    """Run all steps in this process: without --from everything up to --to at once, with --from day by day."""
    from jobs import pipeline
    from jobs.cli import progress

    refuse_too_little_memory("klantreis run")
    settings = load_settings(config)
    if until and until not in pipeline.STEP_NAMES:
        raise CommandError([f"--until: unknown step {until!r}{nearest(until, pipeline.STEP_NAMES)}"])
    end = day_of(last, "--to") if last else pipeline.newest_landed(settings)
    start = day_of(first, "--from") if first else end
    if start > end:
        raise CommandError([f"--from {start} is after --to {end}"])
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        outcomes = progress.show(console, day, pipeline.run_day(day, settings, until))
        if waits := pipeline.what_waits(outcomes, until):
            later = f"; the days after it were not begun, up to {end}" if day < end else ""
            raise StepFailed(f"{day}: {waits}{later}")


@app.command()
def check(config: Config = None) -> None:
    """Check the configuration: every file, name and SQL expression."""
    from jobs.cli import checks

    settings = load_settings(config)
    problems = checks.problems(settings)
    if problems:
        raise ConfigError(problems)
    for note in checks.notes(settings):
        console.print(f"Note: {note}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"[green]{settings.folder}: fine[/] ({len(settings.sources)} sources, {len(settings.audiences)} audiences, "
        f"{len(settings.destinations)} destinations)"
    )


@app.command()
def tables(
    name: Annotated[str | None, typer.Argument(help="Show the columns of this table.")] = None,
    form: Annotated[Format, typer.Option("--format", help="For people, or for a program.")] = Format.TABLE,
    config: Config = None,
) -> None:
    """List the tables of the lake, or the columns of one."""
    from jobs.lake.lake import Lake
    from jobs.lake.tables import catalogue

    settings = load_settings(config)
    if name:
        table = known_table(settings, name)
        dataset = Lake.of(settings).contract(table)
        answer(
            ["column", "type", "personal", "meaning"],
            [[c.name, c.type, "yes" if c.personal else "", c.meaning] for c in dataset.columns],
            form,
            title=f"{table}: one row is {dataset.grain}; key {', '.join(dataset.key)}",
        )
        return
    lake = Lake.of(settings)
    existing = [table for table in settings.tables if lake.exists(table)]
    answer(
        ["table", "one row is", "rows", "version"],
        [[table, catalogue.get(table).grain, lake.rows(table), lake.version(table)] for table in existing],
        form,
        title=f"Tables in {settings.lake}",
    )


@app.command()
def report(
    config: Config = None,
    html: Annotated[Path | None, typer.Option(help="Write the page to this file instead; it needs no server.")] = None,
    language: Annotated[Language, typer.Option(help="Language of the page.")] = "en",
    form: Annotated[
        ReportFormat, typer.Option("--format", help="For people, or all tables for a program.")
    ] = ReportFormat.TABLE,
) -> None:
    """Print where things stand: rows per source, customers, stages, segments, models, audiences, deliveries."""
    from jobs.cli import report as reporting

    if html:
        reporting.write(html, language, load_settings(config))
        console.print(f"Written: {html}", highlight=False)
    else:
        reporting.show(load_settings(config), form)


@app.command()
def demo(
    size: Annotated[float, typer.Option(min=0.01, max=10, help="1 is the real company; 0.1 is a tenth of it.")] = 1.0,
    config: Config = None,
) -> None:
    """Run the demo company: history in this process, the last three days by Airflow; then report."""
    from jobs.cli.local import demo as demonstration

    demonstration.run(console, load_settings(config), size)


@app.command()
def up(config: Config = None) -> None:
    """Start Airflow, MLflow and the sandboxes on this machine."""
    from jobs.cli.local import stack

    started = stack.start(load_settings(config))
    show("Running", ["service", "address"], [[name, url] for name, url in started.urls.items()])


@app.command()
def stop(config: Config = None) -> None:
    """Stop what `klantreis up` or `klantreis demo` started, and nothing else."""
    from jobs.cli.local import stack

    stopped = stack.stop(load_settings(config))
    console.print(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running.")
