"""Commands end with a message a person can act on, and the right exit code."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from importlib.metadata import version

import pyarrow as pa
import pytest

from jobs.cli import query, report
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.report.section import Section
from tests.company import MINIMAL


@pytest.fixture
def klantreis(config, command):
    """Run a command with a minimal configuration: `(exit code, output, errors)`."""
    return lambda *arguments, files=None: command(config(files), *arguments)


def test_a_fine_configuration_passes_check(klantreis):
    code, output, errors = klantreis("check")
    assert (code, errors) == (0, "")
    assert "1 sources, 0 audiences, 1 destinations" in output


def test_a_typo_exits_2_and_names_file_line_and_key(klantreis):
    code, _, errors = klantreis("check", files={"settings.yaml": "company: X\nlanding: a\nlake: b\ntimezon: UTC\n"})
    assert code == 2
    assert errors.startswith("Configuration: ")
    assert "settings.yaml:4: unknown key 'timezon'; did you mean 'timezone'?" in errors


@pytest.mark.parametrize("name", ["valid/contacts", "valid.contacts"])
def test_a_table_is_known_by_both_its_spellings(klantreis, name):
    code, output, _ = klantreis("tables", name)
    assert code == 0
    assert "valid/contacts: one row is one version of one contact" in output
    code, _, errors = klantreis("tables", name[:-1])
    assert (code, errors) == (
        2,
        f"unknown table {name[:-1]!r}; did you mean 'valid/contacts'?\n",
    )


def test_an_unknown_step_gets_the_nearest_one(klantreis):
    code, _, errors = klantreis("run", "--until", "profile")
    assert code == 2
    assert "did you mean 'profiles'?" in errors


def test_a_day_that_is_not_one_is_refused(klantreis):
    code, _, errors = klantreis("run", "--to", "31-12-2017")
    assert code == 2
    assert "'31-12-2017' is not a day; write it as 2017-12-31" in errors


def test_a_missing_landing_folder_is_named(klantreis):
    code, _, errors = klantreis("run")
    assert code == 1
    assert "var/landing/crm does not exist" in errors


def test_a_source_that_cannot_be_read_does_not_keep_the_others_from_being_validated(klantreis, tmp_path):
    shop = {"source": "shop", "group": "crm", "datasets": MINIMAL["sources/crm.yaml"]["datasets"]}
    landed = tmp_path / "var" / "landing" / "shop" / "2024-05-01"
    landed.mkdir(parents=True)
    (landed / "contacts.csv").write_text("id,updated_at,email,name\n1,2024-05-01,ann@x.nl,Ann\n")
    code, output, errors = klantreis("run", files={"sources/shop.yaml": shop})
    assert code == 1
    assert "var/landing/crm does not exist" in output
    assert "2024-05-01: ingest crm failed; these steps wait for that: keep_out, identity, profiles, " in errors
    lake = Lake(str(tmp_path / "var" / "lake"))
    assert lake.arrow("valid/contacts")["source"].to_pylist() == ["shop"]
    assert not lake.exists("identity/map")


def test_a_run_of_several_days_says_which_were_not_begun(klantreis):
    code, _, errors = klantreis("run", "--from", "2024-05-01", "--to", "2024-05-03", "--until", "validate")
    assert code == 1
    assert errors == "Failed: 2024-05-01: ingest crm failed; the days after it were not begun, up to 2024-05-03\n"


def test_the_columns_of_a_table_are_shown(klantreis):
    code, output, _ = klantreis("tables", "valid/orders")
    assert code == 0
    assert "one row is one version of one order" in output
    assert "ISO 4217" in output


def test_a_program_gets_the_columns_of_a_table(klantreis):
    code, output, _ = klantreis("tables", "valid/orders", "--format", "json")
    assert code == 0
    order, email = (next(one for one in json.loads(output) if one["column"] == name) for name in ("order_id", "email"))
    assert order == {
        "column": "order_id",
        "type": "string",
        "personal": "",
        "meaning": "id of the order in this source",
    }
    assert email["personal"] == "yes"


def test_it_tells_its_version(klantreis):
    code, output, _ = klantreis("--version")
    assert (code, output) == (0, f"klantreis {version('klantreis')}\n")


def test_an_unknown_table_gets_the_nearest_one(klantreis):
    code, _, errors = klantreis("tables", "valid/order")
    assert code == 2
    assert "valid/orders" in errors


def test_a_wrong_query_says_what_is_wrong(klantreis):
    code, _, errors = klantreis("query", "selec 1")
    assert errors.startswith("query: ")
    assert code == 2
    assert "syntax error" in errors


def test_a_query_of_a_table_that_is_not_there_says_what_to_run_first_or_which_may_be_meant(klantreis, tmp_path):
    told = "query: there is no table valid.order, nor any other yet; run `klantreis run` first\n"
    assert klantreis("query", "select * from valid.order")[::2] == (2, told)
    lake = Lake(str(tmp_path / "var" / "lake"))
    lake.append("valid/orders", catalogue.get("valid/orders").arrow_schema().empty_table(), Txn("test", 1))
    told = "query: there is no table valid.order; did you mean valid.orders, valid.order_lines?\n"
    assert klantreis("query", "select * from valid.order")[::2] == (2, told)


def test_a_query_ends_at_once_by_ctrl_c(config):
    started = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    endless = "select count(*) as n from range(10000000) a, range(10000000) b where (a.range * b.range) % 7 = 3"
    with subprocess.Popen(
        [sys.executable, "-c", f"{started}from jobs.cli.main import main; main()", "query", endless, "--format", "csv"],
        env={**os.environ, "KLANTREIS_CONFIG": str(config()), "KLANTREIS_HASH_KEY": "k", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as asked:
        assert asked.stdout.readline() == "n\n", "the heading, after which the rows are asked for"
        asked.send_signal(signal.SIGINT)
        output, errors = asked.communicate(timeout=60)
    assert (asked.returncode, output, errors) == (130, "", "")


def test_a_query_that_takes_too_long_or_too_much_is_stopped_and_says_so(klantreis):
    endless = "select count(*) from range(10000000) a, range(10000000) b where (a.range * b.range) % 7 = 3"
    code, _, errors = klantreis("query", endless, "--seconds", "0.2")
    assert code == 2
    assert errors.startswith("query: not done in 0.2 s; ask for less (where, limit), or give it longer: --seconds")
    code, _, errors = klantreis("query", "select list(range) from range(100000000)", "--memory-gb", "0.1")
    assert code == 2
    assert errors.startswith("query: it takes more than 0.1 GB of memory; ask for less (where, limit), or give it more")


def test_a_long_answer_is_written_whole_as_csv_and_refused_in_one_piece(klantreis, monkeypatch):
    monkeypatch.setattr(query, "MOST_AT_ONCE", 20_000)
    asked = "select range as n from range(25000)"
    assert klantreis("query", asked, "--format", "csv")[1].split() == ["n", *map(str, range(25000))]
    code, _, errors = klantreis("query", asked, "--format", "json")
    assert (code, errors) == (
        2,
        "query: more than 20,000 rows; ask --format csv, or for less (where, limit)\n",
    )


def test_an_empty_lake_says_what_to_run_first(klantreis):
    code, _, errors = klantreis("quarantine", "list")
    assert code == 2
    assert "run `klantreis run` first" in errors


def test_an_unknown_audience_is_refused(klantreis):
    code, _, errors = klantreis("plan", "win_bak")
    assert code == 2
    assert "unknown audience 'win_bak'" in errors


def test_an_unknown_kpi_gets_the_nearest_one(klantreis):
    journey = {
        "stages": [{"stage": "awareness", "name": "seen", "when": "true"}],
        "kpis": {
            "visits": {
                "stage": "awareness",
                "title": "Visits",
                "unit": "count",
                "table": "sessions",
                "numerator": "count(*)",
            }
        },
    }
    code, _, errors = klantreis("kpi", "visit", files={"journey.yaml": journey})
    assert code == 2
    assert "unknown KPI 'visit'; did you mean 'visits'?" in errors


@pytest.fixture
def lake_of_names(tmp_path):
    """A function that writes contacts with these first names into the lake of the minimal configuration."""

    def write(*names):
        schema = catalogue.get("valid/contacts").arrow_schema()
        same = {"source": "crm", "updated_at": datetime(2024, 5, 1, tzinfo=UTC), "line": 1234567}
        rows = [{**same, "contact_id": str(n), "first_name": name} for n, name in enumerate(names)]
        lake = Lake(str(tmp_path / "var" / "lake"))
        full = [{column.name: row.get(column.name) for column in schema} for row in rows]
        lake.append("valid/contacts", pa.Table.from_pylist(full, schema), lake.transaction("test", date(2024, 5, 1)))

    return write


def test_a_query_shows_values_as_they_are(klantreis, lake_of_names):
    lake_of_names("Ann")
    code, output, _ = klantreis(
        "query", "select line, 0.123456789::double as share, null as nothing from valid.contacts"
    )
    assert code == 0
    assert "1234567 " in output
    assert "0.123456789" in output


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("csv", 'contact_id,first_name\n0,"[/x] a, b"\n'),
        ("json", '[\n  {\n    "contact_id": "0",\n    "first_name": "[/x] a, b"\n  }\n]\n'),
    ],
)
def test_a_program_gets_all_rows_of_a_query(klantreis, lake_of_names, form, shown):
    lake_of_names("[/x] a, b")
    assert klantreis("query", "select contact_id, first_name from valid.contacts", "--format", form)[:2] == (0, shown)


def test_a_report_shows_what_there_is_and_names_the_rest(klantreis, monkeypatch):
    two = [(Section("Customers", (), ""), ["known"], [(3,)]), (Section("Moves", (), ""), ["from"], [])]
    monkeypatch.setattr(report, "sections", lambda settings: two)
    code, output, _ = klantreis("report")
    assert code == 0
    assert "known" in output
    assert output.endswith("Nothing yet: Moves\n")
    assert json.loads(klantreis("report", "--format", "json")[1]) == {"Customers": [{"known": 3}], "Moves": []}


def test_a_report_of_a_lake_without_results_says_what_to_run_first(klantreis, lake_of_names):
    lake_of_names("Ann")
    code, _, errors = klantreis("report")
    assert code == 2
    assert "nothing to report yet; run `klantreis run` first" in errors


def test_an_answer_without_rows_says_so(klantreis, lake_of_names):
    lake_of_names("Ann")
    assert "No rows." in klantreis("query", "select * from valid.contacts where false")[1]


def test_a_table_that_was_never_written_has_no_rows_once_anything_was(klantreis, lake_of_names):
    code, _, errors = klantreis("query", "select count(*) from quarantine.rows")
    assert code == 2
    assert "quarantine" in errors
    lake_of_names("Ann")
    sql = "select (select count(*) from quarantine.rows) as bad, count(*) as good from valid.contacts"
    assert klantreis("query", sql, "--format", "csv")[:2] == (0, "bad,good\n0,1\n")


def test_text_from_outside_is_shown_and_steers_nothing(klantreis, lake_of_names):
    lake_of_names("[/x]", "[red]x[/red]", "a\x1b[31mb\nc\x9b2J", "evil\u202egnp.exe", "Zoë 😀")
    code, output, _ = klantreis("query", "select first_name from valid.contacts order by contact_id")
    assert code == 0
    for shown in ("[/x]", "[red]x[/red]", r"a\x1b[31mb\nc\x9b2J", r"evil\u202egnp.exe", "Zoë 😀"):
        assert shown in output
    assert not set(output) & set("\x1b\x9b\u202e")
