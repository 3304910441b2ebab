"""`klantreis demo`: a real retailer's year through the whole platform, the last days by Airflow, proof at the end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from jobs import pipeline
from jobs.cli import progress
from jobs.cli.local import airflow_client, stack, summary
from jobs.config.settings import Settings
from jobs.errors import StepFailed
from jobs.lake.lake import Lake
from jobs.report import proofs

HISTORY_UNTIL = date(2017, 12, 28)
AIRFLOW_DAYS = (date(2017, 12, 29), date(2017, 12, 30), date(2017, 12, 31))
GIB_PER_SIZE, GIB_AT_LEAST = 1.5, 1.0


class DemoFailed(StepFailed):
    """The demo cannot run here, or something it promises is not true."""


def run(console: Console, settings: Settings, size: float) -> None:
    """Run the demo and print where things stand. Raises StepFailed if anything it shows is not true.

    What an earlier run of the same size finished is not done again.
    """
    state = settings.home / "var"
    _room(state, size)
    _same_size(state, size)
    seconds: dict[str, float] = {}
    with _timed(console, seconds, "Write the company's files"):
        _write_files(state, size)
    with _timed(console, seconds, "Start the services"):
        stack.start(settings, wait=False)
    if not _delivered(settings, HISTORY_UNTIL, "models/scores"):
        _load_history(console, settings, seconds)
    with _timed(console, seconds, "Wait for the services"):
        services = stack.start(settings, wait=True)
    left = [day for day in AIRFLOW_DAYS if not _delivered(settings, day, "activation/deliveries")]
    if left:
        with _timed(console, seconds, "Days in Airflow", live=False):
            _run_in_airflow(console, services, left)
    _tell(console, settings, services, sum(seconds.values()))
    problems = proofs.problems(settings)
    if problems:
        raise DemoFailed("; ".join(problems))
    console.print("[bold green]Every row and every audience member is accounted for.[/] `make stop` ends the services.")


def _tell(console: Console, settings: Settings, services: stack.Stack, seconds: float) -> None:
    """Ten lines of what happened, and where to look on."""
    pages = {"Journey page": "/klantreis/", "Data docs": "/klantreis/data-docs/"}  # in Airflow, behind its login
    addresses = {**services.urls, **{name: services.urls["Airflow"] + path for name, path in pages.items()}}
    console.print()
    told = [*summary.lines(settings), ("Time", f"{seconds / 60:.1f} minutes"), *addresses.items()]
    for name, sentence in told:
        console.print(f"[bold]{name:<13}[/] {sentence}", soft_wrap=True, highlight=False)
    console.print(f"Log in to Airflow as [bold]{services.user}[/] with password [bold]{services.password}[/].")
    console.print("All tables: `.venv/bin/klantreis report`", highlight=False)


def _load_history(console: Console, settings: Settings, seconds: dict[str, float]) -> None:
    outcomes = progress.show(console, HISTORY_UNTIL, pipeline.run_day(HISTORY_UNTIL, settings, until="score"))
    for outcome in outcomes:
        seconds[f"History: {outcome.step}"] = seconds.get(f"History: {outcome.step}", 0.0) + outcome.seconds
        if outcome.error:
            raise outcome.error


def _run_in_airflow(console: Console, services: stack.Stack, days: list[date]) -> None:
    """One day after the other, as nights are: the audiences of a day must not see the next day's profiles."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        for day in days:
            task, told = bar.add_task(f"Airflow {day}"), set[str]()
            bar.console.print(f"[bold]Day {day} in Airflow[/]")

            def show(now: airflow_client.Progress, task: TaskID = task, told: set[str] = told) -> None:
                for run in now.ended.keys() - told:
                    told.add(run)
                    bar.console.print(f"{now.ended[run]:7.1f} s  {run.split()[0]}", highlight=False)
                bar.update(task, completed=now.finished, total=now.expected, description=", ".join(now.running))

            services.airflow().run_days([day], show)


def _write_files(state: Path, size: float) -> None:
    command = [sys.executable, "-m", "examples.retail", "--size", f"{size:g}", "--out", str(state)]
    done = subprocess.run(command, cwd=stack.PROJECT, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise DemoFailed(f"the demo company's files cannot be written:\n{done.stderr.strip()}")


def _room(state: Path, size: float) -> None:
    state.mkdir(parents=True, exist_ok=True)
    needed, free = max(GIB_AT_LEAST, GIB_PER_SIZE * size), shutil.disk_usage(state).free / 2**30
    if free < needed:
        raise DemoFailed(
            f"{state}: {free:.1f} GiB free, the demo needs {needed:.1f}; make room or use a smaller --size"
        )


def _same_size(state: Path, size: float) -> None:
    """Refuse to mix two companies in one lake."""
    path = state / "demo.json"
    if path.exists() and (before := json.loads(path.read_text())["size"]) != size:
        raise DemoFailed(f"{state} holds the demo at size {before:g}; run `make clean` first, or use --size {before:g}")
    path.write_text(json.dumps({"size": size}))


def _delivered(settings: Settings, day: date, table: str) -> bool:
    lake = Lake.of(settings)
    return lake.exists(table) and lake.rows(table, day=day) > 0


@contextmanager
def _timed(console: Console, seconds: dict[str, float], what: str, live: bool = True) -> Iterator[None]:
    """Take the time and print a line when it is over; `live` shows meanwhile what is waited for."""
    started = time.monotonic()
    with console.status(what) if live else nullcontext():
        yield
    seconds[what] = time.monotonic() - started
    console.print(f"{seconds[what]:7.1f} s  {what}", highlight=False)
