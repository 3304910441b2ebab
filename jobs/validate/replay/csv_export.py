"""CSV files that a person opens in a spreadsheet: no cell of them is run as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import IO, Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that Excel, LibreOffice or Google Sheets may run (OWASP ASVS 1.2.10, CWE-1236)."""
LOOK_ALIKES = ("＝", "＋", "－", "＠")
"""Full-width forms of the same signs: some spreadsheets in an East Asian locale take them for the plain ones."""


def neutralised(text: str) -> str:
    """`text`, with a quote before it if a spreadsheet might run it; a spreadsheet shows the cell as text then.

    Only for files that people open: a program that reads the export would find a changed value. NUL bytes and
    white space before the sign do not hide it.
    """
    bare = text.lstrip(" \0\n\u00a0\ufeff")
    return f"'{text}" if bare.startswith(FORMULA + LOOK_ALIKES) else text


def write_rows(target: IO[str], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header and rows with every text neutralised, and return how many rows. Open `target` with newline="".

    Every cell is in quotes, so that no separator of any locale splits it. Numbers, dates and booleans are what the
    caller typed them as, and stay; None is an empty cell.
    """
    writer = csv.writer(target, quoting=csv.QUOTE_ALL)
    writer.writerow([neutralised(name) for name in columns])
    count = 0
    for row in rows:
        writer.writerow([neutralised(cell) if isinstance(cell, str) else cell for cell in row])
        count += 1
    return count
