"""Rows of a real PostgreSQL server land as files: exact, once, and never half."""

import datetime as dt
import gzip
import json
from pathlib import Path

import psycopg
import pytest

from jobs.errors import StepFailed
from jobs.ingest import load
from jobs.ingest.landing.landing import Landing
from jobs.ingest.pull import postgres, pull
from jobs.lake.lake import Lake
from tests.killed import Killed
from tests.postgres_server import PASSWORD, USER, postgres_server, why_not
from tests.started import started

DAY = dt.date(2024, 5, 3)
if why_not():
    pytest.skip(why_not(), allow_module_level=True)


@pytest.fixture(scope="module")
def address():
    started("PostgreSQL")
    with postgres_server() as address:
        yield address


@pytest.fixture
def shop(address, monkeypatch):
    """The database as its owner, empty; AIRFLOW_CONN_SHOP reaches it."""
    with psycopg.connect(address, autocommit=True) as link:
        link.execute("drop schema if exists crm cascade")
        link.execute("create schema crm")
        connect_as(monkeypatch, link.info.port)
        yield link


def connect_as(monkeypatch, port, login=USER, password=PASSWORD, database="shop", **extra):
    values = {"conn_type": "postgres", "host": "127.0.0.1", "port": port, "login": login, "password": password}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps(values | {"schema": database, "extra": extra}))


def source(query, columns=None):
    columns = columns or {"contact_id": "id", "updated_at": "updated_at", "email": "email"}
    contacts = {"query": query, "columns": columns}
    return {"source": "crm", "group": "crm", "connection": "shop", "datasets": {"contacts": contacts}}


@pytest.fixture
def company(settings):
    def build(query=None, **changes):
        query = query or {"table": "crm.contacts", "incremental": "updated_at", **changes}
        return settings({"sources/crm.yaml": source(query)})

    return build


def contacts(link, *rows):
    link.execute("create table if not exists crm.contacts (id int primary key, updated_at timestamptz, email text)")
    for row in rows:
        link.execute(
            "insert into crm.contacts values (%s, %s, %s) "
            "on conflict (id) do update set updated_at = excluded.updated_at, email = excluded.email",
            row,
        )


def landed(company):
    """The records of each landed file, file by file in the order they were pulled."""
    pulls = sorted(Lake.of(company).arrow("ops/pulls").to_pylist(), key=lambda row: row["pulled_at"])
    files = [Path(company.landing, row["path"]) for row in pulls]
    assert sorted(files) == sorted(path for path in Path(company.landing).rglob("*") if path.is_file())
    return [[json.loads(line) for line in gzip.open(path)] for path in files]


def ids(company):
    return [[record["id"] for record in file] for file in landed(company)]


def test_every_type_survives_exactly(shop, company):
    shop.execute(
        """create table crm.contacts as select
        1 as id, timestamptz '2024-05-01 12:00:00.123456+02' as updated_at,
        123456789012345678901234567890.123456789012345678 as amount, 1.10::numeric(12,2) as price,
        timestamp '2024-03-31 02:30:00' as local, date '0001-01-01' as first_day, 0.1::float8 as share,
        9007199254740993::bigint as big, null::text as nothing, '' as empty, E'a\\nb"c\\\\d é \\u20ac' as text,
        '{"n": 1.000000000000000000001,
           "x": [1]}'::json as document, array['a', null] as list, true as yes, interval '1 day 2 hours' as span,
        'NaN'::numeric as nan, '\\xdead'::bytea as bytes"""
    )
    settings = company()
    assert load.run("crm", DAY, settings)["loaded"] == 1
    (row,) = Lake.of(settings).arrow("raw/crm_contacts").to_pylist()
    assert row["record"] == (
        '{"id":1,"updated_at":"2024-05-01T10:00:00.123456+00:00",'
        '"amount":123456789012345678901234567890.123456789012345678,"price":1.10,'
        '"local":"2024-03-31T02:30:00","first_day":"0001-01-01","share":0.1,'
        '"big":9007199254740993,"nothing":null,"empty":"","text":"a\\nb\\"c\\\\d é €",'
        '"document":{"n": 1.000000000000000000001,            "x": [1]},"list":["a",null],"yes":true,"span":"P1DT2H",'
        '"nan":"NaN","bytes":"\\\\xdead"}'
    )


