"""One table of a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One table of the report; `needs` are the lake tables it reads."""

    title: str
    needs: tuple[str, ...]
    sql: str
