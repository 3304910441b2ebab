"""The demo company from landing file to delivered e-mail, through the command line and the DAGs, on real servers.

Its history is lived once: what follows it, and what is compared with it, goes on from there or from a copy.
"""

from __future__ import annotations

import csv
import email
import json
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from jobs.lake.tables import catalogue
from tests.demo_company import HASH_KEY, ROOT, company, generate

pytestmark = pytest.mark.slow(minutes=8)

HISTORY, DAY = "2017-12-30", "2017-12-31"
ENGINE_ENDS = "map"
"""The last step of which the engine makes most: models learn, and actions are decided, in other libraries."""
OF_THEIR_TIME = ("ops/validations", "ops/file_events")
"""Tables that tell when something was looked at: one run for many days has fewer moments to tell of."""
PASSWORD = "login-of-the-shop-71c0e4"
"""With which the shop logs in at its mail server."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    generate(folder)
    return folder


@contextmanager
def servers(folder):
    """An SMTP server and a Data Manager server with what they got so far in `folder`; yields connections to them."""
    from examples.sandboxes.data_manager import DataManagerSandbox
    from examples.sandboxes.smtp import SmtpSandbox

    smtp = SmtpSandbox(folder / "smtp", login=("shop", PASSWORD)).start()
    data_manager = DataManagerSandbox(folder / "data_manager").start()
    try:
        yield {
            "AIRFLOW_CONN_KLANTREIS_SMTP": f"smtp://shop:{PASSWORD}@127.0.0.1:{smtp.port}?security=none",
            "AIRFLOW_CONN_KLANTREIS_DATA_MANAGER": json.dumps(
                {"host": "127.0.0.1", "port": data_manager.port, "schema": "http", "extra": {"anonymous": True}}
            ),
        }
    finally:
        smtp.stop()
        data_manager.stop()


@pytest.fixture(scope="module")
def sandboxes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandboxes")
    with servers(folder) as connections:
        yield {"folder": folder, "connections": connections}


@pytest.fixture(scope="module")
def history(files, sandboxes, tmp_path_factory):
    """The company when its history was loaded at once and no day lived yet."""
    home = company(tmp_path_factory.mktemp("lived"), files / "landing", sandboxes["connections"])
    home.klantreis("run", "--to", HISTORY, "--until", ENGINE_ENDS)
    home.after[ENGINE_ENDS] = home.hashes()
    home.klantreis("run", "--to", HISTORY)
    home.after[HISTORY] = home.hashes()
    return home


@pytest.fixture(scope="module")
def copied(history, sandboxes, tmp_path_factory):
    """A copy of that company, and of what its servers had got."""
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(history.home, folder / "home")
    shutil.copytree(sandboxes["folder"], folder / "sandboxes")
    return folder


@contextmanager
def in_the_place_of(home, copy):
    """`copy` stands where `home` does, so that models are found where they were registered; then both go back."""
    aside = home.with_name(f"{home.name}_aside")
    home.rename(aside)
    copy.rename(home)
    try:
        yield
    finally:
        home.rename(copy)
        aside.rename(home)


@pytest.fixture(scope="module")
def lived(history, copied):
    """History at once, then a day by itself: how a company lives. Days on days are lived in the tests of each step."""
    history.klantreis("run", "--from", DAY, "--to", DAY)
    history.after[DAY] = history.hashes()
    return history


def received(sandboxes) -> dict[str, int]:
    """How much each server got: lines of its own record."""
    return {
        str(path.relative_to(sandboxes["folder"])): len(path.read_text().splitlines())
        for path in sandboxes["folder"].rglob("*.jsonl")
    }


def ask(home, sql: str) -> list[tuple]:
    import duckdb

    for name in ("activation/deliveries", "activation/ledger", "ops/counts", "ops/files", "quarantine/rows"):
        duckdb.register(name.replace("/", "_"), home.lake.dataset(name))
    return duckdb.sql(sql).fetchall()


def test_every_row_that_landed_is_accepted_set_aside_or_a_duplicate(lived, files):
    counted = ask(
        lived,
        "select source, dataset, sum(rows_in), sum(accepted + quarantined + duplicates) from ops_counts group by all",
    )
    assert counted
    assert [row for row in counted if row[2] != row[3]] == []
    landed = {str(path.relative_to(files / "landing")) for path in (files / "landing").rglob("*") if path.is_file()}
    assert {path for (path,) in ask(lived, "select distinct path from ops_files")} == landed


def test_counts_are_those_the_generator_planted(lived, files):
    with (files / "truth" / "expected_counts.csv").open() as lines:
        expected = {(r["source"], r["dataset"]): int(r["good_keys"]) for r in csv.DictReader(lines)}
    accepted = {
        (source, dataset): rows
        for source, dataset, rows in ask(
            lived, "select source, dataset, sum(accepted)::int from ops_counts group by all"
        )
    }
    assert {key: accepted.get(key, 0) for key in expected} == expected


def test_every_member_of_every_audience_is_accounted_for(lived):
    missing = ask(
        lived,
        "select * from activation_deliveries where members != held_out + no_consent + no_address + suppressed "
        "+ moment_over + kept + delivered + refused + unknown",
    )
    assert missing == []
    assert ask(lived, "select sum(delivered) > 0, sum(unknown) from activation_deliveries") == [(True, 0)]


def test_what_the_ledger_calls_delivered_is_what_the_mail_server_got(lived, sandboxes):
    sent = ask(
        lived, "select count(distinct operation_id) from activation_ledger where action = 'send' and state = 'accepted'"
    )
    messages = list((sandboxes["folder"] / "smtp").rglob("*.eml"))
    assert [(len(messages),)] == sent


def test_running_the_same_day_again_changes_nothing_and_sends_nothing(lived, sandboxes):
    before, calls = lived.hashes(), received(sandboxes)
    lived.klantreis("run", "--from", DAY, "--to", DAY)
    assert lived.hashes() == before
    assert received(sandboxes) == calls


def test_loading_all_at_once_gives_the_tables_of_living_through_the_days(lived, files, sandboxes, tmp_path):
    """What was sent, who was in which segment and audience, and what models said of texts and of customers' value, is
    known from what was written down then: a company that loads its history brings it along."""
    at_once = company(tmp_path / "home", files / "landing", sandboxes["connections"])
    of_models = ("models/texts", "models/value", "models/scores", "models/recurrences")
    for told in ("activation", "audiences/members", *of_models):
        shutil.copytree(lived.home / "lake" / told, tmp_path / "home" / "lake" / told)
    at_once.klantreis("run", "--to", DAY, "--until", "journeys")
    ours = {name: value for name, value in at_once.hashes().items() if name not in OF_THEIR_TIME}
    lived_through = lived.hashes()
    assert {name: value for name, value in ours.items() if lived_through.get(name) != value} == {}


@pytest.fixture(scope="module")
def day_of_dags(lived, copied, files, airflow):
    """The day lived by DAGs in `copied`: asset events and table hashes, with what Airflow wrote kept in a folder."""
    with servers(copied / "sandboxes") as connections, in_the_place_of(lived.home, copied / "home"):
        by_dags = company(lived.home, files / "landing", connections, KLANTREIS_CONFIG=str(ROOT / "config"))
        done = airflow.run("run_day.py", DAY, environment=by_dags.environment)
        shutil.copytree(airflow.home, copied / "airflow")
        return done.found, by_dags.hashes()


def test_a_day_through_the_dags_gives_the_tables_of_the_command_line(lived, day_of_dags):
    events, hashes = day_of_dags
    assert hashes == lived.after[DAY]
    assert {name for name, _, _ in events} == {
        *("valid/crm", "valid/survey", "valid/chat", "valid/web", "profiles", "journeys"),
        *("models/features", "models/scores", "audiences", "activation/deliveries"),
        "models/retraining_due",  # a model of a company so small waits, and is tried again every day
    }
    assert all((key, extra) == (DAY, {"day": DAY}) for _, key, extra in events)


def test_apache_spark_gives_the_same_tables(apache_spark, lived, files, sandboxes, tmp_path_factory):
    home = tmp_path_factory.mktemp("spark")
    spark = company(home, files / "landing", sandboxes["connections"], SPARK_REMOTE=apache_spark)
    spark.klantreis("run", "--to", HISTORY, "--until", ENGINE_ENDS)
    ours, theirs = lived.after[ENGINE_ENDS], spark.hashes()
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} == set()


def test_personal_data_and_secrets_are_nowhere_but_where_tables_say(
    lived, day_of_dags, copied, files, sandboxes, tmp_path
):
    """Everything that the day left is searched, by command line and by DAGs: columns of tables that are not declared
    personal, models and their tracking, logs, XCom and rendered fields of Airflow, and what commands printed."""
    canaries = told_of_people(lived)
    assert {len(canaries[kind]) > 20 for kind in ("email", "phone", "name", "street", "text")} == {True}
    (tmp_path / "printed").write_text("\n".join(lived.told))
    homes = [lived.home, copied / "home"]
    places = [tmp_path / "printed", copied / "airflow", *(one for home in homes for one in beside_the_lake(home))]
    tokens = {token for folder in (sandboxes["folder"], copied / "sandboxes") for token in links_in(folder)}
    assert tokens, "each mail has the link of one person"
    sought = {value for values in canaries.values() for value in values} | tokens | {HASH_KEY, PASSWORD}
    assert found_in(places, sought, tmp_path) == set()
    write_undeclared(lived.home / "lake", tmp_path / "columns")  # the other has the same tables
    assert found_in([tmp_path / "columns"], sought, tmp_path) == set()
    assert found_in([files / "landing"], sought, tmp_path) != set(), "it finds what is there"


def told_of_people(company) -> dict[str, set[str]]:
    """What the lake knows of people in the clear: kind to values that are no ordinary words."""
    points = company.lake.arrow("profiles/contact_points", ["kind", "value"]).to_pylist()
    people = company.lake.arrow("profiles/customers", ["first_name", "last_name", "street"]).to_pylist()
    texts = company.lake.arrow("valid/messages", ["text"])["text"].to_pylist()
    return {
        "email": {row["value"] for row in points if row["kind"] == "email"},
        "phone": {row["value"] for row in points if row["kind"] == "phone"},
        "name": {f"{row['first_name']} {row['last_name']}" for row in people if row["first_name"] and row["last_name"]},
        "street": {row["street"] for row in people if len(row["street"] or "") > 9},
        "text": {text for text in texts if text and len(text) > 40},
    }


def links_in(folder) -> set[str]:
    """The tokens of the links to unsubscribe in all mails that were sent: who has one may act for its person."""
    mails = [email.message_from_bytes(path.read_bytes()) for path in (folder / "smtp").rglob("*.eml")]
    links = ["".join(str(mail["List-Unsubscribe"]).split()) for mail in mails]
    return {token for link in links for token in re.findall(r"[?&]t=([\w.-]+)", link)}


def beside_the_lake(home):
    return [path for path in home.iterdir() if path.name != "lake"]


def write_undeclared(lake, folder) -> None:
    """A file for each table with the values of its columns that are not declared personal, and its log if none is."""
    import duckdb

    folder.mkdir()
    for table in (path for zone in lake.iterdir() if zone.name != "raw" for path in zone.iterdir()):
        declared = catalogue.get(str(table.relative_to(lake))).columns
        personal = [column.name for column in declared if column.personal]
        name = f"{table.parent.name}.{table.name}"
        if not personal:
            shutil.copytree(table / "_delta_log", folder / f"{name}_log")
        if files := [str(one) for one in table.rglob("*.parquet") if "_delta_log" not in one.parts]:
            rows = duckdb.read_parquet(files, union_by_name=True)
            kept = ", ".join(f'"{column}"' for column in rows.columns if column not in personal)
            rows.query("rows", f"select {kept} from rows").to_csv(str(folder / name))


def found_in(places, sought, scratch) -> set[str]:
    """Files below places that hold one of these texts."""
    (scratch / "sought").write_text("\n".join(sorted(sought)))
    told = subprocess.run(
        ["grep", "-arlF", "-f", scratch / "sought", *places], capture_output=True, text=True, check=False
    )
    assert told.returncode in (0, 1), told.stderr
    return set(told.stdout.splitlines())
