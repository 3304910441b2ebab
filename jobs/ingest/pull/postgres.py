"""Pull rows of a PostgreSQL database: one read-only snapshot for all datasets of a source, in bounded memory.

The server writes each row as JSON itself: decimals, timestamps with their zone and NULL arrive exactly as it has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from jobs.config.connections import Connection
from jobs.config.sources.places import Query, table_names
from jobs.config.yaml_files import nearest
from jobs.errors import StepFailed
from jobs.ingest.formats.records import Line

BATCH = 500
"""Rows fetched at a time."""
TIMES = ("date", "timestamp", "timestamptz")
NUMBERS = ("int2", "int4", "int8", "numeric")
FORWARDED = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding", "gssencmode", "options")
"""Parameters of libpq that the connection's `extra` may hold."""


@dataclass(frozen=True)
class Window:
    """What one pull takes: rows whose incremental column is at least `since`; empty: all. `kind` is its type."""

    since: str
    until: str
    last: str
    again_from: str
    kind: str


class Database:
    """A transaction that sees the database as it was when it began."""

    def __init__(self, link: psycopg.Connection[Any], name: str):
        self._link, self._name = link, name

    def window(self, query: Query, last: str) -> Window:
        """From where the pull that ended at `last` (empty: none) is continued, and how far there are rows now.

        A moment more than a day ahead is a mistake: it is pulled, but the next pull does not begin there.
        """
        kind = self._kind(query)
        cast = sql.SQL("::" + kind)
        column, rows = _name(query.incremental), _rows(query)
        sane = sql.SQL(" filter (where {} <= now() + interval '1 day')" if kind in TIMES else "").format(column)
        newest = sql.SQL("select max({}){}::text from {}").format(column, sane, rows)
        with self._explained(query):
            until = self._value(newest, ()) or last
            if kind in NUMBERS:
                return Window(last, until, last, until, kind)
            back = sql.SQL("select (nullif(%s, ''){cast} - make_interval(mins => %s))::text").format(cast=cast)
            since, again_from = (self._value(back, (moment, query.overlap_minutes)) for moment in (last, until))
            return Window(since, until, last, again_from, kind)

    def lines(self, query: Query, window: Window) -> Iterator[Line]:
        """The rows, those without a value of the incremental column too: each pull takes them, lest they be lost."""
        # a date less the overlap is a timestamp
        edge = sql.SQL("::timestamp" if window.kind == "date" else "::" + window.kind)
        text = sql.SQL(
            "select row_to_json(t)::text, {c} is null or coalesce({c} <= nullif(%(last)s, ''){cast}, false), "
            "{c} is null or coalesce({c} between nullif(%(again)s, ''){edge} and nullif(%(until)s, ''){cast}, false) "
            "from (select * from {rows}) as t "
            "where nullif(%(since)s, '') is null or {c} is null or {c} >= nullif(%(since)s, ''){edge} "
            "order by {c} nulls first"
        ).format(c=_name(query.incremental), cast=sql.SQL("::" + window.kind), edge=edge, rows=_rows(query))
        values = {"last": window.last, "again": window.again_from, "until": window.until, "since": window.since}
        with self._explained(query), self._link.cursor("klantreis_pull") as cursor:
            cursor.itersize = BATCH
            cursor.execute(text, values)
            for record, seen, again in cursor:
                yield Line(record, seen, again)

    def _value(self, query: sql.Composed, parameters: tuple[Any, ...]) -> str:
        """The one text a query gives; empty for NULL."""
        with self._link.cursor() as cursor:
            row = cursor.execute(query, parameters).fetchone()
        return str(row[0]) if row and row[0] is not None else ""

    def _kind(self, query: Query) -> str:
        """Type of the incremental column. Raises StepFailed if it is missing or does not grow, or a name is double."""
        with self._explained(query), self._link.cursor() as cursor:
            columns = cursor.execute(sql.SQL("select * from {} limit 0").format(_rows(query)), ()).description or []
        names = [column.name for column in columns]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise StepFailed(f"the query gives two columns {double!r}; rename one with `as`")
        if query.incremental not in names:
            raise StepFailed(
                f"{query.table or 'the query'} has no column {query.incremental!r} (`incremental`)"
                f"{nearest(query.incremental, names)}"
            )
        kind = self._link.adapters.types.get(columns[names.index(query.incremental)].type_code)
        if kind is None or kind.name not in (*TIMES, *NUMBERS):
            raise StepFailed(
                f"the column {query.incremental!r} (`incremental`) is {kind.name if kind else 'of its own type'}; "
                "it must be a date, a timestamp, a whole number or a numeric"
            )
        return kind.name

    @contextmanager
    def _explained(self, query: Query) -> Iterator[None]:
        """One message for each error of the server. Messages about data are left out: they may hold values."""
        what = f"connection {self._name!r}, {query.table or 'query'}"
        try:
            yield
        except psycopg.errors.UndefinedTable as error:
            raise StepFailed(f"{what}: {_first_line(error)}; correct the name, with its schema if needed") from None
        except psycopg.errors.InsufficientPrivilege as error:
            raise StepFailed(f"{what}: {_first_line(error)}; grant this login select on it") from None
        except psycopg.OperationalError as error:
            raise StepFailed(
                f"{what}: the server broke off ({_code(error)}); nothing was landed, run again when it is there"
            ) from None
        except psycopg.Error as error:
            if (error.sqlstate or "")[:2] == "42":  # about the text of the query, not about data
                raise StepFailed(f"{what}: {_first_line(error)}; correct it") from None
            raise StepFailed(f"{what}: the server refused the query ({_code(error)}); nothing was landed") from None


@contextmanager
def snapshot(login: Connection, name: str) -> Iterator[Database]:
    """The database as it is now. Raises StepFailed if it cannot be reached or refuses the login."""
    extra = login.extra or {}
    parameters = {key: extra[key] for key in FORWARDED if key in extra}
    try:
        link = psycopg.connect(
            host=login.host or None,
            port=login.port,
            user=login.login or None,
            password=login.password or None,
            dbname=login.schema or None,
            application_name="klantreis",
            connect_timeout=15,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=60_000,
            **parameters,
        )
    except psycopg.Error as error:
        reason = _first_line(error)
        if login.password:
            reason = reason.replace(login.password, "***")
        raise StepFailed(f"connection {name!r}: {reason}; correct the connection or start the server") from None
    try:
        link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        link.read_only = True
        with link.cursor() as cursor:
            cursor.execute("set local time zone 'UTC'")
            cursor.execute("set local datestyle to 'ISO'")
            cursor.execute("set local intervalstyle to 'iso_8601'")
            cursor.execute("set local extra_float_digits to 1")
        yield Database(link, name)
    finally:
        link.close()


def _rows(query: Query) -> sql.Composable:
    """What comes after `from`: the table, or the query as a table. A name is quoted, a query is its owner's SQL."""
    if query.table is not None:
        return _name(*table_names(query.table))
    text = (query.query or "").strip().rstrip(";").replace("%", "%%")
    return sql.SQL("({}\n) as q").format(sql.SQL(text))  # type: ignore[arg-type]


def _name(*parts: str) -> sql.Identifier:
    """A quoted name; the client takes a single % for a parameter."""
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))


def _code(error: psycopg.Error) -> str:
    return f"{type(error).__name__} {error.sqlstate}" if error.sqlstate else type(error).__name__


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).strip().splitlines()[0].strip()
