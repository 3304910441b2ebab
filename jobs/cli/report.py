"""`klantreis report`: where things stand, in tables on the terminal or as the page in one file."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from jobs.cli.console import as_table
from jobs.config.settings import Settings
from jobs.config.wrong import CommandError
from jobs.report.page.words import Language
from jobs.report.sections import sections


def show(console: Console, settings: Settings) -> None:
    """Print all sections."""
    for section, columns, rows in sections(settings):
        console.print(as_table(section.title, columns, rows))


def write(path: Path, language: Language, settings: Settings) -> None:
    """The page "Customer journey" as one file. Raises ConfigError if it cannot be written there."""
    from jobs.report.page import document

    try:
        path.write_text(document.file(settings, language))
    except OSError as error:
        raise CommandError([f"--html: {path} cannot be written: {error.strerror}"]) from None
