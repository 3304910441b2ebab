"""`klantreis init` writes a company that is checked; what exists is never written to. About 4 seconds, no engine."""

from pathlib import Path

import pytest

from jobs.cli.init import init
from jobs.config.settings import load_settings
from jobs.config.wrong import CommandError

ORDERS = (
    "Bestelnummer;Klantnummer;Besteldatum;Status;Totaal\n"
    "B1;K1;31-01-2026;Betaald;1.234,50\nB2;K2;28-02-2026;Open;2,00\n"
)


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "bestellingen.csv"
    path.write_text(ORDERS)
    return path


def test_files_become_a_company_that_is_checked(orders: Path, tmp_path: Path):
    init(tmp_path / "mine", [orders], None, True, False)
    columns = load_settings(tmp_path / "mine").sources["crm"].datasets["orders"].columns
    assert columns["total"].decimal == ","
    assert columns["ordered_at"].dates == ["dd-MM-yyyy"]
    assert columns["status"].values == {"Betaald": "completed", "Open": "open"}


def test_answers_count_more_than_guesses(orders: Path, tmp_path: Path):
    said = tmp_path / "answers.yaml"
    said.write_text(
        "company: {source: shop, currency: USD}\ncolumns: {orders: {status: \"'completed'\", contact_id: null}}\n"
    )
    init(tmp_path / "mine", [orders], said, False, False)
    settings = load_settings(tmp_path / "mine")
    columns = settings.sources["shop"].datasets["orders"].columns
    assert settings.general.currency == "USD"
    assert columns["status"].expression == "'completed'"
    assert "contact_id" not in columns


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ("skip: [tickets]", "no file was taken for 'tickets'"),
        ("columns: {orders: {totl: Totaal}}", "unknown column; did you mean 'total'"),
        ("company: {curency: EUR}", "company.curency"),
    ],
)
def test_an_answer_to_nothing_is_refused(answers: str, told: str, orders: Path, tmp_path: Path):
    said = tmp_path / "answers.yaml"
    said.write_text(answers)
    with pytest.raises(CommandError, match=told):
        init(tmp_path / "mine", [orders], said, False, False)
    assert not (tmp_path / "mine").exists()


def test_a_folder_that_exists_is_never_written_to(orders: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(CommandError, match="exists already and stays as it is"):
        init(tmp_path / "mine", [orders], None, True, False)
    assert list((tmp_path / "mine").iterdir()) == []


def test_of_files_that_nobody_can_tell_nothing_is_written(tmp_path: Path):
    (tmp_path / "odd.csv").write_text("foo,bar\n1,2\n3,4\n")
    with pytest.raises(CommandError, match="nothing was written"):
        init(tmp_path / "mine", [tmp_path / "odd.csv"], None, True, False)
    assert not (tmp_path / "mine").exists()


def test_personal_values_are_never_written_to_the_configuration(tmp_path: Path):
    (tmp_path / "klanten.csv").write_text(
        "Klantnummer,Voornaam,E-mail\nK1,Wilhelmina,mina@example.org\nK2,Ben,b@example.org\n"
    )
    init(tmp_path / "mine", [tmp_path / "klanten.csv"], None, True, False)
    text = (tmp_path / "mine" / "sources" / "crm.yaml").read_text()
    assert "Voornaam" in text
    assert "Wilhelmina" not in text
    assert "mina@" not in text