def test_a_pull_takes_what_changed_and_a_rerun_lands_nothing(shop, company):
    settings = company()
    contacts(shop, (1, "2024-05-01 10:00+00", "a"), (2, "2024-05-01 11:00+00", "b"))
    assert load.run("crm", DAY, settings)["pulled"] == 2
    before = {path: path.stat().st_mtime_ns for path in Path(settings.landing).rglob("*")}
    assert load.run("crm", DAY, settings)["pulled"] == 0
    assert {path: path.stat().st_mtime_ns for path in Path(settings.landing).rglob("*")} == before
    contacts(shop, (3, "2024-05-01 11:00+00", "c"), (1, "2024-05-02 09:00+00", "new"))
    load.run("crm", DAY, settings)
    assert load.run("crm", dt.date(2024, 5, 4), settings)["pulled"] == 0
    assert ids(settings) == [[1, 2], [2, 3, 1]]
    assert all(path.name.startswith("contacts-") for path in Path(settings.landing, "crm", str(DAY)).iterdir())


def test_rows_within_the_overlap_are_not_landed_again_unless_they_changed(shop, company):
    settings = company(overlap_minutes=60)
    contacts(shop, (1, "2024-05-01 10:00+00", "a"), (2, "2024-05-01 10:30+00", "b"))
    load.run("crm", DAY, settings)
    contacts(shop, (3, "2024-05-01 12:00+00", "c"))
    load.run("crm", DAY, settings)
    contacts(shop, (4, "2024-05-01 11:30+00", "committed late"))
    load.run("crm", DAY, settings)
    contacts(shop, (5, "2024-05-01 10:59+00", "too late"))
    assert load.run("crm", DAY, settings)["pulled"] == 0
    assert ids(settings) == [[1, 2], [3], [4, 3]]


def test_rows_without_a_moment_and_with_one_far_ahead_are_pulled_and_stop_nothing(shop, company):
    settings = company()
    contacts(shop, (1, None, "a"), (2, "2024-05-01 10:00+00", "b"), (3, "2999-01-01 00:00+00", "c"))
    load.run("crm", DAY, settings)
    contacts(shop, (4, "2024-05-02 10:00+00", "d"), (5, None, "e"))
    load.run("crm", DAY, settings)
    first, second = ids(settings)
    assert first == [1, 2, 3]
    assert {4, 5} <= set(second)
    assert {row["until"] for row in Lake.of(settings).arrow("ops/pulls").to_pylist()} == {
        "2024-05-01 10:00:00+00",
        "2024-05-02 10:00:00+00",
    }


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", ["5", "6", "7"]),
        ("numeric", ["0.5", "0.50000000000000000001", "1e30"]),
        ("date", ["2024-05-01", "2024-05-02", "2024-05-03"]),
        ("timestamp", ["2024-05-01 10:00", "2024-05-01 11:00", "2024-05-01 12:00:00.000001"]),
    ],
)
def test_numbers_dates_and_local_times_can_be_the_incremental_column(shop, company, kind, values):
    shop.execute(f"create table crm.contacts (id int, updated_at {kind})")
    settings = company()
    for number, value in enumerate(values):
        shop.execute(f"insert into crm.contacts values ({number}, '{value}')")
        load.run("crm", DAY, settings)
    assert ids(settings) == [[0], [1], [2]]


def test_names_are_quoted_and_queries_may_hold_percent_signs_and_comments(shop, settings):
    shop.execute('create table crm."Odd.Name %s;" (id int, "when" timestamptz, "e-mail" text)')
    shop.execute("""insert into crm."Odd.Name %s;" values (1, '2024-05-01 10:00+00', '50%')""")
    table = {"table": 'crm."Odd.Name %s;"', "incremental": "when"}
    query = {
        "query": "select *, '%s' as x from crm.\"Odd.Name %s;\" where \"e-mail\" like '%0%' -- all",
        "incremental": "when",
    }
    for one in (table, query):
        found = settings({"sources/crm.yaml": source(one, {"contact_id": "id", "updated_at": "`when`"})})
        assert load.run("crm", DAY, found)["pulled"] == 1


