"""The language of traits: aggregates over rows of one table, in a window, on a condition; or other traits.

`value: sum(total) / nullif(count(*), 0)` is split into its aggregates and what is done with their results. Each
distinct aggregate and condition is computed once for all traits over the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jobs.config.sql.functions import FUNCTIONS
from jobs.config.sql.guard import KEYWORDS, words
from jobs.config.traits import Trait

AGGREGATES = frozenset(("avg", "count", "earliest", "latest", "max", "min", "most_frequent", "sum"))
CASTS = frozenset(("as", "bigint", "boolean", "date", "double", "string"))
LASTS = "open_days"
"""The column of touchpoints that says for how many days a row counts; empty for as long as the window."""
WORDS = KEYWORDS | CASTS | {"distinct"}


@dataclass(frozen=True)
class Aggregate:
    """One aggregate call: `argument` is its text without `distinct`, `*` for count(*)."""

    function: str
    argument: str
    distinct: bool = False


Part = str | Aggregate


def parts_of(value: str) -> list[Part]:
    """The text of a value with its aggregate calls taken out."""
    parts: list[Part] = []
    tokens = list(words(value))
    place = 0
    while place < len(tokens):
        kind, text = tokens[place]
        called = place + 1 < len(tokens) and tokens[place + 1][1] == "("
        if kind == "word" and called and text.lower() in AGGREGATES:
            end = _closing(tokens, place + 1)
            inside = [token for _, token in tokens[place + 2 : end]]
            distinct = bool(inside) and inside[0].lower() == "distinct"
            parts.append(Aggregate(text.lower(), " ".join(inside[distinct:]), distinct))
            place = end + 1
        else:
            parts.append(text)
            place += 1
    return parts


def aggregates_of(value: str) -> list[Aggregate]:
    return [part for part in parts_of(value) if isinstance(part, Aggregate)]


def grammar_problems(trait: Trait) -> Iterator[str]:
    """What is wrong with a value that consists of known words."""
    parts = parts_of(trait.value)
    calls = [part for part in parts if isinstance(part, Aggregate)]
    outside = "".join(f" {part} " for part in parts if isinstance(part, str))
    if trait.over and not calls:
        yield "aggregates nothing; write count(*), sum(total), latest(topic), ..."
    if trait.over is None and calls:
        yield f"{calls[0].function}() needs rows: say `over` which table"
    for call in calls:
        inner = {text.lower() for kind, text in words(call.argument) if kind == "word"}
        if inner & AGGREGATES:
            yield f"{call.function}() holds another aggregate; aggregates cannot be nested"
        if call.distinct and call.function != "count":
            yield f"distinct changes nothing in {call.function}(); only count(distinct ...) is known"
        if not call.argument or (call.argument == "*" and call.function != "count"):
            yield f"{call.function}({call.argument}) needs a column"
    if trait.over:
        loose = {t.lower() for kind, t in words(outside) if kind == "word"} - WORDS - FUNCTIONS
        for name in sorted(loose):
            yield f"column {name!r} is outside of an aggregate; a customer has many rows"
    for text in (outside, trait.where or "", *(call.argument for call in calls)):
        if _may_divide_by_zero(text):
            yield "divides by what may be 0; write / nullif(..., 0), which gives nothing then"
            break


def condition_of(trait: Trait) -> str:
    """What a row must meet, whenever it was."""
    return " and ".join(f"({text.strip()})" for text in (trait.among, trait.where) if text) or "true"


def traits_used(value: str, names: frozenset[str]) -> list[str]:
    """The other traits a value is computed from."""
    return list(dict.fromkeys(text for kind, text in words(value) if kind == "word" and text in names))


def in_order(traits: Mapping[str, Trait]) -> tuple[list[str], list[str]]:
    """Traits computed from others, each after those it needs; and one circle of traits that need each other, if any."""
    names = frozenset(traits)
    needs = {name: traits_used(trait.value, names) for name, trait in traits.items() if trait.over is None}
    done: list[str] = []
    path: list[str] = []

    def visit(name: str) -> list[str]:
        if name in done or name not in needs:
            return []
        if name in path:
            return [*path[path.index(name) :], name]
        path.append(name)
        for other in needs[name]:
            circle = visit(other)
            if circle:
                return circle
        path.pop()
        done.append(name)
        return []

    for name in needs:
        circle = visit(name)
        if circle:
            return done, circle
    return done, []


def brackets_match(text: str) -> bool:
    """Conditions are put together by brackets: one that closes what it did not open would end another one's."""
    depth = 0
    for _, token in words(text):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth < 0:
            return False
    return depth == 0


def _closing(tokens: list[tuple[str, str]], opening: int) -> int:
    """The place of the bracket that closes the one at `opening`, or the end."""
    depth = 0
    for place in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place][1], 0)
        if depth == 0:
            return place
    return len(tokens)


def _may_divide_by_zero(text: str) -> bool:
    tokens = list(words(text))
    for place, (_, token) in enumerate(tokens):
        if token in ("/", "%"):
            kind, divisor = tokens[place + 1] if place + 1 < len(tokens) else ("", "")
            if not (kind == "number" and float(divisor)) and divisor.lower() != "nullif":
                return True
    return False
