"""Exports that people open hold no cell that a spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.validate.replay.csv_export import FORMULA, neutralised, write_rows


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("http://evil.example")',
        "+31612345678",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n=1",
        "\0=1",
        "\ufeff=1",
        "＝1",
    ],
)
def test_a_cell_that_a_spreadsheet_may_run_is_shown_as_text(cell):
    assert neutralised(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "Ann", "a=b", "1-2", "a@b.example", "'=1", '{"id": "=1"}'])
def test_other_cells_stay_as_they_are(cell):
    assert neutralised(cell) == cell


def test_typed_cells_are_not_text_and_stay():
    target = io.StringIO(newline="")
    assert write_rows(target, ["n", "=x"], [[-5, None], [2.5, "-5"]]) == 2
    assert target.getvalue() == '"n","\'=x"\r\n"-5",""\r\n"2.5","\'-5"\r\n'


@given(st.lists(st.lists(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0")), min_size=1)))
def test_every_cell_of_an_export_reads_back_and_none_begins_a_formula(rows):
    target = io.StringIO(newline="")
    write_rows(target, ["a"], rows)
    back = list(csv.reader(io.StringIO(target.getvalue(), newline="")))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in back] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not any(cell.lstrip(" ").startswith(FORMULA) for row in back for cell in row)
