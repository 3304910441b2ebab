"""Journeys of several steps, which actions make by waiting for one another (`after`), as a picture of the YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from jobs.config.actions.audiences import Audience
from jobs.report.page.words import Language, said

WIDE, HIGH, ACROSS, DOWN = 190, 46, 170, 22
"""Size of a box and room between boxes, in points."""
LONGEST = 26
"""Characters of a title that fit in a box."""


@dataclass(frozen=True)
class Step:
    """One action that waits for another one."""

    before: str
    after: str
    said: str
    """For what outcome, and how long, in words."""


def steps(audiences: Mapping[str, Audience], language: Language) -> list[Step]:
    """Every wait of one action for another, in the order of their names."""
    return [Step(one.after.action, name, _said(one, language)) for name, one in sorted(audiences.items()) if one.after]


def picture(audiences: Mapping[str, Audience], language: Language) -> str:
    """The journeys as SVG, what comes first on the left; empty if no action waits for another."""
    found = steps(audiences, language)
    if not found:
        return ""
    before = {step.after: step.before for step in found}
    named = [*dict.fromkeys(name for step in found for name in (step.before, step.after))]
    depth = {name: _depth(name, before) for name in named}
    places: dict[str, tuple[int, int]] = {}
    rows = 0
    for root in (name for name in named if name not in before):
        rows = _place(root, found, depth, places, rows)
    wide, high = (max(depth.values()) + 1) * (WIDE + ACROSS) - ACROSS + 4, rows * (HIGH + DOWN) - DOWN + 4
    title = escape(said("waiting_actions", language))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" role="img" '
             f'aria-label="{title}" font-family="sans-serif" font-size="13" fill="currentColor">']  # fmt: skip
    for step in found:
        (left, top), (right, down) = places[step.before], places[step.after]
        begin, end, middle, lower = left + WIDE, right - 6, top + HIGH // 2, down + HIGH // 2
        bend = begin + 18
        parts.append(f'<path d="M{begin} {middle}H{bend}V{lower}H{end}" fill="none" stroke="currentColor"/>'
                     f'<path d="M{end} {lower - 4}l6 4l-6 4z"/>'
                     f'<text x="{bend + 6}" y="{lower - 7}" font-size="11">{escape(step.said)}</text>')  # fmt: skip
    for name, (left, top) in places.items():
        told = audiences[name].title
        center, middle = left + WIDE // 2, top + HIGH // 2 + 5
        short = told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"
        parts.append(f'<g><title>{escape(f"{name}: {told}")}</title><rect x="{left}" y="{top}" width="{WIDE}" '
                     f'height="{HIGH}" rx="8" fill="none" stroke="currentColor"/>'
                     f'<text x="{center}" y="{middle}" text-anchor="middle">{escape(short)}</text>'
                     "</g>")  # fmt: skip
    return "".join([*parts, "</svg>"])


def _said(one: Audience, language: Language) -> str:
    assert one.after is not None
    outcome = said(f"outcome_{one.after.outcome}", language)
    return said("waits", language, outcome=outcome, days=one.after.days, within=one.after.within_days)


def _depth(name: str, before: Mapping[str, str]) -> int:
    """How many actions come before it. That none waits for itself is checked when the configuration is loaded."""
    return 1 + _depth(before[name], before) if name in before else 0


def _place(name: str, found: list[Step], depth: Mapping[str, int], places: dict[str, tuple[int, int]], row: int) -> int:
    """Put an action beside its first follower; returns the next free row."""
    places[name] = (depth[name] * (WIDE + ACROSS) + 2, row * (HIGH + DOWN) + 2)
    followers = [step.after for step in found if step.before == name]
    for follower in followers:
        row = _place(follower, found, depth, places, row)
    return row if followers else row + 1
