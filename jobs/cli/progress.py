"""Show steps as they run: a progress bar, then one line per step with its counts and time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from jobs.pipeline import STEP_NAMES, Outcome


def show(console: Console, day: date, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Consume `outcomes` while showing which step runs; print the summary and return them."""
    done = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{day} {STEP_NAMES[0]}", total=len(STEP_NAMES))
        for outcome in outcomes:
            done.append(outcome)
            position = STEP_NAMES.index(outcome.step) + 1
            bar.update(task, completed=position, description=f"{day} {outcome.step} {outcome.part}")
    console.print(summary(day, done))
    for outcome in done:
        if outcome.error:
            console.print(f"[bold red]{outcome.step} {outcome.part} failed:[/] {escape(str(outcome.error))}")
    return done


def summary(day: date, outcomes: list[Outcome]) -> Table:
    """One row per step: what it was about, its numbers, its time."""
    table = Table("step", "of", "result", "seconds", title=f"Day {day}", title_justify="left")
    for outcome in outcomes:
        result = "[red]failed[/]" if outcome.error else ", ".join(_counts(outcome.counts))
        table.add_row(outcome.step, outcome.part, result, f"{outcome.seconds:.1f}")
    return table


def _counts(counts: dict) -> list[str]:
    """Plain numbers only; lists and nested results have tables of their own."""
    return [
        f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value}"
        for name, value in counts.items()
        if isinstance(value, (int, float, str)) and not isinstance(value, bool)
    ]
