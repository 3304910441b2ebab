"""What all commands share: one console, one way to show a table, one `--config`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from jobs.config.settings import Settings
from jobs.config.yaml_files import ConfigError

console = Console()
Config = Annotated[Path | None, typer.Option("--config", help="Folder with the company's YAML files.")]


def show(title: str | None, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table."""
    console.print(as_table(title, columns, rows))


def require_table(settings: Settings, table: str) -> None:
    """Raise ConfigError saying what to run first if the table does not exist yet."""
    from jobs.lake.lake import Lake

    if not Lake.of(settings).exists(table):
        raise ConfigError([f"{settings.lake}: there is no {table} yet; run `klantreis run` first"])


def as_table(title: str | None, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Rows as text: thousands separated, at most three decimals, empty for null."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    return table


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
