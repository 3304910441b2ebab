"""What an engine says of an expression, in words of the person who wrote it, and with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from jobs.config.sql.advice import text_arithmetic
from jobs.ingest.expressions import BACKTICKS

DIALECT = "patterns are read as by Rust's regex and by Java alike: without look-around (?=...) and back-references"


def complaint(
    error: Exception | str, sql: str = "", types: Mapping[str, str] | None = None, paths: Collection[str] = ()
) -> str:
    """What the engine says of an expression, without the list of all that it would have understood.

    Over texts, or columns of `types`, arithmetic with a text is told with what to write instead; `paths` are columns
    that are written as ways into something, such as those of lookups.
    """
    told = text_arithmetic(sql, types, paths) if sql else ""
    if told:
        return told
    said = re.split(r",? expected ", str(error).strip().splitlines()[0])[0]
    return f"{said}; {BACKTICKS}"


def pattern_complaint(error: Exception | str) -> str:
    """What is wrong with a regular expression, whole and in one line, and which kind it has to be."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), "")
    return f"{told or next(filter(None, lines), 'it does not compile')}; {DIALECT}"
