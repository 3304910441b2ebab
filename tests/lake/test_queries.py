"""SQL over the lake reads tables by their names and nothing else."""

import datetime as dt

import duckdb
import pyarrow as pa
import pytest

from jobs.lake import queries
from jobs.lake.lake import Lake, Txn
from jobs.report import proofs, sections

COUNTS = {"file_id": "f1", "source": "crm", "dataset": "contacts", "arrived": dt.date(2017, 1, 1)}


@pytest.fixture
def with_counts(settings):
    """A lake with one table: ops/counts, one file of ten rows."""

    def build(**numbers):
        loaded = settings()
        row = {**COUNTS, "rows_in": 10, "accepted": 8, "quarantined": 1, "duplicates": 1, **numbers}
        schema = Lake.of(loaded).dataset("ops/counts").schema
        Lake.of(loaded).append("ops/counts", pa.Table.from_pylist([row], schema=schema), Txn("test", 1))
        return loaded

    return build


def test_a_table_is_asked_by_zone_and_name(with_counts):
    assert queries.connect(with_counts()).sql("select accepted from ops.counts").fetchall() == [(8,)]


def test_a_table_may_be_named_as_the_project_writes_it_and_texts_stay_as_they_are(with_counts):
    company = with_counts()
    sql = """select accepted, 'ops/counts' as "ops/files" from ops/counts -- ops/counts"""
    dotted = queries.with_dots(sql, company)
    assert dotted == """select accepted, 'ops/counts' as "ops/files" from ops.counts -- ops/counts"""
    assert queries.connect(company).sql(dotted).fetchall() == [(8, "ops/counts")]
    for other in ("select a/b from ops.counts", "select 1 / 2", "from x.ops/counts", "from ops/counts_of_mine"):
        assert queries.with_dots(other, company) == other


def test_a_table_that_does_not_exist_yet_is_an_error_that_names_it(with_counts):
    with pytest.raises(duckdb.CatalogException, match="contacts"):
        queries.connect(with_counts()).sql("select * from valid.contacts")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select * from valid.order", "there is no table valid.order; did you mean valid.orders?"),
        ("from orders", "there is no table orders; did you mean quarantine.orders, valid.orders?"),
        ('select 1; from "profile"."sums"', "there is no table profile.sums; did you mean profiles.sums?"),
        ("with a as (from stage) from a", "there is no table stage; did you mean journeys.stages?"),
        ("from journeys.who_was_here", "there is no table journeys.who_was_here; journeys has journeys.stages"),
        ("from x.y", "there is no table x.y; `klantreis tables` lists those of journeys, profiles, quarantine, valid"),
        ("select nothing(1) from valid.orders", None),
    ],
)
def test_of_a_table_that_is_not_there_those_that_may_be_meant_are_told(sql, told):
    views = ("valid.orders", "quarantine.orders", "profiles.sums", "journeys.stages")
    database = duckdb.connect()
    for view in views:
        database.execute(f"create schema if not exists {view.split('.')[0]}")
        database.execute(f"create view {view} as select 1 as one")
    with pytest.raises(duckdb.CatalogException) as missing:
        database.sql(sql)
    assert queries.missing_table(str(missing.value), sql, views) == told


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/hostname')",
        "copy (select 1) to '/tmp/out.csv'",
        "set enable_external_access = true",
        "attach '/tmp/other.db'",
    ],
)
def test_a_query_cannot_reach_anything_outside_the_lake(with_counts, sql):
    with pytest.raises(duckdb.Error, match=r"disabled|lock"):
        queries.connect(with_counts()).sql(sql)


def test_what_was_known_at_a_time_is_found_by_sorting_and_not_by_comparing_each_row_with_each(with_counts):
    as_of = "from ops.counts a asof join ops.counts b on a.source = b.source and a.arrived >= b.arrived"
    database = queries.connect(with_counts())
    plan = database.execute(f"explain select count(*) {as_of}").fetchall()[0][1]
    assert ("Asof Join" in plan, "Nested Loop" in plan) == (True, False)
    assert database.sql(f"select a.accepted, b.rows_in {as_of}").fetchall() == [(8, 10)]


def test_no_problem_is_reported_when_every_row_is_accounted_for(with_counts):
    assert proofs.problems(with_counts()) == []


def test_a_file_whose_rows_do_not_add_up_is_reported(with_counts):
    (problem,) = proofs.problems(with_counts(quarantined=0))
    assert "neither accepted" in problem
    assert "crm/contacts file f1" in problem


def test_the_report_shows_only_sections_whose_tables_exist(with_counts):
    assert sections.sections(with_counts()) == []
