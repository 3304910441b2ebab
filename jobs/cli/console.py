"""What all commands share: one console, one way to show a table, one `--config`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from jobs.config.wrong import CommandError, nearest
from jobs.plain_text import harmless, harmless_lines, json_text

if TYPE_CHECKING:
    from jobs.config.settings import Settings


class Screen(Console):
    """Where people read. Whatever text is printed, no sign in it moves, hides or turns what is around."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(harmless_lines(one) if isinstance(one, str) else one for one in objects), **options)


console = Screen()
Config = Annotated[Path | None, typer.Option("--config", help="Folder with the company's YAML files.")]


NARROW = 10
"""Characters per column below which rows are printed one value under the other."""
FAR_SHORTER, SAMPLE = 1.5, 50
"""How many times longer a folded table is than its values under each other where these are printed, and by how many of
its rows that is judged."""
WIDEST = 100_000


class Format(StrEnum):
    """How an answer is written: for people, or for a program."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class ReportFormat(StrEnum):
    """How several tables are written at once: for people, or for a program."""

    TABLE = "table"
    JSON = "json"


def load_settings(folder: Path | None) -> Settings:
    """The company's configuration. Loaded here, when a command asks for it, since that takes longer than any help."""
    from jobs.cli.private_files import keep_private
    from jobs.config.settings import load_settings

    settings = load_settings(folder)
    keep_private(settings)
    return settings


def show(title: str | None, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table, of which nothing is cut."""
    _print(title, list(columns), list(rows))


def records(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as a program reads them, each value by the name of its column."""
    return [dict(zip(columns, row, strict=True)) for row in rows]


def answer(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: Format, title: str | None = None) -> None:
    """Print rows with their values as they are, below a title as people write them; no rows say so, in a table."""
    if form is Format.JSON:
        sys.stdout.write(json_text(records(columns, rows)) + "\n")
    elif form is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(map(_on_screen, rows) if sys.stdout.isatty() else rows)
    else:
        shown = list(rows)
        _print(title, columns, shown, exact=title is None)
        if not shown:
            console.print("No rows.")


def day_of(text: str, option: str) -> date:
    """The day that an option names. Raises CommandError for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise CommandError([f"{option}: {text!r} is not a day; write it as 2017-12-31"]) from None


def require_table(settings: Settings, table: str) -> None:
    """Raise ConfigError saying what to run first if the table does not exist yet."""
    from jobs.lake.lake import Lake

    if not Lake.of(settings).exists(table):
        raise CommandError([f"{settings.lake}: there is no {table} yet; run `klantreis run` first"])


def known_table(settings: Settings, name: str) -> str:
    """The table that is meant, as zone/dataset; zone.dataset, as SQL writes it, is one too."""
    slashed = name.replace(".", "/")
    if slashed not in settings.tables:
        raise CommandError([f"unknown table {name!r}{nearest(slashed, settings.tables)}"])
    return slashed


def _print(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[Any]], exact: bool = False) -> None:
    """As wide as it needs to be for a file or a program; on a screen folded, or a value a line if far shorter."""
    table = as_table(title, columns, rows, exact)
    width = console.width
    needed = Measurement.get(console, console.options.update(max_width=WIDEST), table).maximum
    if needed > width and not console.is_terminal:
        console.width = needed
        try:
            console.print(table)
        finally:
            console.width = width
    elif needed > width and rows:
        narrow = width < NARROW * len(columns) or _far_longer(columns, rows[:SAMPLE], exact)
        console.print(_listed(title, columns, rows, exact) if narrow else table)
    else:
        console.print(table)


def _listed(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[Any]], exact: bool) -> Table:
    """A value a line, the rows apart by lines."""
    pairs = [(column, value) for row in rows for column, value in zip(columns, row, strict=True)]
    table = as_table(title, ["column", "value"], pairs, exact)
    for last in range(len(columns) - 1, len(pairs), len(columns)):
        table.rows[last].end_section = True
    return table


def _far_longer(columns: Sequence[str], rows: Sequence[Sequence[Any]], exact: bool) -> bool:
    """Whether a folded table of some rows is far longer than their values under each other."""
    tables = as_table(None, columns, rows, exact), _listed(None, columns, rows, exact)
    folded, listed = (len(console.render_lines(table)) for table in tables)
    return folded > FAR_SHORTER * listed


def as_table(title: str | None, columns: Iterable[str], rows: Iterable[Sequence[Any]], exact: bool = False) -> Table:
    """Rows as text: thousands separated, at most three decimals, empty for null; `exact`: numbers as they are.

    What came from outside is shown as it is: never as markup, and signs that steer a terminal as their escapes.
    """
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(Text(harmless(column)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(str(value) if exact and value is not None else _text(value))) for value in row))
    return table


def _on_screen(row: Sequence[Any]) -> list[Any]:
    return [harmless(value) if isinstance(value, str) else value for value in row]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
