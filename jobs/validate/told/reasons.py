"""What was wrong with a row, as people read it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

WHAT_TO_DO = "; correct it at the source, or its expression in config/sources, and replay the row"
"""What the reason of every row that is set aside ends with."""


def reason_of(rule: str, broken: Sequence[str], reason: str) -> str:
    """What the reason of a row with several faults says about one of its broken rules; all if that cannot be told.

    A rule about a column is called COLUMN:WHAT, and what is said about it begins with the column.
    """
    columns = {name.partition(":")[0] for name in broken}
    column, _, what = rule.partition(":")
    said: list[tuple[str, str]] = []
    for part in reason.removesuffix(WHAT_TO_DO).split("; "):
        about, starts = _about(part, columns)
        if starts or not said:
            said.append((starts, about))
        else:  # advice about what was said before it
            said[-1] = (said[-1][0], f"{said[-1][1]}; {part}")
    own = [text for starts, text in said if starts == column]
    typed = f"{column}:type" in broken and len(own) > 1  # values without the right type are told of first
    own = (own[:1] if what == "type" else own[1:]) if typed else own
    return "; ".join(own) + (WHAT_TO_DO if reason.endswith(WHAT_TO_DO) else "") if own else reason


def _about(part: str, columns: Collection[str]) -> tuple[str, str]:
    """A part of a reason without what it has in common with others, and the column that it is about, or nothing."""
    for about in (part, part.partition(": ")[2]):
        for column in columns:
            if about.startswith(f"{column} "):
                return about, column
    return part, ""
