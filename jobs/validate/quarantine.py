"""What is in quarantine: every row that was set aside, what was done about it since, and which rows a user means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from jobs.config.yaml_files import ConfigError
from jobs.lake.database import database_of
from jobs.lake.lake import Lake

VIEWS = {
    "files": "ops/files",
    "counts": "ops/counts",
    "validations": "ops/validations",
    "set_aside": "quarantine/rows",
    "replays": "quarantine/replays",
}


def states(set_aside: str = "set_aside", replays: str = "replays") -> str:
    """The query for every row that was ever set aside, over the tables quarantine/rows and quarantine/replays.

    A row is `open` as long as it is neither accepted, nor a duplicate, nor dropped.
    """
    return f"""
    with once as (  -- a row is one line of one file, whatever rules it broke
        select * from {set_aside} qualify row_number() over (partition by file_id, line order by rule) = 1
    ),
    newest as (
        select * from {replays} qualify attempt = max(attempt) over (partition by file_id, line)
    )
    select o.source, o.dataset, o.file_id, o.path, o.line, o.arrived, o.rule, o.rules, o.reason, o.record,
           coalesce(n.attempt, 0) as attempts, n.replay, coalesce(n.outcome, 'open') as outcome, n.reason as why,
           n.at, n.by, n.corrected, n.outcome is null or n.outcome = 'refused' as open
    from once o left join newest n using (file_id, line)"""


@dataclass(frozen=True)
class Selection:
    """Rows of quarantine: those for which all that is given holds. `rows` are single rows as FILE:LINE."""

    source: str | None = None
    dataset: str | None = None
    path: str | None = None
    rule: str | None = None
    day: date | None = None
    rows: tuple[str, ...] = ()

    def condition(self) -> tuple[str, dict[str, Any]]:
        """As SQL over `states`, with its parameters. Raises ConfigError for a row that is not FILE:LINE."""
        tests = {
            "source": "source = $source",
            "dataset": "dataset = $dataset",
            "path": "contains(path, $path)",
            "rule": "(rule = $rule or list_contains(rules, $rule))",
            "day": "arrived = $day",
        }
        used = {name: getattr(self, name) for name in tests if getattr(self, name) is not None}
        conditions = [tests[name] for name in used]
        single = []
        for number, row in enumerate(self.rows):
            file, _, line = row.rpartition(":")
            if not file or not line.isdigit():
                raise ConfigError([f"--row {row}: give the file and the line, such as crm/2024-05-01/contacts.csv:7"])
            single.append(f"(ends_with(path, $file_{number}) and line = $line_{number})")
            used |= {f"file_{number}": file, f"line_{number}": int(line)}
        if single:
            conditions.append(f"({' or '.join(single)})")
        return " and ".join(conditions) or "true", used

    def options(self) -> str:
        """The options of the command line that select these rows."""
        named = [
            f"--{name} {value}"
            for name in ("source", "dataset", "path", "rule", "day")
            if (value := getattr(self, name)) is not None
        ]
        return " ".join([*named, *(f"--row {row}" for row in self.rows)])


@contextmanager
def database(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables about files and bad rows, as DuckDB views, and `states`."""
    with database_of(**{name: lake.dataset(table) for name, table in VIEWS.items()}) as tables:
        tables.execute("SET TimeZone = 'UTC'")
        tables.execute(f"create temp view states as {states()}")
        yield tables


def select(lake: Lake, selection: Selection, closed: bool = False) -> pa.Table:
    """The selected rows of `states`, by file and line: those that are open, or with `closed` all."""
    condition, parameters = selection.condition()
    with database(lake) as tables:
        query = f"select * from states where ({condition}) and (open or {closed}) order by arrived, path, file_id, line"
        return tables.sql(query, params=parameters).to_arrow_table()
