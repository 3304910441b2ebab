"""Records inside JSON documents, by a path such as `data.items[]` or `[].turns[]`, their text kept as it is.

Nothing is parsed into values and written again: a number such as 1.50 or one of 400 digits stays what it was.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jobs.config.yaml_files import nearest
from jobs.ingest.formats.content import BrokenFile
from jobs.ingest.formats.json_text import Parts, skip

STEP = re.compile(r"(?P<name>[^.\[\]]*)(?P<each>\[\])?(\.|$)")
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


Steps = list[tuple[str, bool]]
Added = tuple[tuple[str, str], ...]
"""Fields to add to a record: names and the texts of their values."""


class NotStrict(ValueError):
    """A value is no JSON by the standard, or not what the path says; the message says so."""


class Scanner:
    """Finds where JSON values end, and what in them is against the standard."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_int=self._number,
            parse_float=self._number,
        )

    def end(self, text: str, start: int) -> int:
        """Where the value that begins at `start` ends. Raises JSONDecodeError; sets `problem` if it is not strict."""
        self.problem = None
        try:
            return self._decoder.raw_decode(text, start)[1]
        except RecursionError:
            raise NotStrict("nested far too deeply") from None

    def _object(self, pairs: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in pairs}) != len(pairs):
            self.problem = "an object names a field twice"

    def _number(self, text: str) -> None:
        if len(text) > 4 and math.isinf(float(text)):
            self.problem = "a number is larger than any column can hold"

    def _constant(self, name: str) -> None:
        self.problem = f"{name} is no JSON number"


def problem_of(record: str) -> str | None:
    """What keeps a text from being one JSON value by the standard, without any part of it; None if nothing does."""
    scanner = Scanner()
    try:
        end = scanner.end(record, skip(record, 0))
    except json.JSONDecodeError:
        return "not valid JSON"
    except NotStrict as error:
        return str(error)
    return scanner.problem if skip(record, end) == len(record) else "not valid JSON"


def depth(text: str) -> int:
    """Levels of arrays and objects of a JSON text."""
    level = deepest = 0
    for found in BRACKETS.finditer(text):
        level += bool(found[1]) - bool(found[2])
        deepest = max(deepest, level)
    return deepest


def longest_text(record: str) -> int:
    """Characters of the longest text in a JSON record."""
    return max((found.end() - found.start() - 2 for found in STRING.finditer(record)), default=0)


def elements(text: str, path: str) -> Iterator[tuple[str, str | None]]:
    """Each record at `path` as the text of a JSON object, with what is wrong with it if it is no strict JSON.

    A record has the fields of the objects above it under `_parent` (theirs under its own `_parent`), without what
    leads to the record, and its place in the array under `_index`, from 1. A record that is no object is one with
    a single field `_value`. `*` in a path stands for every field; which one is under `_key`. Fields of the record
    itself go before these.

    Raises BrokenFile if the document is no JSON or the path leads nowhere in it.
    """
    return _Document(text, path).records()


