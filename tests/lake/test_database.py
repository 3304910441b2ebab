"""SQL over rows in memory: one database, connections that know nothing of each other."""

import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest

from jobs.lake.database import database_of
from tests.processes import outside


def test_a_connection_sees_its_own_tables_and_settings_only_and_leaves_nothing_behind():
    zone = "select current_setting('TimeZone')"
    with database_of(found=pa.table({"x": [1]})) as one, database_of(found=pa.table({"x": [2]})) as other:
        one.execute("create temp table kept as select x from found")
        one.execute("SET TimeZone = 'Asia/Tokyo'")
        other.execute("SET TimeZone = 'Europe/Amsterdam'")
        assert [of.sql("select x from found").fetchall() for of in (one, other)] == [[(1,)], [(2,)]]
        assert [of.sql(zone).fetchall() for of in (one, other)] == [[("Asia/Tokyo",)], [("Europe/Amsterdam",)]]
    with database_of() as later:
        assert later.sql(zone).fetchall() not in ([("Asia/Tokyo",)], [("Europe/Amsterdam",)])
        for name in ("found", "kept"):
            with pytest.raises(duckdb.CatalogException):
                later.sql(f"select * from {name}").fetchall()


def test_a_forked_process_has_a_database_of_its_own():
    code = """
import os
import pyarrow as pa
from jobs.lake.database import database_of

def counted():
    with database_of(numbers=pa.table({"x": range(300_000)})) as database:
        return database.sql("select x % 1000 as rest, count(*) from numbers group by all order by all").fetchall()

before, child = counted(), os.fork()
if child == 0:
    os._exit(0 if counted() == before else 1)
print(os.waitpid(child, 0)[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=outside(), capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "0\n"
