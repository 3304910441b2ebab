"""Patterns of file names: which files a dataset takes."""

from __future__ import annotations

import re
import unicodedata


def takes(pattern: str, folder: str, path: str) -> bool:
    """Whether a pattern of a source takes a file, by its path as the ledger writes it; `folder` is the source's."""
    return glob_expression(pattern).fullmatch(nfc(path.removeprefix(f"{folder.rstrip('/')}/"))) is not None


def glob_expression(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within a folder, `**` crosses folders, `{day}` is any ISO day."""
    pieces = {
        "{day}": r"(?P<day>\d{4}-\d{2}-\d{2})",
        "**/": "(?:.*/)?",
        "**": ".*",
        "*": "[^/]*",
        "?": "[^/]",
    }
    parts = re.split(r"(\{day\}|\*\*/|\*\*|\*|\?)", nfc(pattern))
    expression = "".join(pieces.get(part, re.escape(part)) for part in parts)
    first, *rest = expression.split(pieces["{day}"])
    return re.compile(pieces["{day}"].join([first, *rest[:1]]) + "".join(f"(?P=day){part}" for part in rest[1:]))


def nfc(path: str) -> str:
    """Some systems write é as one character, some as e and an accent: here it is one name."""
    return unicodedata.normalize("NFC", path)
