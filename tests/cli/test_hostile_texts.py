"""Text from outside on a person's screen: no sign of it steers the terminal, and none is lost. Costs a second."""

import io
import json
import os
import stat
import sys

import pytest

from jobs.cli import console as shown
from jobs.cli.console import Format, Screen, answer
from jobs.cli.private_files import OWN, keep_private
from jobs.plain_text import harmless, json_text

ATTACKS = ["\x1b[2J", "\x1b]52;c;cm0gLXJm\x07", "a\rb", "a\x9b31m", "a\u202eb", "\u2066x", "\u2028", "\ud800", "\x00"]
STEERING = set("\x1b\x07\r\x9b\u202e\u2066\u2028\ud800\x00")


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_is_printed_has_no_sign_that_steers_the_screen(attack):
    written = io.StringIO()
    Screen(file=written, force_terminal=False).print(f"file {attack} is new\nand the next line", markup=False)
    assert written.getvalue() == f"file {harmless(attack)} is new\nand the next line\n"
    assert not set(written.getvalue()) & STEERING


@pytest.mark.parametrize("attack", ATTACKS)
def test_json_has_every_value_as_it_is_and_no_sign_that_steers_the_screen(attack):
    text = json_text({"name": f"Zoë {attack}"})
    assert json.loads(text) == {"name": f"Zoë {attack}"}
    assert not set(text) & STEERING
    assert "Zoë" in text


@pytest.mark.parametrize(("screen", "written"), [(True, r"\x1b[2J"), (False, "\x1b[2J")])
def test_an_answer_as_csv_is_exact_for_a_program_and_harmless_on_a_screen(monkeypatch, screen, written):
    output = io.StringIO()
    output.isatty = lambda: screen
    monkeypatch.setattr(sys, "stdout", output)
    answer(["name"], [["\x1b[2J"]], Format.CSV)
    assert output.getvalue() == f"name\n{written}\n"


def test_an_error_with_markup_and_escapes_is_one_message_and_no_traceback(monkeypatch, capsys):
    from jobs.cli import main
    from jobs.errors import StepFailed

    def fails():
        raise StepFailed("crm/[/red]\x1b[2J.csv: cannot be read")

    monkeypatch.setattr(main, "app", fails)
    before = os.umask(0o022)
    try:
        with pytest.raises(SystemExit):
            main.main()
        assert os.umask(0o022) == 0o022, "the umask of the caller is as it was"
    finally:
        os.umask(before)
    assert capsys.readouterr().err == "Failed: crm/[/red]\\x1b[2J.csv: cannot be read\n"


def test_a_command_writes_files_for_their_owner_only(monkeypatch, tmp_path):
    from jobs.cli import main

    def writes():
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder/file").write_text("x")

    monkeypatch.setattr(main, "app", writes)
    main.main()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("folder", "folder/file")]
    assert modes == [0o700, 0o600]
    assert OWN == 0o077


def test_folders_that_were_left_open_to_others_are_closed_by_the_next_command(settings, monkeypatch):
    company = settings()
    for name in ("var", "mlruns", "landing"):
        (company.home / name).mkdir(exist_ok=True)
        (company.home / name).chmod(0o755)
    assert shown.load_settings(company.folder).home == company.home
    modes = {name: stat.S_IMODE((company.home / name).stat().st_mode) for name in ("var", "mlruns", "landing")}
    assert modes == {"var": 0o700, "mlruns": 0o700, "landing": 0o755}
    monkeypatch.setattr(os, "getuid", lambda: -1)
    (company.home / "var").chmod(0o755)
    keep_private(company)
    assert stat.S_IMODE((company.home / "var").stat().st_mode) == 0o755, "a folder of another user is theirs to close"
