"""Parts of a JSON text as they are written: no number, date or escape is changed by reading and writing it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn

_SPACE = re.compile(r"[ \t\n\r]*")


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
    start = _skip(text, 0)
    try:
        _, end = _decoder.raw_decode(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _skip(text, end) != len(text):
        raise ValueError("there is more after its end")
    steps = [step for name in path.split(".") if name for step in ([name[:-2], "[]"] if name[-2:] == "[]" else [name])]
    yield from _walk(text, start, [step for step in steps if step], path)


def value_at(text: str, path: str) -> str | None:
    """The single value at `path` as text, a JSON string without its quotes; None if it is null or not there."""
    try:
        found = next(values_at(text, path), "null")
    except NotThere:
        return None
    if found == "null":
        return None
    return str(json.loads(found)) if found.startswith('"') else found


def _walk(text: str, start: int, steps: list[str], path: str) -> Iterator[str]:
    """`start` is at the first character of a value that is known to be JSON."""
    if not steps:
        _, end = _decoder.raw_decode(text, start)
        yield text[start:end]
    elif steps[0] == "[]":
        if text[start] != "[":
            raise NotThere(f"{path!r}: what should be a list is none")
        for element in _elements(text, start):
            yield from _walk(text, element, steps[1:], path)
    else:
        if text[start] != "{":
            raise NotThere(f"{path!r}: {steps[0]!r} is looked for in what is no object")
        member = next((value for name, value in _members(text, start) if name == steps[0]), None)
        if member is None:
            raise NotThere(f"{path!r}: there is no {steps[0]!r}")
        yield from _walk(text, member, steps[1:], path)


def _elements(text: str, start: int) -> Iterator[int]:
    """Where each element of the list at `start` begins."""
    position = _skip(text, start + 1)
    while text[position] != "]":
        yield position
        position = _next(text, position)


def _members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """The name of each member of the object at `start`, and where its value begins."""
    position = _skip(text, start + 1)
    while text[position] != "}":
        name, end = _string.raw_decode(text, position)
        value = _skip(text, _skip(text, end) + 1)
        yield name, value
        position = _next(text, value)


def _next(text: str, start: int) -> int:
    """Where the next element after the value at `start` begins, or the closing bracket is."""
    _, end = _decoder.raw_decode(text, start)
    position = _skip(text, end)
    return _skip(text, position + 1) if text[position] == "," else position


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
