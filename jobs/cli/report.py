"""`klantreis report`: where things stand, in tables on the terminal or as the page in one file."""

from __future__ import annotations

import sys
from pathlib import Path

from jobs.cli.console import ReportFormat, console, json_text, records
from jobs.cli.console import show as show_rows
from jobs.config.settings import Settings
from jobs.config.wrong import CommandError
from jobs.report.page.words import Language
from jobs.report.sections import sections


def show(settings: Settings, form: ReportFormat = ReportFormat.TABLE) -> None:
    """Print all sections; those of which nothing is there yet in one line at the end.

    Raises CommandError if no step has run yet.
    """
    found = [(section.title, columns, rows) for section, columns, rows in sections(settings)]
    if not found:
        raise CommandError([f"{settings.lake}: there is nothing to report yet; run `klantreis run` first"])
    if form is ReportFormat.JSON:
        sys.stdout.write(json_text({title: records(columns, rows) for title, columns, rows in found}) + "\n")
        return
    for title, columns, rows in found:
        if rows:
            show_rows(title, columns, rows)
    if empty := [title for title, _, rows in found if not rows]:
        console.print(f"Nothing yet: {'; '.join(empty)}", markup=False, highlight=False, soft_wrap=True)


def write(path: Path, language: Language, settings: Settings) -> None:
    """The page "Customer journey" as one file. Raises ConfigError if it cannot be written there."""
    from jobs.report.page import document

    try:
        path.write_text(document.file(settings, language))
    except OSError as error:
        raise CommandError([f"--html: {path} cannot be written: {error.strerror}"]) from None