def test_one_snapshot_serves_all_datasets_of_a_source(shop, settings, monkeypatch):
    """A row written between the two queries is in neither: an order never comes without its customer."""
    contacts(shop, (1, "2024-05-01 10:00+00", "a"))
    shop.execute("create table crm.orders as select 1 as id, updated_at, 1 as contact from crm.contacts")
    config = source({"table": "crm.contacts", "incremental": "updated_at"})
    query = {"table": "crm.orders", "incremental": "updated_at"}
    columns = {
        "order_id": "id",
        "updated_at": "updated_at",
        "ordered_at": "updated_at",
        "status": "'completed'",
        "total": "1",
    }
    config["datasets"]["orders"] = {"query": query, "columns": columns}
    company, real = settings({"sources/crm.yaml": config}), pull.spool

    def write_between(folder, dataset, lines, last):
        result = real(folder, dataset, lines, last)
        shop.execute("insert into crm.orders values (2, '2024-05-02 10:00+00', 1) on conflict do nothing")
        return result

    monkeypatch.setattr(pull, "spool", write_between)
    load.run("crm", DAY, company)
    pulled = {row["dataset"]: row["rows"] for row in Lake.of(company).arrow("ops/pulls").to_pylist()}
    assert pulled == {"contacts": 1, "orders": 1}


@pytest.mark.parametrize("at", ["put", "append", "rename", "load"])
def test_a_pull_killed_anywhere_gives_each_row_once(shop, company, monkeypatch, at):
    settings = company()
    contacts(shop, (1, "2024-05-01 10:00+00", "a"), (2, "2024-05-01 11:00+00", "b"))

    def killed(*arguments):
        raise Killed

    target = {"put": "jobs.ingest.landing.places.Folder.put", "append": "jobs.lake.lake.Lake.append"}
    target |= {"rename": "jobs.ingest.landing.places.Folder.rename", "load": "jobs.ingest.load.Landing"}
    with monkeypatch.context() as patch:
        patch.setattr(target[at], killed)
        with pytest.raises(Killed):
            load.run("crm", DAY, settings)
    if at != "load":
        assert not Landing("crm", settings).files("{day}/contacts-*.jsonl.gz", DAY)
    contacts(shop, (3, "2024-05-02 11:00+00", "c"))
    load.run("crm", DAY, settings)
    records = [json.loads(row["record"])["id"] for row in Lake.of(settings).arrow("raw/crm_contacts").to_pylist()]
    assert sorted(records) == [1, 2, 3]
    assert sorted(number for file in ids(settings) for number in file) == [1, 2, 3]
    assert Lake.of(settings).rows("ops/file_events") == 0


def test_a_pulled_file_that_is_gone_before_it_was_loaded_is_pulled_again(shop, company):
    settings = company()
    contacts(shop, (1, "2024-05-01 10:00+00", "a"))
    pull.run("crm", DAY, settings, Lake.of(settings))
    for path in Path(settings.landing).rglob("*.gz"):
        path.unlink()
    assert load.run("crm", DAY, settings)["rows_in"] == 1
    for path in Path(settings.landing).rglob("*.gz"):
        path.unlink()
    assert load.run("crm", DAY, settings)["pulled"] == 0


def refusal(run, *hidden):
    with pytest.raises(StepFailed) as error:
        run()
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("crm: ")
    assert not [text for text in (PASSWORD, *hidden) if text in message]
    return message


def test_a_refused_login_or_absent_server_is_one_clear_message(shop, company, monkeypatch):
    settings, port = company(), shop.info.port
    connect_as(monkeypatch, port, password="wr0ng")
    assert "password authentication failed" in refusal(lambda: load.run("crm", DAY, settings), "wr0ng")
    connect_as(monkeypatch, port, database="absent")
    assert 'database "absent" does not exist' in refusal(lambda: load.run("crm", DAY, settings))
    connect_as(monkeypatch, 1)
    assert "connection 'shop'" in refusal(lambda: load.run("crm", DAY, settings))
    monkeypatch.delenv("AIRFLOW_CONN_SHOP")
    assert "AIRFLOW_CONN_SHOP" in refusal(lambda: load.run("crm", DAY, settings))
    assert not Path(settings.landing).exists()


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"table": "crm.contact", "incremental": "updated_at"}, 'relation "crm.contact" does not exist'),
        ({"table": "crm.contacts", "incremental": "updatedat"}, "did you mean 'updated_at'"),
        ({"table": "crm.contacts", "incremental": "email"}, "'email' (`incremental`) is text"),
        ({"table": "crm.hidden", "incremental": "id"}, "permission denied"),
        ({"query": "select * frm x", "incremental": "id"}, "syntax error"),
        ({"query": "select id, id from crm.contacts", "incremental": "id"}, "two columns 'id'"),
        ({"query": "with x as (delete from crm.contacts returning *) select * from x", "incremental": "id"}, "query"),
        ({"query": "select crm.wipe() as id", "incremental": "id"}, "25006"),
        ({"query": "select (email || 'x')::int as id from crm.contacts", "incremental": "id"}, "22P02"),
    ],
)
def test_a_query_that_cannot_work_is_one_clear_message_without_values(shop, company, monkeypatch, query, part):
    contacts(shop, (1, "2024-05-01 10:00+00", "personal@x.example"))
    shop.execute("create table crm.hidden (id int)")
    wipe = "with gone as (delete from crm.contacts returning id) select id from gone"
    shop.execute(f"create function crm.wipe() returns int language sql as '{wipe}'")
    shop.execute("drop owned by guest" if guest_exists(shop) else "create role guest login password 'guest'")
    shop.execute("grant usage on schema crm to guest")
    shop.execute("grant select, delete on crm.contacts to guest")
    connect_as(monkeypatch, shop.info.port, login="guest", password="guest")
    message = refusal(lambda: load.run("crm", DAY, company(query)), "personal@x.example")
    assert "crm: contacts: " in message
    assert part in message
    assert shop.execute("select count(*) from crm.contacts").fetchone() == (1,)


