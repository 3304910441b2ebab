"""How well a heading says a phrase of the vocabulary, in any case, with any signs between its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from anyascii import anyascii

VOCABULARY = Path(__file__).with_name("vocabulary.yaml")
IN_BRACKETS = re.compile(r"(?<=\w)\s*\([^()]*\)$")
"""What a heading adds in brackets: Grand Total (Base)."""
BY_GRAMMAR = 0.85
"""How well a heading says a moment that is made of the same words: update_time says updated at."""
SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
GENERIC = frozenset({"id", "nr", "nummer", "name", "naam", "nom", "titel", "title", "number", "date", "datum"})
"""Phrases that mean the thing a record is about, and so nothing where a heading names another thing."""
NUMBERS = ("nummer", "number", "numero", "num", "nr")
"""Ways to write number, at the end of a heading in one word with what it numbers, or as a word of its own."""
IN_BETWEEN = frozenset({"de", "du", "des", "d", "la", "le", "del", "der", "of", "van"})
RECORDS = ("nummer", "id", "code", "key", "ref", "reference")
"""What stands behind the name of a kind of record in the heading of its id."""


@cache
def _written() -> dict[str, Any]:
    """The vocabulary as it is written."""
    found: dict[str, Any] = yaml.safe_load(VOCABULARY.read_text("utf-8"))
    return found


@cache
def _around() -> dict[str, frozenset[str]]:
    """Words around a heading: `structure` and `entities` leave its meaning as it is, `others` make it another thing."""
    return {name: frozenset(words) for name, words in _written()["around"].items()}


@cache
def vocabulary() -> dict[str, dict[str, Any]]:
    """Dataset to its `words`, to the phrases of its `columns`, and to the words of their `values`."""
    found: dict[str, dict[str, Any]] = _written()["datasets"]
    return found


@cache
def tokens(text: str) -> tuple[str, ...]:
    """The words of a heading, in lower case ASCII: `Prénom du client` is prenom, du, client."""
    spaced = SPLIT.sub(" ", anyascii(text.replace("ß", "ss")))
    return tuple(re.sub(r"[^a-z0-9]+", " ", spaced.lower()).split())


def plain(text: str) -> str:
    """The heading in one word."""
    return _joined(tokens(text))


@cache
def _joined(words: tuple[str, ...]) -> str:
    """Words as one, with one way to say number and id: Numero de commande is commandenummer, ID klant klantid."""
    if len(words) > 1 and words[0] in ("id", "no", "ndeg", *NUMBERS):  # ndeg: N with the sign of a degree
        rest = words[1:] if words[1] not in IN_BETWEEN else words[2:]
        words = (*rest, "id" if words[0] == "id" else "nummer") if rest else words
    elif len(words) > 1 and words[-1] == "no":
        words = (*words[:-1], "nummer")
    text = "".join(words)
    for way in NUMBERS:
        if text.endswith(way):
            return text.removesuffix(way) + "nummer"
    return text


@cache
def names_record(heading: str, dataset: str) -> bool:
    """Whether a heading is that of the id of such a record, made of a word for it: Lidnr, factuurcode, case_key."""
    text = plain(heading)
    stems = [text.removesuffix(ending) for ending in RECORDS if text.endswith(ending)]
    return any({stem, stem.removesuffix("s")} & _singular(dataset) for stem in stems)


@cache
def _singular(dataset: str) -> frozenset[str]:
    words = {plain(word) for word in vocabulary()[dataset]["words"] if word not in ("event", "events")}
    return frozenset(words | {word.removesuffix("s") for word in words if len(word) > 4})


@cache
def said(path: tuple[str, ...], phrase: str) -> float:
    """From 0 to 1, how well the last name of a path, with those above it, says a phrase.

    A last name that only says that something is in it (email[0].value) leaves it to the names above; so does what
    stands in brackets to what stands before them.
    """
    best = _said(path, phrase)
    if len(path) > 1 and set(tokens(path[-1])) <= _around()["holders"]:
        above = path[:-1]
        while len(above) > 1 and set(tokens(above[-1])) <= _around()["structure"]:
            above = above[:-1]
        best = max(best, 0.97 * _said(above, phrase))
    if IN_BRACKETS.search(path[-1]):
        best = max(best, 0.97 * _said((*path[:-1], IN_BRACKETS.sub("", path[-1])), phrase))
    return best


def _said(path: tuple[str, ...], phrase: str) -> float:
    wanted = plain(phrase)
    leaf = tokens(path[-1].removesuffix("[0]"))
    above = tuple(token for name in path[:-1] for token in tokens(name.removesuffix("[0]")))
    every = (*(word for word in above if word not in _around()["structure"]), *leaf)
    neutral = _around()["structure"] | (frozenset() if wanted in GENERIC else _around()["entities"])
    if _joined(every) == wanted or (_joined(leaf) == wanted and not set(above) - neutral):
        return 1.0
    best = 0.0
    for start in range(len(every)):
        rest = _joined(every[start:])
        if rest == wanted:
            best = max(
                best,
                _with(set(every[:start]) - neutral, *((0.95, 0.45, 0.3) if wanted in GENERIC else (0.95, 0.8, 0.45))),
            )
    if best:
        return best
    for start in range(len(leaf)):
        for end in range(start + 1, len(leaf) + 1):
            if _joined(leaf[start:end]) == wanted and end < len(leaf):
                best = max(best, _with({*above, *leaf[:start], *leaf[end:]} - neutral, 0.75, 0.55, 0.3))
    joined = _joined(leaf)
    if not best and len(wanted) >= 5 and joined.endswith(wanted):
        best = 0.0 if joined.removesuffix(wanted) in _around()["parts"] else 0.6
    if not best and len(leaf) == 1 and joined.startswith("id") and joined[2:] + "id" == wanted:
        best = 0.95
    return best


@cache
def says_moment(path: tuple[str, ...], phrase: str) -> float:
    """The same of a moment, whatever word says that it is one and wherever it stands: date_created, CREATED_TIME.

    What the record is part of may tell it too.
    """
    own = tuple(name for name in path if name != "_parent")
    if not own or _moment(own[-1]) != _moment(phrase) or not _moment(phrase):
        return 0.0
    above = {token for name in own[:-1] for token in tokens(name.removesuffix("[0]"))}
    whole = BY_GRAMMAR if len(own) == len(path) else 0.8 * BY_GRAMMAR
    return whole * _with(above - _around()["structure"] - _around()["entities"], 1.0, 0.8, 0.4)


@cache
def _moment(heading: str) -> tuple[str, ...]:
    """What happened at a moment by one word for it: last_changed, modified on and update_time are updated."""
    same = {word: stem for stem, words in _moments()["same"].items() for word in words}
    left = [same.get(word, word) for word in tokens(heading) if word not in _moments()["words"]]
    if left[-1:] == ["updated"]:
        left = [word for word in left if word not in _moments()["latest"]]
    return tuple(left)


def _moments() -> dict[str, Any]:
    found: dict[str, Any] = _written()["moments"]
    return found


def beside_utc(path: tuple[str, ...], others: Collection[tuple[str, ...]]) -> bool:
    """Whether the same moment stands beside it in UTC: date_created in the time of a shop, date_created_gmt."""
    ways = {f"{way}{word}" for word in _moments()["utc"] for way in ("", "_", " ")}
    return any((*path[:-1], path[-1] + way) in others or (*path[:-1], path[-1] + way.upper()) in others for way in ways)


def _with(words: set[str], neutral: float, unknown: float, other: float) -> float:
    return neutral if not words else other if words & _around()["others"] else unknown


def best_said(
    path: tuple[str, ...], phrases: Iterable[str], by: Callable[[tuple[str, ...], str], float] | None = None
) -> float:
    """How well a path says the best of the phrases, as `by` tells it (said); those that come first say it best."""
    by = by or said
    return max((by(path, phrase) * (1 - 0.012 * min(place, 20)) for place, phrase in enumerate(phrases)), default=0.0)


def named(names: Iterable[str], words: Iterable[str]) -> int:
    """Of the names of a file and of what is around its records: how many words of the longest phrase they end with."""
    best = 0
    for name in names:
        given = [token.rstrip("s") if len(token) > 4 else token for token in tokens(name) if not token.isdigit()]
        for phrase in words:
            wanted = [token.rstrip("s") if len(token) > 4 else token for token in tokens(phrase)]
            size = len(wanted)
            if size == 1 and len(wanted[0]) >= 5 and any(one.endswith(wanted[0]) and one != wanted[0] for one in given):
                best = max(best, 1)  # one word with another before it: bonregels are regels
            for start in range(len(given) - size + 1):
                if given[start : start + size] == wanted:
                    best = max(best, 2 * size - (1 if start + size < len(given) else 0))
    return best
