"""`klantreis packs` as a person types it. Costs about 2 s."""

from typer.testing import CliRunner

from examples.packs.__main__ import main as write_company
from jobs.cli import checks
from jobs.cli.main import app
from jobs.config.settings import load_settings
from jobs.config.wrong import CommandError
from tests.packs.lived_pack import NAMES


def run(*words):
    return CliRunner().invoke(app, ["packs", *words])


def test_the_list_has_every_pack_and_show_every_journey(wide_screen):
    told = run("list").stdout
    assert all(name in told for name in NAMES)
    assert "outage_told" in run("show", "telecom").stdout


def test_a_copy_checks_and_nothing_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.delenv("KLANTREIS_HOME", raising=False)
    done = run("use", "telecom", "--to", str(tmp_path / "mine"))
    assert done.exit_code == 0
    settings = load_settings(tmp_path / "mine")
    assert checks.problems(settings) == []
    assert settings.home == tmp_path, "its data is beside it, not in the product"
    (tmp_path / "mine" / "settings.yaml").write_text("mine")
    again = run("use", "telecom", "--to", str(tmp_path / "mine"))
    assert isinstance(again.exception, CommandError)
    assert (tmp_path / "mine" / "settings.yaml").read_text() == "mine"


def test_a_pack_there_is_not_is_told_with_the_nearest(tmp_path):
    refused = run("use", "telecon", "--to", str(tmp_path / "mine"))
    assert refused.exception.problems == ["unknown pack 'telecon'; did you mean 'telecom'?"]
    assert not (tmp_path / "mine").exists()


def test_the_made_up_company_is_written_with_the_truth_beside_it(tmp_path):
    write_company("telecom", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"landing", "truth"}
    assert (tmp_path / "out" / "truth" / "journeys.csv").read_text().startswith("day,journey,id,outcome\n")
