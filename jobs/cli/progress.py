"""Show steps as they run: a line for each as it ends, on a screen and in a log; warnings counted, at the end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jobs.cli.notices import collected
from jobs.pipeline import STEP_NAMES, Outcome


def show(console: Console, day: date, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Consume `outcomes`, print a line as each ends, and at the end what was warned of; return them."""
    done = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console.print(f"[bold]Day {day}[/]")
    with (
        collected() as notices,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task(f"{day} {STEP_NAMES[0]}", total=len(STEP_NAMES))
        for outcome in outcomes:
            done.append(outcome)
            position = STEP_NAMES.index(outcome.step) + 1
            bar.update(task, completed=position, description=f"{day} {outcome.step} {outcome.part}")
            bar.console.print(line(outcome), soft_wrap=True, highlight=False)
    for told in notices.lines():
        console.print(f"[yellow]![/] {escape(told)}", soft_wrap=True, highlight=False)
    for outcome in done:
        if outcome.error:
            console.print(f"[bold red]{outcome.step} {outcome.part} failed:[/] {escape(str(outcome.error))}")
    return done


def line(outcome: Outcome) -> str:
    """One step in one line: its time, its name, what it was about, its numbers."""
    result = "[bold red]failed[/]" if outcome.error else escape(", ".join(_counts(outcome.counts)))
    what = escape(f"{outcome.step} {outcome.part}".strip())
    return f"{outcome.seconds:7.1f} s  {what:<24} {result}".rstrip()


def _counts(counts: dict) -> list[str]:
    """Plain numbers only; lists and nested results have tables of their own.

    Of a model its verdict, and why where it is not used: its figures are shown by `klantreis models show`.
    """
    if "decision" in counts:
        told = ["version", "decision", *(["reason"] if counts["decision"] != "promoted" else [])]
        counts = {name: counts[name] for name in told if name in counts}
    return [
        f"{name.replace('_', ' ')} {value:,}" if isinstance(value, int) else f"{name.replace('_', ' ')} {value}"
        for name, value in counts.items()
        if isinstance(value, (int, float, str)) and not isinstance(value, bool) and value != ""
    ]
