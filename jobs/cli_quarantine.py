"""`klantreis quarantine`: rows and files that were set aside, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.console import Config, require_table, show
from jobs.settings import load_settings
from jobs.yaml_files import ConfigError, nearest

app = typer.Typer(no_args_is_help=True, help="Rows and files that were set aside, and why.")


@app.command("list")
def list_(
    config: Config = None,
    by: Annotated[str, typer.Option("--by", help="rule or file")] = "rule",
) -> None:
    """Count what was set aside, by rule or by file."""
    from jobs.queries import connect

    columns = {"rule": "source, dataset, rule", "file": "source, dataset, path"}
    if by not in columns:
        raise ConfigError([f"--by: unknown value {by!r}{nearest(by, columns)}"])
    settings = load_settings(config)
    require_table(settings, "quarantine/rows")
    rows = connect(settings).sql(
        f"select {columns[by]}, count(distinct (file_id, line)) as rows, count(distinct path) as files, "
        f"any_value(reason) from quarantine.rows group by all order by rows desc, {columns[by]}"
    )
    show("Set aside", [*columns[by].split(", "), "rows", "files", "reason (one of them)"], rows.fetchall())


@app.command("show")
def show_rows(
    config: Config = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    path: Annotated[str | None, typer.Option(help="Only files whose path contains this.")] = None,
    records: Annotated[bool, typer.Option(help="Show the records too: they hold personal data.")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 50,
) -> None:
    """Show single rows that were set aside: file, line, rule and reason."""
    from jobs.queries import connect

    settings = load_settings(config)
    require_table(settings, "quarantine/rows")
    columns = ["path", "line", "rule", "reason", *(["record"] if records else [])]
    rows = connect(settings).execute(
        f"select {', '.join(columns)} from quarantine.rows where ($rule is null or rule = $rule) "
        "and ($path is null or contains(path, $path)) order by path, line, rule limit $limit",
        {"rule": rule, "path": path, "limit": limit},
    )
    show(None, columns, rows.fetchall())
