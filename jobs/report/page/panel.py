"""A panel of the page: one query over the lake, how it is drawn, and what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import duckdb

from jobs.lake.queries import views_of

Kind = Literal["table", "cards", "bars", "lines", "flow", "curve", "heat"]


@dataclass(frozen=True)
class Chart:
    """How rows are drawn; the names are columns of the query. The table behind a chart shows all of them."""

    kind: Kind = "table"
    x: str = ""
    """Categories or days."""
    y: tuple[str, ...] = ()
    """Values; of a flow from, to and how many."""
    split: str = ""
    """One line or colour for each value of this column."""
    choose: tuple[str, ...] = ()
    """Columns of which a person chooses one value at a time."""
    low: str = ""
    high: str = ""
    """Ends of the interval around the first value."""


@dataclass(frozen=True)
class Panel:
    """One question and its answer as rows. `name` is its key in the words of every language."""

    name: str
    part: str
    """The part of the page it stands in."""
    needs: tuple[str, ...]
    """Tables of the lake it reads, as `zone.dataset`; without them it says that there is no data yet."""
    sql: str
    """The query, as `klantreis query` takes it."""
    day: str
    """The query of the date up to which its data reach."""
    chart: Chart = field(default_factory=Chart)


@dataclass(frozen=True)
class Answer:
    """What a panel found. Without its tables `missing` names them, and there are no columns."""

    panel: Panel
    columns: list[str]
    rows: list[list[Any]]
    day: str | None
    missing: list[str]

    def called(self, names: Mapping[str, Mapping[str, str]]) -> Answer:
        """The same with what people call the values of these columns; the query goes on with what the lake has."""
        of = [names.get(column, {}) for column in self.columns]
        rows = [[known.get(value, value) for known, value in zip(of, row, strict=True)] for row in self.rows]
        return replace(self, rows=rows)

    def as_json(self) -> dict[str, Any]:
        """Everything the browser draws it from."""
        return {
            "name": self.panel.name,
            "chart": asdict(self.panel.chart),
            "columns": self.columns,
            "rows": self.rows,
            "day": self.day,
            "missing": self.missing,
            "sql": plain(self.panel.sql),
        }


def ask(panel: Panel, database: duckdb.DuckDBPyConnection) -> Answer:
    """The rows of a panel from the lake as it is now."""
    missing = sorted(set(panel.needs) - views_of(database))
    if missing:
        return Answer(panel, [], [], None, missing)
    found = database.execute(panel.sql)
    columns = [column[0] for column in found.description or ()]
    rows = [[shown(value) for value in row] for row in found.fetchall()]
    ((newest,),) = database.execute(panel.day).fetchall()
    return Answer(panel, columns, rows, None if newest is None else str(newest), [])


def plain(sql: str) -> str:
    """The query without the margin it has in the code."""
    lines = sql.strip("\n").splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines).strip()


def shown(value: Any) -> Any:
    """A value of the lake as JSON has it: moments to the minute, in UTC."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return value
