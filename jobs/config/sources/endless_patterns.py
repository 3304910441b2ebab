"""Regular expressions that a backtracking engine, such as that of Apache Spark, never finishes on some texts.

The embedded engine takes time in proportion to the text for every pattern, so only reading the pattern tells. What
makes it endless is a repetition in a repetition, if one text can be divided over them in more than one way: (a+)+.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, zip_longest
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

OFTEN = 10
"""A repetition of up to so many times is over in time whatever is in it."""
WHY = (
    "never ends on some texts: in a repetition that is repeated, such as (a+)+ or (a|aa)*, a text can be divided in "
    "too many ways; let each part end at a sign that it cannot hold itself, such as ([a-z]+-)*"
)
_SIGNS = range(256)
_OTHER = frozenset({-1})
"""Stands for every sign above those looked at one by one."""
_OF_CATEGORY = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


@dataclass(frozen=True)
class _Part:
    """A part of what is repeated: the signs it may hold, whether it must be there, whether its length varies, and
    whether it is a single sign."""

    signs: frozenset[int]
    needed: bool = True
    varies: bool = False
    single: bool = False


def may_never_end(pattern: str) -> bool:
    """Whether some text keeps a backtracking engine busy for longer than anybody waits; false for no pattern."""
    try:
        return any(_ambiguous(body) for body in _repeated(_parser.parse(pattern)))
    except (re.error, RecursionError, OverflowError):
        return False


def _repeated(nodes: Any) -> Iterator[Any]:
    """The bodies of all repetitions that may go on and on."""
    for kind, value in nodes:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            if value[1] > OFTEN:
                yield value[2]
            yield from _repeated(value[2])
        elif kind is sre.SUBPATTERN:
            yield from _repeated(value[3])
        elif kind is sre.BRANCH:
            for branch in value[1]:
                yield from _repeated(branch)


def _ambiguous(body: Any) -> bool:
    """Whether texts can be divided over rounds of `body`, or within one, in more than one way."""
    for choice, after in _choices(body, _first(body)):
        if not all(_apart(one, other, after) for one, other in combinations(choice, 2)):
            return True
    parts = list(_parts(body))
    vary = [place for place, part in enumerate(parts) if part.varies]
    return any(_run_together(parts, one, other) for one in vary for other in vary)


def _run_together(parts: list[_Part], one: int, other: int) -> bool:
    """Whether nothing between two parts, going round, tells where the first ends and the second begins."""
    first, second = parts[one].signs, parts[other].signs
    between = parts[one + 1 : other] if one < other else [*parts[one + 1 :], *parts[:other]]
    return bool(first & second) and not any(
        part.needed and (part.signs.isdisjoint(first) or part.signs.isdisjoint(second)) for part in between
    )


def _parts(nodes: Any) -> Iterator[_Part]:
    for kind, value in nodes:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, most, body = value
            inner = list(_parts(body))
            needed = least > 0 and any(part.needed for part in inner)
            varies = least != most or any(part.varies for part in inner)
            yield _Part(_all_signs(inner), needed, varies)
        elif kind is sre.SUBPATTERN:
            yield from _parts(value[3])
        elif kind is sre.BRANCH:
            branches = [list(_parts(branch)) for branch in value[1]]
            needed = all(any(part.needed for part in branch) for branch in branches)
            varies = not needed or any(part.varies for branch in branches for part in branch)
            yield _Part(_all_signs(part for branch in branches for part in branch), needed, varies)
        elif (signs := _signs(kind, value)) is not None:
            yield _Part(signs, single=True)


def _choices(nodes: Any, after: frozenset[int]) -> Iterator[tuple[list[Any], frozenset[int]]]:
    """The alternatives of every choice in it, and the signs that can come after them; `after` those after all of it."""
    for place, (kind, value) in enumerate(nodes):
        rest = nodes[place + 1 :]
        following = _first(rest) | (frozenset() if any(part.needed for part in _parts(rest)) else after)
        if kind is sre.BRANCH:
            yield value[1], following
            for branch in value[1]:
                yield from _choices(branch, following)
        elif kind is sre.SUBPATTERN:
            yield from _choices(value[3], following)
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            yield from _choices(value[2], following | _first(value[2]))


def _apart(one: Any, other: Any, after: frozenset[int]) -> bool:
    """Whether a sign tells which of two alternatives a text goes by, where one of the signs `after` follows."""
    if _first(one).isdisjoint(_first(other)):
        return True
    for first, second in zip_longest(_parts(one), _parts(other)):
        if first is None or second is None:  # one begins as the other is
            longer = first or second
            return bool(longer.single) and after.isdisjoint(longer.signs)
        if not (first.single and second.single):
            return False
        if first.signs.isdisjoint(second.signs):
            return True
    return False


def _first(nodes: Any) -> frozenset[int]:
    """The signs a text for these nodes can begin with."""
    found: frozenset[int] = frozenset()
    for part in _parts(nodes):
        found |= part.signs
        if part.needed:
            break
    return found


def _all_signs(parts: Any) -> frozenset[int]:
    return frozenset().union(*(part.signs for part in parts))


def _signs(kind: Any, value: Any) -> frozenset[int] | None:
    """The signs that one node stands for; None if it stands between signs."""
    if kind is sre.LITERAL:
        return frozenset({value}) if value in _SIGNS else _OTHER
    if kind is sre.NOT_LITERAL:
        return (frozenset(_SIGNS) - {value}) | _OTHER
    if kind is sre.ANY:
        return frozenset(_SIGNS) | _OTHER
    if kind is sre.RANGE:
        return frozenset(_SIGNS[value[0] : value[1] + 1]) | (_OTHER if value[1] not in _SIGNS else frozenset())
    if kind is sre.CATEGORY:
        negated, name = "NOT_" in str(value), str(value).rpartition("_")[2]
        inside = frozenset(n for n in _SIGNS if re.match(_OF_CATEGORY.get(name, "."), chr(n)))
        return (frozenset(_SIGNS) - inside if negated else inside) | _OTHER
    if kind is sre.IN:
        every = [_signs(one, its) or frozenset() for one, its in value if one is not sre.NEGATE]
        inside = frozenset().union(*every)
        negated = value[0][0] is sre.NEGATE
        return (frozenset(_SIGNS) - inside) | _OTHER if negated else inside
    return None
