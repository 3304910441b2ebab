"""What to say of a value that is not what its column holds: which it is, and where its way of writing is said."""

from __future__ import annotations

from jobs.config.sources.source import Conventions
from jobs.validate.mapping.columns import Mapping
from jobs.validate.rules.broken import called

NUMBERS = ("decimal", "double", "bigint", "int", "number")


def unread(mapping: Mapping) -> dict[str, str]:
    """For each mapped column, or attributes.NAME, what a row with an unreadable value is told; without the value."""
    sources = mapping.sources()
    return {one.label: called(one.label, sources) + _advice(one.type or "", one.conventions) for one in mapping.held()}


def _advice(type_: str, conventions: Conventions) -> str:
    if type_ in ("date", "timestamp"):
        kind = "date" if type_ == "date" else "moment"
        if conventions.dates:
            return f" is no {kind} in ISO 8601 nor as in `dates`: {', '.join(conventions.dates)}; add its pattern there"
        return f" is no {kind} in ISO 8601; say in `dates` how it is written, such as dd-MM-yyyy or seconds"
    if type_.startswith(NUMBERS):
        if conventions.decimal:
            return f" is no number with {conventions.decimal!r} as decimal mark, as `decimal` says"
        return " is no number such as 1234.56; say in `decimal` which mark it has"
    return ""
