"""What actions bring for what they cost, with intervals: the arithmetic alone.

Of an action whose arms were drawn at random, `value` is the margin on what it brought beyond those held out, `cost`
what those it was for cost; both per person have errors, and go together. The interval of their ratio is the set of
ratios r for which `value - r * cost` may be nothing: Fieller, "Some problems in interval estimation", Journal of the
Royal Statistical Society B 16, 1954. Of several actions the ends of their differences are added, which holds however
these depend on each other (Minkowski sum); with one action it is Fieller's own interval.

All intervals of a report hold together, in 95 of 100 cases: each action has its part of the 5 % (Bonferroni), so that
whoever picks the best of twenty is not fooled. Each holds at every look, as those of effects do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from jobs.effects import estimates


@dataclass(frozen=True)
class Range:
    """From `low` to `high`."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Part:
    """An action whose effect is known: amounts per person it was for, in the company's currency.

    `width` is how many standard errors the interval goes each way.
    """

    name: str
    people: int
    value: float
    value_error: float
    variable: float
    """Cost that grows with the people: contacts, offers, media."""
    fixed: float = 0.0
    """Cost that does not, shared by them: hours."""
    cost_error: float = 0.0
    covariance: float = 0.0
    """Of the means of value and cost."""
    width: float = 1.96

    @property
    def cost(self) -> float:
        """What they cost, all together."""
        return self.people * (self.variable + self.fixed)

    def less(self, ratio: float) -> Range:
        """Value less `ratio` times cost, all together."""
        of_cost = ratio * self.cost_error
        variance = self.value_error**2 - 2 * ratio * self.covariance + of_cost**2
        half = self.people * self.width * float(np.sqrt(max(variance, 0.0)))
        middle = self.people * self.value - ratio * self.cost
        return Range(middle - half, middle + half)


def width(units: int, comparisons: int) -> float:
    """Standard errors each way of an interval that holds at every look, together with all others of `comparisons`."""
    return estimates.always_valid(1.0, units, alpha=estimates.ALPHA / comparisons)


def error_of(low: float, high: float, units: int) -> float:
    """The standard error of an effect, from its interval and the people in both arms."""
    return (high - low) / 2 / estimates.always_valid(1.0, units)


def cost(parts: Sequence[Part]) -> float:
    """What actions cost."""
    return sum(part.cost for part in parts)


def value(parts: Sequence[Part]) -> Range:
    """The margin on what actions brought beyond those held out."""
    return _less(parts, 0.0)


def net(parts: Sequence[Part]) -> Range:
    """The same less what they cost."""
    return _less(parts, 1.0)


def on_cost(parts: Sequence[Part]) -> Range | None:
    """Value for every 1 of cost; None if the cost may as well be nothing, so that no ratio can be told."""
    surely = cost(parts) - sum(part.people * part.width * part.cost_error for part in parts)
    if not parts or surely <= 0:
        return None
    return Range(_root(lambda r: _less(parts, r).low), _root(lambda r: _less(parts, r).high))


def _less(parts: Sequence[Part], ratio: float) -> Range:
    return sum((part.less(ratio) for part in parts), Range(0.0, 0.0))


def _root(falling: Callable[[float], float]) -> float:
    """Where a function that falls for ever is 0."""
    reach = 1.0
    while falling(-reach) < 0 or falling(reach) > 0:
        reach *= 2
    return float(brentq(falling, -reach, reach, xtol=1e-9))


@dataclass(frozen=True)
class WhatIf:
    """What an action would bring with another reach: ranges only, since nobody has tried it."""

    name: str
    reach: float
    """Times the people that it was for."""
    cost: Range
    value: Range
    net: Range
    on_cost: Range | None


def with_reach(part: Part, times: float) -> WhatIf:
    """The action with so many times the people.

    Up to what was tested each of them is taken to respond as was measured. Of people beyond nothing was tested: at
    worst they bring nothing, or as little as the low end of those who were, at best as much as the high end. Hours
    stay.
    Raises ValueError for fewer people than none.
    """
    if not (0 < times < np.inf):
        raise ValueError(f"{times:g} times the people is no reach; give a number above 0")
    tested, beyond = min(times, 1.0), max(times - 1.0, 0.0)
    seen = part.less(0.0)
    brought = Range(
        tested * seen.low + beyond * min(seen.low, 0.0),
        tested * seen.high + beyond * max(seen.high, 0.0),
    )
    unsure = part.width * part.cost_error
    spent = Range(*(part.people * (part.fixed + times * (part.variable + sign * unsure)) for sign in (-1, 1)))
    spent = Range(max(spent.low, 0.0), spent.high)
    left = Range(brought.low - spent.high, brought.high - spent.low)
    return WhatIf(part.name, times, spent, brought, left, _quotient(brought, spent))


def with_budget(part: Part, times: float) -> WhatIf:
    """The action with so many times its cost: what is left after its hours reaches people.

    Raises ValueError if nothing of its cost grows with the people, or the hours alone cost as much.
    """
    for_people = times * (part.variable + part.fixed) - part.fixed
    if part.variable <= 0:
        raise ValueError("nothing that it costs grows with the people, so a budget says nothing of its reach")
    if not (0 < for_people < np.inf):
        raise ValueError(f"{times:g} times its cost is not more than its hours, which do not shrink")
    found = with_reach(part, for_people / part.variable)
    return replace(found, reach=round(found.reach, 9))


def _quotient(over: Range, under: Range) -> Range | None:
    if under.low <= 0:
        return None
    ends = [end / by for end in (over.low, over.high) for by in (under.low, under.high)]
    return Range(min(ends), max(ends))