class _Document:
    def __init__(self, text: str, path: str):
        self._text, self._path = text, path
        self._scanner = Scanner()
        self._parts = Parts(text, self._scanner.end)
        self._reached = False
        self._missing: tuple[str, list[str]] | None = None

    def records(self) -> Iterator[tuple[str, str | None]]:
        start = skip(self._text, 0)
        try:
            end = self._scanner.end(self._text, start)
        except json.JSONDecodeError as error:
            raise BrokenFile(f"not valid JSON (line {error.lineno}); send the file again") from None
        except NotStrict as error:
            raise BrokenFile(f"the document is {error}; send the file again") from None
        if skip(self._text, end) < len(self._text):
            line = self._text.count("\n", 0, end) + 1
            raise BrokenFile(f"not valid JSON (line {line}: something follows the document); send the file again")
        if self._path:
            yield from self._walk(start, _steps(self._path), ())
        elif self._text[start] == "[":
            yield from ((self._text[a:b], problem) for a, b, problem in self._elements(start))
        else:
            yield self._text[start:end], self._scanner.problem
        if self._path and not self._reached and self._missing:
            name, there = self._missing
            raise self._astray(f"no {name!r}{nearest(name, there) if there else ''}")

    def _walk(self, start: int, steps: Steps, above: Added) -> Iterator[tuple[str, str | None]]:
        """Records below the value at `start`; `above` are the fields that the levels above add to them."""
        if not steps:
            yield self._record(start, above)
            return
        (name, each), rest = steps[0], steps[1:]
        if not name:
            yield from self._each(start, rest, above)
            return
        if self._text[start] != "{":
            raise self._astray(f"no object that could have {name!r}")
        members = list(self._members(start))
        chosen = [member for member in members if member.name == name]
        if name == "*":
            chosen = [member for member in members if self._text[member.start] == ("[" if each else "{")]
        if not chosen and self._missing is None:
            self._missing = (name, [member.name for member in members])
        for member in chosen:
            if self._text[member.start] == "n":  # null: there are no records
                self._reached = True
                continue
            others = [other for other in members if other is not member]
            if name == "*":
                others = [other for other in others if self._text[other.start] not in "[{"]
            parent = _object([*((other.name, self._fact(other)) for other in others), *above])
            inner: Added = (("_parent", parent), *((("_key", json.dumps(member.name)),) if name == "*" else ()))
            yield from (self._each if each else self._walk)(member.start, rest, inner)

    def _each(self, start: int, rest: Steps, above: Added) -> Iterator[tuple[str, str | None]]:
        """Records below the elements of the array at `start`."""
        if self._text[start] != "[":
            raise self._astray("no array where it has []; leave [] out there if it is one object")
        self._reached = self._reached or not rest
        for index, (element, _, _) in enumerate(self._elements(start), 1):
            yield from self._walk(element, rest, (*above, ("_index", str(index))))

    def _record(self, start: int, above: Added) -> tuple[str, str | None]:
        self._reached = True
        end = self._scanner.end(self._text, start)
        problem = self._scanner.problem
        if self._text[start] == "[" and not self._path.endswith("[]"):
            raise self._astray("an array at its end; write [] after it")
        if self._text[start] != "{":
            return _object([("_value", self._text[start:end]), *above]), problem
        own = self._text[start : end - 1].rstrip()
        names = {member.name for member in self._members(start)} if '"_' in own else set()
        added = ", ".join(f'"{name}": {value}' for name, value in above if name not in names)
        return f"{own}{', ' if own != '{' and added else ''}{added}}}", problem

    def _elements(self, start: int) -> Iterator[tuple[int, int, str | None]]:
        """Start, end and problem of each element of an array."""
        for element, end in self._parts.elements(start):
            yield element, end, self._scanner.problem

    def _members(self, start: int) -> Iterator[_Member]:
        """Each field of an object."""
        for name, value, end in self._parts.members(start):
            yield _Member(name, value, end, self._scanner.problem)

    def _fact(self, member: _Member) -> str:
        """The text of a field above the records. Raises BrokenFile if it is no strict JSON."""
        if member.problem:
            raise BrokenFile(f"not valid JSON above the records ({member.problem}); send the file again")
        return self._text[member.start : member.end]

    def _astray(self, what: str) -> BrokenFile:
        return BrokenFile(f"`records: {self._path}` finds {what} in the document; correct the path or the file")


@dataclass(frozen=True)
class _Member:
    """A field of an object, and where its value is."""

    name: str
    start: int
    end: int
    problem: str | None


def _steps(path: str) -> Steps:
    """`[].turns[]` as [("", True), ("turns", True)]."""
    return [(found["name"], bool(found["each"])) for found in STEP.finditer(path) if found.group()]


def _object(fields: Iterable[tuple[str, str]]) -> str:
    """A JSON object of names and the texts of their values."""
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in fields) + "}"
