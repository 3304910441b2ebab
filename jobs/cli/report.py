"""`klantreis report`: where things stand, in tables on the terminal."""

from __future__ import annotations

from rich.console import Console

from jobs.cli.console import as_table
from jobs.config.settings import Settings
from jobs.report.sections import sections


def show(console: Console, settings: Settings) -> None:
    """Print all sections."""
    for section, columns, rows in sections(settings):
        console.print(as_table(section.title, columns, rows))