def guest_exists(link):
    return link.execute("select 1 from pg_roles where rolname = 'guest'").fetchone() is not None


def test_a_server_that_goes_away_during_a_pull_leaves_nothing_landed(shop, company, monkeypatch):
    shop.execute(
        "create table crm.contacts as select i as id, now() - i * interval '1 minute' as updated_at, 'x' as email "
        "from generate_series(1, 5000) i"
    )
    settings, real = company(), postgres.Line

    def cut_off(text, seen, again):
        if '"id":2500,' in text:
            shop.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'klantreis'")
        return real(text, seen, again)

    with monkeypatch.context() as patch:
        patch.setattr(postgres, "Line", cut_off)
        assert "broke off" in refusal(lambda: load.run("crm", DAY, settings))
    assert not list(Path(settings.landing).rglob("*.gz"))
    assert Lake.of(settings).rows("ops/pulls") == 0
    assert load.run("crm", DAY, settings)["rows_in"] == 5000


def test_a_large_table_is_pulled_in_bounded_memory(shop, company):
    import tracemalloc

    shop.execute(
        "create table crm.contacts as select i as id, now() - i * interval '1 second' as updated_at, "
        "repeat(md5(i::text), 30) as email from generate_series(1, 60000) i"
    )
    settings = company()
    tracemalloc.start()
    assert pull.run("crm", DAY, settings, Lake.of(settings)) == 60_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_money_and_moments_reach_the_valid_table_exactly(shop, settings, spark):
    from jobs.validate import step

    shop.execute(
        """create table crm.orders as select * from (values
        ('a', timestamptz '2024-03-31 03:00:00.000001+02', 9999999.99::numeric(18,2), 'EUR'),
        ('b', timestamptz '2023-10-29 02:30:00+02', 0.10, 'EUR'),
        ('c', timestamptz '2023-10-29 02:30:00+01', 1e3, 'EUR')) as t (id, at, total, currency)"""
    )
    columns = {"order_id": "id", "updated_at": "at", "ordered_at": "at", "total": "total", "currency": "currency"}
    columns |= {"status": "'completed'", "channel": "'web'", "contact_id": "id"}
    orders = {"query": {"table": "crm.orders", "incremental": "at"}, "columns": columns}
    config = {"source": "crm", "group": "crm", "connection": "shop", "datasets": {"orders": orders}}
    company = settings({"sources/crm.yaml": config})
    load.run("crm", DAY, company)
    step.run("crm", DAY, company)
    assert Lake.of(company).arrow("quarantine/rows", columns=["rule", "reason"]).to_pylist() == []
    rows = Lake.of(company).arrow("valid/orders", columns=["order_id", "ordered_at", "total"]).to_pylist()
    assert {row["order_id"]: (str(row["total"]), row["ordered_at"].isoformat()) for row in rows} == {
        "a": ("9999999.99", "2024-03-31T01:00:00.000001+00:00"),
        "b": ("0.10", "2023-10-29T00:30:00+00:00"),
        "c": ("1000.00", "2023-10-29T01:30:00+00:00"),
    }
