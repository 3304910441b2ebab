"""`klantreis quarantine files`: what happened to landed files beside being loaded."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.config.settings import load_settings
from jobs.config.yaml_files import ConfigError, nearest
from jobs.console import Config, console, show

EVENTS = ("repeated", "replaced", "late", "unfinished", "withdrawn", "returned", "changed_columns")


def files(
    config: Config = None,
    event: Annotated[str | None, typer.Option(help=f"Only this event: {', '.join(EVENTS)}.")] = None,
    path: Annotated[str | None, typer.Option(help="Only files whose path contains this.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
) -> None:
    """Show files that were replaced, repeated, late, unfinished, withdrawn or returned, the newest first."""
    from jobs.lake.lake import Lake
    from jobs.lake.queries import connect

    if event is not None and event not in EVENTS:
        raise ConfigError([f"--event: unknown event {event!r}{nearest(event, EVENTS)}"])
    settings = load_settings(config)
    found = []
    if Lake.of(settings).exists("ops/file_events"):
        sql = (
            "select day, event, source, dataset, path, detail from ops.file_events "
            "where ($event is null or event = $event) and ($path is null or contains(path, $path)) "
            "order by day desc, source, dataset, path, event limit $limit"
        )
        found = connect(settings).execute(sql, {"event": event, "path": path, "limit": limit}).fetchall()
    if found:
        show("Landed files", ["day", "event", "source", "dataset", "path", "detail"], found)
    else:
        console.print("Nothing to tell: every landed file was complete, new and in time.")
