"""`klantreis query`: the lake asked with SQL, within a time and a memory that are stated."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.console import Config, Format, answer, console, load_settings
from jobs.cli.ctrl_c import stopped_by_ctrl_c
from jobs.config.wrong import CommandError
from jobs.lake.machine import memory_limit

if TYPE_CHECKING:
    import duckdb

MOST = 1000
"""Rows that are shown to a person."""
MOST_AT_ONCE = 1_000_000
"""Rows of an answer in JSON, which is written as a whole."""
SECONDS = 300.0
MEMORY = 4.0
"""GB, where this process may take twice as much; else half of what it may."""
CHUNK = 10_000
"""Rows held at a time while an answer is written as CSV."""


def query(
    sql: Annotated[str, typer.Argument(help="SQL over tables named zone.dataset, or zone/dataset")],
    form: Annotated[Format, typer.Option("--format", help="For people, or all rows for a program.")] = Format.TABLE,
    seconds: Annotated[float, typer.Option(min=0.1, help="It is stopped after this long.")] = SECONDS,
    memory_gb: Annotated[
        float | None,
        typer.Option(min=0.05, help=f"It may take so much; default: {MEMORY:g}, or half of what there is."),
    ] = None,
    config: Config = None,
) -> None:
    """Ask the lake with SQL (DuckDB), for example: select stage, count(*) from journeys.stages group by all."""
    from jobs.lake.lake import Lake
    from jobs.lake.newest import earlier_versions
    from jobs.lake.queries import connect, with_dots

    settings = load_settings(config)
    asked = with_dots(sql, settings)
    memory = memory_gb or min(MEMORY, (memory_limit() or 2 * MEMORY) / 2)
    with (
        # what DuckDB still does beside an answer that is cut short would end with the process, and take it along
        closing(connect(settings, unwritten=True, memory_gb=memory)) as database,
        stopped_by_ctrl_c(database.interrupt),
        _limited(database, seconds, memory) as late,
        _tables_that_are_there(asked, database),
    ):
        result = database.sql(asked)
        if result is not None and form is not Format.TABLE:
            found = _all_rows(database, asked, result, late)
            answer(result.columns, found if form is Format.CSV else _at_once(found), form)
        elif result is not None:
            rows = result.limit(MOST + 1).fetchall()
            answer(result.columns, rows[:MOST], form)
            if len(rows) > MOST:
                console.print(f"Only the first {MOST:,} rows are shown; add LIMIT, aggregate, or ask --format csv.")
            lake = Lake.of(settings)
            valid = [name for name in settings.tables if name.startswith("valid/") and lake.exists(name)]
            for told in earlier_versions(asked, database, {name: lake.rows(name) for name in valid}):
                console.print(told, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _limited(database: duckdb.DuckDBPyConnection, seconds: float, memory: float) -> Iterator[threading.Event]:
    """Stops what runs inside when its time is over, sets the event then, and tells each limit in one line."""
    import duckdb

    late = threading.Event()

    def stop() -> None:
        late.set()
        database.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield late
    except duckdb.OutOfMemoryException:
        more = "ask for less (where, limit), or give it more: --memory-gb"
        raise CommandError([f"query: it takes more than {memory:.2g} GB of memory; {more}"]) from None
    except (duckdb.Error, RuntimeError) as error:
        if late.is_set():
            raise CommandError(
                [f"query: not done in {seconds:g} s; ask for less (where, limit), or give it longer: --seconds"]
            ) from None
        if isinstance(error, duckdb.InterruptException):
            raise KeyboardInterrupt from None
        if not isinstance(error, duckdb.Error):
            raise
        raise CommandError([f"query: {error}"]) from None
    finally:
        timer.cancel()


@contextmanager
def _tables_that_are_there(asked: str, database: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Tells of a table that is not there which ones are."""
    import duckdb

    from jobs.lake.queries import missing_table, views_of

    try:
        yield
    except duckdb.CatalogException as error:
        if missing := missing_table(str(error), asked, views_of(database)):
            raise CommandError([f"query: {missing}"]) from None
        raise


def _all_rows(
    database: duckdb.DuckDBPyConnection, asked: str, result: duckdb.DuckDBPyRelation, late: threading.Event
) -> Iterator[Sequence[Any]]:
    """All rows, of which few are held at a time; of several statements, which may not be done twice, all of them."""
    import duckdb

    if len(duckdb.extract_statements(asked)) > 1:
        yield from result.fetchall()
        return
    running = database.execute(asked)
    while rows := running.fetchmany(CHUNK):
        if late.is_set():
            raise duckdb.InterruptException("late")
        yield from rows


def _at_once(rows: Iterator[Sequence[Any]]) -> list[Sequence[Any]]:
    found = list(islice(rows, MOST_AT_ONCE + 1))
    if len(found) > MOST_AT_ONCE:
        raise CommandError([f"query: more than {MOST_AT_ONCE:,} rows; ask --format csv, or for less (where, limit)"])
    return found
