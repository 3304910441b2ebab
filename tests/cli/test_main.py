"""Commands end with a message a person can act on, and the right exit code."""

import sys

import pytest

from jobs.cli.main import main
from jobs.lake.lake import Lake
from tests.company import MINIMAL


@pytest.fixture
def klantreis(config, monkeypatch, capsys, wide_screen):
    """Run a command with a minimal configuration: `(exit code, output, errors)`."""

    def run(*arguments, files=None):
        monkeypatch.setenv("KLANTREIS_CONFIG", str(config(files)))
        monkeypatch.setenv("KLANTREIS_HASH_KEY", "k")
        monkeypatch.setattr(sys, "argv", ["klantreis", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


def test_a_fine_configuration_passes_check(klantreis):
    code, output, errors = klantreis("check")
    assert (code, errors) == (0, "")
    assert "1 sources, 0 audiences, 1 destinations" in output


def test_a_typo_exits_2_and_names_file_line_and_key(klantreis):
    code, _, errors = klantreis("check", files={"settings.yaml": "company: X\nlanding: a\nlake: b\ntimezon: UTC\n"})
    assert code == 2
    assert "settings.yaml:4: unknown key 'timezon'; did you mean 'timezone'?" in errors


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
    assert "2024-05-01: ingest crm failed; these steps wait for that: identity, profiles, journeys, " in errors
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


def test_an_unknown_table_gets_the_nearest_one(klantreis):
    code, _, errors = klantreis("tables", "valid/order")
    assert code == 2
    assert "valid/orders" in errors


def test_a_wrong_query_says_what_is_wrong(klantreis):
    code, _, errors = klantreis("query", "selec 1")
    assert code == 2
    assert "syntax error" in errors


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
