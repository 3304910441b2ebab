"""Where tables can be: at places that every library which reads or writes them takes for the same."""

from __future__ import annotations

import re

from jobs.plain_text import harmless, unwritable

_MISREAD = (
    (re.compile(r"[*?\[\]{}]"), "engines take *?[]{} in a path for a pattern"),
    (re.compile(r"%[0-9A-Fa-f]{2}"), "engines take % and two digits for another sign, so that %20 would be a blank"),
    (re.compile(r"\\"), "engines take a backslash for a slash"),
)


def cannot_be_at(root: str) -> str:
    """Why no lake can be at this place, which the libraries that read and write it take for another; empty if one can.

    All other signs are fine: blanks, letters of any script, `#`, `'`, `:`, `%` elsewhere.
    """
    why = next((why for signs, why in _MISREAD if signs.search(root)), "")
    if not why and any(unwritable(sign) for sign in root):
        why = "it has signs that cannot be shown"
    return f"the lake cannot be at {harmless(root)}: {why}; rename it" if why else ""
