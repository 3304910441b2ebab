"""Parts of a JSON text as they are written: no number, date or escape is changed by reading and writing it again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NoReturn

SPACE = re.compile(r"[ \t\n\r]*")


class NotThere(Exception):
    """A path leads nowhere. The message says at which of its names."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=str, parse_int=str)
_string = json.JSONDecoder()


def values_at(text: str, path: str) -> Iterator[str]:
    """The text of each value at `path`, such as data[] or pages.next: `[]` is every element of a list.

    Raises ValueError if the text is not JSON, and NotThere if the path leads nowhere.
    """
    start = skip(text, 0)
    try:
        end = _end(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if skip(text, end) != len(text):
        raise ValueError("there is more after its end")
    steps = [step for name in path.split(".") if name for step in ([name[:-2], "[]"] if name[-2:] == "[]" else [name])]
    yield from _walk(text, start, end, [step for step in steps if step], path)


def value_at(text: str, path: str) -> str | None:
    """The single value at `path` as text, a JSON string without its quotes; None if it is null or not there."""
    try:
        found = next(values_at(text, path), "null")
    except NotThere:
        return None
    if found == "null":
        return None
    return str(json.loads(found)) if found.startswith('"') else found


def skip(text: str, position: int) -> int:
    """Past white space; a position that is always inside a text known to be valid JSON."""
    found = SPACE.match(text, position)
    assert found is not None
    return found.end()


class Parts:
    """Where the parts of arrays and objects are, in a text that is known to be JSON.

    `end` says where the value that begins at a position ends; it is called once a part, just before that is given.
    """

    def __init__(self, text: str, end: Callable[[str, int], int]):
        self._text, self._end = text, end

    def elements(self, start: int) -> Iterator[tuple[int, int]]:
        """Start and end of each element of the array at `start`."""
        position = skip(self._text, start + 1)
        while self._text[position] != "]":
            end = self._end(self._text, position)
            yield position, end
            position = self._next(end)

    def members(self, start: int) -> Iterator[tuple[str, int, int]]:
        """Name of each field of the object at `start`, and start and end of its value."""
        position = skip(self._text, start + 1)
        while self._text[position] != "}":
            name, position = _string.raw_decode(self._text, position)
            value = skip(self._text, skip(self._text, position) + 1)
            end = self._end(self._text, value)
            yield name, value, end
            position = self._next(end)

    def _next(self, position: int) -> int:
        """Where the next part begins, or the bracket that ends them."""
        position = skip(self._text, position)
        return skip(self._text, position + 1) if self._text[position] == "," else position


def _end(text: str, start: int) -> int:
    return _decoder.raw_decode(text, start)[1]


def _walk(text: str, start: int, end: int, steps: list[str], path: str) -> Iterator[str]:
    """The text of each value below the one from `start` to `end`."""
    parts = Parts(text, _end)
    if not steps:
        yield text[start:end]
    elif steps[0] == "[]":
        if text[start] != "[":
            raise NotThere(f"{path!r}: what should be a list is none")
        for element in parts.elements(start):
            yield from _walk(text, *element, steps[1:], path)
    else:
        if text[start] != "{":
            raise NotThere(f"{path!r}: {steps[0]!r} is looked for in what is no object")
        member = next((value for name, *value in parts.members(start) if name == steps[0]), None)
        if member is None:
            raise NotThere(f"{path!r}: there is no {steps[0]!r}")
        yield from _walk(text, member[0], member[1], steps[1:], path)
