"""`klantreis quarantine` on a small company: what it prints, and how it ends."""

import pytest
from typer.testing import CliRunner

from jobs.cli import console, quarantine
from jobs.config.yaml_files import ConfigError
from jobs.errors import RowsRefused
from jobs.ingest import load
from jobs.validate import step
from tests.validate.crm_files import ann, contacts

DAY = "2024-05-01"


@pytest.fixture
def klantreis(company, monkeypatch):
    """Run `klantreis quarantine ...`; returns what it printed, or raises what `main` turns into an exit code."""
    monkeypatch.setattr(console.console, "_width", 400)

    def call(*arguments):
        with console.console.capture() as shown:
            done = CliRunner().invoke(quarantine.app, [*arguments, "--config", str(company.folder)])
        if done.exception:
            raise done.exception
        return shown.get()

    return call


@pytest.fixture
def set_aside(land, company, day):
    land(f"crm/{DAY}/contacts.csv", contacts(ann(1), ann("", email="secret@b.example"), ann(3, "never")))
    load.run("crm", day(DAY), company)
    step.run("crm", day(DAY), company)


def test_a_row_is_listed_refused_again_corrected_in_a_file_and_then_history(set_aside, klantreis, tmp_path):
    listed = klantreis("list", "--by", "file")
    assert "crm/2024-05-01/contacts.csv" in listed
    with pytest.raises(
        RowsRefused, match=r"1 of 1 rows were refused again: 1 x contact_id:not_null: contact_id is empty"
    ):
        klantreis("replay", "--rule", "contact_id:not_null")
    file = tmp_path / "rows.csv"
    assert "1 rows in" in klantreis("export", "--rule", "contact_id:not_null", "--to", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    file.write_text(text.replace('"","2024-05-01","secret', '"2","2024-05-01","secret'))
    would = klantreis("replay", "--corrected", str(file), "--dry-run")
    assert "What a replay would do" in would
    assert "1" in klantreis("replay", "--corrected", str(file))
    assert "contact_id" not in klantreis("list")
    history = klantreis("list", "--all")
    assert "contact_id:not_null" in history
    assert "accepted" in history
    assert "nothing to replay" in klantreis("replay", "--rule", "contact_id:not_null")


def test_a_row_is_counted_with_every_rule_it_broke_and_shown_with_its_source(land, company, day, klantreis):
    land(f"crm/{DAY}/contacts.csv", contacts(ann("", "never"), ann("", email="b@b.example"), ann(3)))
    load.run("crm", day(DAY), company)
    step.run("crm", day(DAY), company)
    listed = [_cells(line)[:4] for line in klantreis("list").splitlines() if "│" in line]
    assert listed == [
        ["crm", "contacts", "contact_id:not_null", "2"],
        ["crm", "contacts", "updated_at:not_null", "1"],
        ["crm", "contacts", "updated_at:type", "1"],
    ]
    assert "2 rows; one that breaks several rules is in the line of each" in klantreis("list")
    only = [_cells(line)[2] for line in klantreis("list", "--rule", "updated_at:type").splitlines() if "│" in line]
    assert only == ["updated_at:type"]
    shown = [_cells(line) for line in klantreis("show").splitlines() if "│" in line]
    assert [row[:5] for row in shown] == [
        [
            "crm",
            "contacts",
            f"crm/{DAY}/contacts.csv",
            "2",
            "updated_at:type, contact_id:not_null, updated_at:not_null",
        ],
        ["crm", "contacts", f"crm/{DAY}/contacts.csv", "3", "contact_id:not_null"],
    ]


def _cells(line):
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_after_a_clean_run_nothing_waits_and_before_any_run_it_says_to_run(land, company, day, klantreis):
    with pytest.raises(ConfigError, match="run `klantreis run` first"):
        klantreis("list")
    land(f"crm/{DAY}/contacts.csv", contacts(ann(1)))
    load.run("crm", day(DAY), company)
    step.run("crm", day(DAY), company)
    assert klantreis("list") == klantreis("show", "--source", "crm") == "Nothing waits in quarantine.\n"
    assert klantreis("list", "--all") == "Nothing was ever set aside.\n"
    assert "nothing to replay" in klantreis("replay")


def test_values_are_shown_only_when_asked_for(set_aside, klantreis):
    for shown in (klantreis("list"), klantreis("list", "--all"), klantreis("show"), klantreis("show", "--all")):
        assert "secret" not in shown
    assert "secret@b.example" in klantreis("show", "--records")


def test_rows_are_dropped_with_a_reason_only(set_aside, klantreis):
    with pytest.raises(ConfigError, match="--because: say why"):
        klantreis("drop", "--source", "crm", "--because", " ")
    with pytest.raises(ConfigError, match="say which rows"):
        klantreis("drop", "--because", "junk")
    assert "2 rows dropped" in klantreis("drop", "--source", "crm", "--because", "rows of a test till")
    assert "rows of a test till" in klantreis("show", "--all")
    assert "nothing to replay" in klantreis("replay")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["list", "--by", "rul"], r"--by: unknown value 'rul'; did you mean 'rule'"),
        (["list", "--source", "crn"], r"--source: nothing was ever set aside for 'crn'; did you mean 'crm'"),
        (["replay", "--day", "yesterday"], r"--day: 'yesterday' is not a day"),
        (["replay", "--row", "contacts.csv"], r"--row contacts.csv: give the file and the line"),
        (["replay", "--accept", "types"], r"--accept: say why with --because"),
        (["replay", "--accept", "types", "--because", "so"], r"--accept: no selected batch is stopped by 'types'"),
        (["export", "--to", "rows.xlsx"], r"rows.xlsx: give a file that ends in .csv or .jsonl"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(set_aside, klantreis, arguments, problem):
    with pytest.raises(ConfigError, match=problem):
        klantreis(*arguments)
