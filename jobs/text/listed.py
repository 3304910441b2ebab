"""Lists of words that come with Klantreis, Dutch and English together: jobs/text/data/NAME.txt."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def listed(name: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(files("jobs.text").joinpath(f"data/{name}.txt").read_text(encoding="utf-8").split())
