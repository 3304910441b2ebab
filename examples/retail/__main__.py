"""`python -m examples.retail --size 1 --out DIR`: write the demo company."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from examples.retail import clock
from examples.retail.build import Built, Occupied, Plan, build
from examples.retail.company import MissingPackage

SMALLEST, LARGEST = 0.01, 10.0
FIRST, LAST = clock.FIRST_DAY.isoformat(), clock.LAST_DAY.isoformat()


def main(
    out: Annotated[Path, typer.Option(help="Folder to write: gets landing/ and truth/.")],
    size: Annotated[float, typer.Option(help="1 is all real households; 0.01 is 1 %, 10 is each ten times.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.", min=0)] = 1,
    first: Annotated[str, typer.Option("--from", help="First day of landing files.")] = FIRST,
    last: Annotated[str, typer.Option("--to", help="Last day of landing files.")] = LAST,
) -> None:
    """Write the demo company: landing files per source and day, and the truth beside them."""
    console = Console(stderr=True)
    try:
        plan = _plan(size, seed, first, last)
        with console.status("starting") as status:
            built = build(plan, out, status.update)
    except (Occupied, MissingPackage, ValueError) as error:
        console.print(f"[red]error:[/] {error}", soft_wrap=True)
        raise typer.Exit(2) from None
    except OSError as error:
        console.print(
            f"[red]error:[/] cannot write to {error.filename or out}: {error.strerror}; "
            "give a folder you may write to with --out",
            soft_wrap=True,
        )
        raise typer.Exit(2) from None
    _show(console, built, out)


def _plan(size: float, seed: int, first: str, last: str) -> Plan:
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"--size {size:g} is out of range; give a number from {SMALLEST:g} to {LARGEST:g}")
    days = []
    for option, text in (("--from", first), ("--to", last)):
        try:
            days.append(dt.date.fromisoformat(text))
        except ValueError:
            raise ValueError(f"{option} {text!r} is not a date; write it as 2017-12-31") from None
    if not clock.FIRST_DAY <= days[0] <= days[1] <= clock.LAST_DAY:
        raise ValueError(f"--from {first} --to {last}: give two days in order, from {FIRST} to {LAST}")
    return Plan(size, seed, days[0], days[1])


def _show(console: Console, built: Built, out: Path) -> None:
    if not built.fresh:
        console.print(f"{out} already holds this size, seed and period; nothing to do")
        return
    table = Table("source", "dataset", "files", "rows", "good", "broken", "repeated", title=f"Written to {out}")
    for column in table.columns[2:]:
        column.justify = "right"
    for row in built.counts.itertuples(index=False):
        numbers = (row.files, row.rows, row.good_keys, row.bad, row.duplicates)
        table.add_row(row.source, row.dataset, *(f"{number:,}" for number in numbers))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
