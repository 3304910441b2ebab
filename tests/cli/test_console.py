"""Tables on a screen, in a file and for another program: nothing of them is cut."""

import io

import pytest
from rich.console import Console

from jobs.cli import console as printing

REASON = "a value does not have the type of its column: birth_date (from born); correct it at the source " * 3
COLUMNS = ["source", "rule", "reason"]
ROW = ("crm", "birth_date:type_of_a_long_name", REASON.strip())


@pytest.fixture
def printed(monkeypatch):
    """What a table looks like, on a screen of 80 columns or in a file."""

    def call(columns, rows, screen, title=None):
        text = io.StringIO()
        monkeypatch.setattr(printing, "console", Console(file=text, width=80, force_terminal=screen, color_system=None))
        printing.show(title, columns, rows)
        return text.getvalue()

    return call


def test_a_file_gets_every_row_whole_in_one_line(printed):
    (line,) = [line for line in printed(COLUMNS, [ROW], screen=False).splitlines() if "crm" in line]
    assert [cell.strip() for cell in line.strip("│").split("│")] == list(ROW)


def test_the_next_text_after_a_wide_table_is_as_wide_as_before(printed):
    printed(COLUMNS, [ROW], screen=False)
    assert printing.console.width == 80


def test_on_a_screen_a_wide_row_is_folded_and_nothing_is_cut(printed):
    shown = printed(COLUMNS, [ROW], screen=True)
    assert max(map(len, shown.splitlines())) <= 80
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in shown.splitlines() if "│" in line]
    folded = ["".join(line[column] for line in lines) for column in range(len(COLUMNS))]
    assert [text.replace(" ", "") for text in folded] == [text.replace(" ", "") for text in ROW]


def test_on_a_screen_too_many_columns_become_a_value_a_line(printed):
    names = [f"column_{number}" for number in range(15)]
    rows = [[f"value {row}-{number}" for number in range(15)] for row in range(2)]
    shown = printed(names, rows, screen=True)
    pairs = [tuple(cell.strip() for cell in line.strip("│").split("│")) for line in shown.splitlines() if "│" in line]
    assert pairs == [pair for row in rows for pair in zip(names, row, strict=True)]


def test_a_table_that_fits_is_a_table(printed):
    assert printed(["a"], [["b"]], screen=True) == printed(["a"], [["b"]], screen=False)


def test_on_a_screen_a_long_text_beside_many_columns_is_a_value_a_line_and_not_a_column_of_syllables(printed):
    names = ["source", "dataset", "rule", "rows", "files", "first arrived", "last arrived", "reason"]
    row = ["crm", "orders", "ordered_at:type", "1", "1", "2024-05-02", "2024-05-02", REASON.strip()]
    shown = printed(names, [row], screen=True)
    assert len(shown.splitlines()) < 20
    assert max(map(len, shown.splitlines())) <= 80
