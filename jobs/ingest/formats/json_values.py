"""JSON values one after another: without line breaks, over several lines, or in arrays, as tools write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from jobs.ingest.formats.content import BrokenFile
from jobs.ingest.formats.json_documents import NotStrict, Scanner

BETWEEN = re.compile(r"[\s,\x1e\ufeff]*")
"""White space, commas, and the sign that begins a record of a JSON text sequence (RFC 7464)."""
NEXT = re.compile(r"[\r\n][ \t]*(?=[\[{])")


class Value(NamedTuple):
    """Where a value is in a text, the line on which it begins, and what is wrong with it."""

    start: int
    end: int
    line: int
    problem: str | None


def starts_a_layout(text: str, start: int, flat: bool) -> bool:
    """Whether what begins here is read by `values` and not by lines: several values on a line, or one over several."""
    start = _skip(text, start)
    if text[start : start + 1] not in ("{", "["):
        return False
    if flat and text[start] == "[":
        return text[_skip(text, start + 1) :][:1] in ("{", "]")
    try:
        end = Scanner().end(text, start)
    except (json.JSONDecodeError, NotStrict):
        return False
    return "\n" in text[start:end] or "\r" in text[start:end] or text[_skip(text, end) :][:1] in ("{", "[")


def values(text: str, start: int, line_break: str, flat: bool) -> Iterator[Value]:
    """Every value of a text from `start` on; with `flat` the elements of arrays, else the arrays themselves.

    What is no JSON ends where a line begins with a bracket. Raises BrokenFile if an array is never closed.
    """
    scanner, line, counted, opened = Scanner(), 1, 0, []
    position = _skip(text, start)
    while position < len(text):
        line, counted = line + text.count(line_break, counted, position), position
        if flat and text[position] == "[":
            opened.append(line)
            position = _skip(text, position + 1)
            continue
        if flat and text[position] == "]" and opened:
            opened.pop()
            position = _skip(text, position + 1)
            continue
        try:
            end, problem = scanner.end(text, position), scanner.problem
        except (json.JSONDecodeError, NotStrict) as error:
            following = NEXT.search(text, position)
            end = following.start() if following else len(text)
            problem = str(error) if isinstance(error, NotStrict) else "not valid JSON"
        yield Value(position, end, line, problem)
        position = _skip(text, end)
    if opened:
        raise BrokenFile(
            f"the list that begins on line {opened[0]} is never closed; the file is cut off, send it again"
        )


def _skip(text: str, position: int) -> int:
    found = BETWEEN.match(text, position)
    assert found is not None
    return found.end()
