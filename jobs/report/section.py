"""One table of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from jobs.config.journey.kpis import Stage


@dataclass(frozen=True)
class Section:
    """One table of the report; `needs` are the lake tables it reads."""

    title: str
    needs: tuple[str, ...]
    sql: str


def in_order_of_stages(column: str) -> str:
    """SQL that sorts by the order of the journey."""
    return f"list_position({list(get_args(Stage))}, {column})"
