"""Ask the lake with SQL: every table is a DuckDB view named `zone.dataset`."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

import duckdb

from jobs.lake import newest
from jobs.lake.lake import Lake
from jobs.lake.place import Place

PERCENTILE = "CREATE MACRO percentile(x, p) AS quantile_cont(x, p)"
"""The percentile of the other engines, so that the printed query of a KPI runs here too."""

ASOF = "SET asof_loop_join_threshold = 0"
"""Rows of Arrow are taken for few, of which each would be compared with each: as-of joins sort and merge instead."""


def connect(
    place: Place, unwritten: bool = False, only: Collection[str] | None = None, memory_gb: float | None = None
) -> duckdb.DuckDBPyConnection:
    """A read-only, in-memory database with one view per existing table, such as `valid.contacts`.

    Views read the newest version of each Delta table; nothing on disk other than the lake can be reached. Tables that
    keep every version of a record have a second view with what counts now, such as `newest.orders`. With
    `unwritten`, once anything was written, tables that were not are there too, without rows. With `only`, as
    `zone.dataset`, nothing but these tables is looked for: that is faster. With `memory_gb` a query
    that needs more fails instead of writing what does not fit to the disk.
    """
    lake = Lake.of(place)
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    database.execute(PERCENTILE)
    database.execute(ASOF)
    versioned = {one.name: view for view, one in newest.VERSIONED.items() if only is None or view in only}
    asked = [name for name in place.tables if only is None or name.replace("/", ".") in only or name in versioned]
    written = {name: lake.exists(name) for name in asked}
    for name in asked:
        if not written[name] and not (unwritten and any(written.values())):
            continue
        zone, dataset = name.split("/")
        rows = lake.dataset(name) if written[name] else lake.contract(name).arrow_schema().empty_table()
        database.register(f"{zone}__{dataset}", rows)
        database.execute(f'CREATE SCHEMA IF NOT EXISTS "{zone}"')
        database.execute(f'CREATE VIEW "{zone}"."{dataset}" AS SELECT * FROM "{zone}__{dataset}"')
        if name in versioned:
            database.execute(f'CREATE SCHEMA IF NOT EXISTS "{newest.NEWEST}"')
            database.execute(newest.view(lake.contract(name)))
    if memory_gb is not None:
        database.execute(f"SET memory_limit = '{memory_gb * 1000:.0f}MB'")
        database.execute("SET temp_directory = ''")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def views_of(database: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables of the lake that `database` can ask, as `zone.dataset`."""
    found = database.sql("select schema_name, view_name from duckdb_views() where not internal").fetchall()
    return {f"{zone}.{dataset}" for zone, dataset in found}


def missing_table(error: str, sql: str, views: Collection[str]) -> str | None:
    """What to say of the table that DuckDB does not find in `sql`: its name, and which of `views` may be meant.

    Tables of that name in other zones come first, then those with a similar name, else the tables of the zone, else
    the zones; without any, what to run first. None if the error is about something else.
    """
    found = re.match(r'Catalog Error: Table with name "?([^"!\n]+?)"?(?: does not exist)', error)
    if not found:
        return None
    dataset = found[1].split(".")[-1]
    written = re.search(rf'(\w+)"?\."?{re.escape(dataset)}\b', sql)
    zone = written[1] if written else ""
    name = f"{zone}.{dataset}" if zone else dataset
    if not views:
        return f"there is no table {name}, nor any other yet; run `klantreis run` first"
    as_named = {view: view if zone else view.split(".")[1] for view in sorted(views)}
    close = get_close_matches(name, set(as_named.values()), n=3, cutoff=0.75)
    near = [view for view in as_named if view.split(".")[1] == dataset]
    near += [view for one in close for view in as_named if as_named[view] == one and view not in near]
    of_zone = sorted(view for view in views if view.startswith(f"{zone}."))
    if near:
        what = f"did you mean {', '.join(near)}?"
    elif of_zone:
        what = f"{zone} has {', '.join(of_zone)}"
    else:
        what = f"`klantreis tables` lists those of {', '.join(sorted({view.split('.')[0] for view in views}))}"
    return f"there is no table {name}; {what}"


def with_dots(sql: str, place: Place) -> str:
    """The query with tables that it names zone/dataset, as this project writes them, as zone.dataset; texts stay."""
    views = [name.replace(".", "/") for name in newest.VERSIONED]
    names = "|".join(re.escape(name) for name in [*place.tables, *views])
    texts = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*"
    return re.sub(rf"({texts})|(?<![\w./])({names})(?![\w/])", _with_dot, sql)


def _with_dot(found: re.Match[str]) -> str:
    return found[1] or found[2].replace("/", ".")
