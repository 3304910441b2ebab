"""Why a KPI is another than it was: what changed within its parts, and what only their sizes changed.

A total can fall while every part of it rises, when more of it comes from a part that was always lower (Simpson's
paradox). So a change of a ratio is told in two: within each part, at the size it has on average, and by mix, as its
size changed, at how far it lies from the total. Both add up to the change exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.errors import StepFailed

Counts = Mapping[str, tuple[float, float]]
"""Numerator and denominator of each part."""


@dataclass(frozen=True)
class PartOfChange:
    """One part, then and now: its value and its share of the denominator; what it adds to the change of the total."""

    part: str
    value_then: float | None
    value_now: float | None
    share_then: float
    share_now: float
    within: float
    mix: float


@dataclass(frozen=True)
class Change:
    """The total then and now, and its parts, the largest contribution first."""

    then: float
    now: float
    parts: list[PartOfChange]

    @property
    def within(self) -> float:
        """The change, had no part become larger or smaller."""
        return sum(part.within for part in self.parts)

    @property
    def mix(self) -> float:
        """The change, had every part kept its value."""
        return sum(part.mix for part in self.parts)

    @property
    def is_paradox(self) -> bool:
        """Whether every part that changed went the other way than the total."""
        both = [(part.value_then, part.value_now) for part in self.parts]
        moved = [now - then for then, now in both if then is not None and now is not None and now != then]
        total = self.now - self.then
        return bool(moved) and total != 0 and all(change * total < 0 for change in moved)

    def told(self) -> str:
        """The change in a sentence."""
        way = "is the same" if self.now == self.then else "rose" if self.now > self.then else "fell"
        total = f"It {way}: {self.then:.4g} to {self.now:.4g} ({self.now - self.then:+.3g})"
        causes = f"{self.within:+.3g} within parts, {self.mix:+.3g} because the parts have other sizes now"
        if not self.is_paradox:
            return f"{total}; {causes}."
        which = "rose" if self.now < self.then else "fell"
        return f"{total}, though every part {which}; {causes} (Simpson's paradox)."


def change(then: Counts, now: Counts) -> Change:
    """The change of a total, by its parts. Raises StepFailed if either side has no denominator."""
    under_then, under_now = sum(d for _, d in then.values()), sum(d for _, d in now.values())
    if not under_then or not under_now:
        raise StepFailed("nothing to compare: the KPI has no value in one of the two periods")
    total_then = sum(n for n, _ in then.values()) / under_then
    total_now = sum(n for n, _ in now.values()) / under_now
    middle = (total_then + total_now) / 2
    parts = []
    for name in sorted({*then, *now}):
        value_then, value_now = _value(then.get(name)), _value(now.get(name))
        share_then, share_now = (
            side.get(name, (0, 0))[1] / under for side, under in ((then, under_then), (now, under_now))
        )
        before = value_now if value_then is None else value_then
        after = value_then if value_now is None else value_now
        if before is None or after is None:
            continue
        within = (share_then + share_now) / 2 * (after - before)
        mix = ((before + after) / 2 - middle) * (share_now - share_then)
        parts.append(PartOfChange(name, value_then, value_now, share_then, share_now, within, mix))
    parts.sort(key=lambda part: (-abs(part.within + part.mix), part.part))
    return Change(total_then, total_now, parts)


def _value(counts: tuple[float, float] | None) -> float | None:
    return counts[0] / counts[1] if counts and counts[1] else None
