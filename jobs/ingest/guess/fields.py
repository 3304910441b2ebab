"""What the values of one field of a sample look like: how many, how different, and of which kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any

from jobs.config.sources.date_patterns import EPOCHS, compiled, month_names
from jobs.config.sql.writer import quoted
from jobs.ingest.guess.samples import Sample

DEEPEST = 6
MOST = 400
"""Fields of a record that are looked at."""
SHARE = 0.9
"""Of the values, how many must be of a kind for the field to be."""
ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)?(\[[\w/]+\])?"
)
KINDS: dict[str, re.Pattern[str]] = {
    "email": re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}"),
    "emails": re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}([,;|]\s*[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,})*"),
    "url": re.compile(r"(https?://|www\.)\S+|/\S*", re.I),
    "hash": re.compile(r"[0-9a-f]{32,128}", re.I),
    "number": re.compile(r"[-+]?(\d+(\.\d+)?|\.\d+)([eE][-+]?\d+)?"),
    "comma": re.compile(r"[-+]?\s*+([€$£]\s*+)?(\d{1,3}([. ]\d{3})+|\d+)(,\d{1,4})?-?\s*[€$£]?"),
    "point": re.compile(r"[-+]?\s*+([€$£]\s*+)?(\d{1,3}(,\d{3})+|\d+)(\.\d{1,4})?-?\s*[€$£]?"),
    "boolean": re.compile(r"true|false|yes|no|y|n|t|f|0|1|ja|nee|nein|oui|non|waar|onwaar|wahr|falsch|on|off", re.I),
    "phone": re.compile(r"(\+|00?)?[\d(][\d\s().\-/]{6,19}"),
    "agent": re.compile(r"\w+/[\d.]+ ?\(.*"),
    "postcode": re.compile(
        r"\d{4}\s?[A-Za-z]{2}|\d{4,5}(-\d{3,4})?|[A-Za-z]{1,2}\d[A-Za-z\d]?\s?\d[A-Za-z]{2}|\d{3}\s?\d{2}"
    ),
    "language": re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?", re.I),
    "currency": re.compile(r"[A-Za-z]{3}|[€$£]"),
}
PATTERNS = (
    *("dd-MM-yyyy", "d-M-yyyy", "dd/MM/yyyy", "d/M/yyyy", "dd.MM.yyyy", "d.M.yyyy", "MM/dd/yyyy", "M/d/yyyy"),
    *(
        "yyyy/MM/dd",
        "yyyyMMdd",
        "dd-MM-yy",
        "dd/MM/yy",
        "dd.MM.yy",
        "MM/dd/yy",
        "d MMMM yyyy",
        "d MMM yyyy",
        "MMM d, yyyy",
    ),
    *("dd-MMM-yyyy", "dd-MMM-yy", "d. MMMM yyyy", "MMMM d, yyyy", "yyyy-MM-d", "yyyy-M-d"),
)
CLOCKS = (
    "",
    " HH:mm",
    " HH:mm:ss",
    " H:mm",
    " H:mm:ss",
    " h:mm a",
    " hh:mm a",
    "'T'HH:mm:ss",
    ", HH:mm",
    ", HH:mm:ss",
    " HH:mm:ss.SSS",
)
UNITS = {name: 1_000_000 // micros if micros > 1 else 1_000_000 for name, micros in EPOCHS.items()}


@dataclass
class Field:
    """One field: its path, its expression in SQL, and what its values are like."""

    path: tuple[str, ...]
    expression: str
    values: list[str] = field(default_factory=list, repr=False)
    count: int = 0
    """Records it was looked for in."""
    lists: bool = False
    """Whether its values are lists or objects."""

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def filled(self) -> float:
        return len(self.values) / self.count if self.count else 0.0

    @property
    def different(self) -> set[str]:
        return set(self.values)

    @property
    def unique(self) -> bool:
        """Whether no two records have the same value, as far as the sample shows."""
        return bool(self.values) and len(self.different) == len(self.values)

    def like(self, kind: str) -> bool:
        """Whether almost all values are of this kind of KINDS; not if there are none."""
        return bool(self.values) and _share(self, KINDS[kind]) >= SHARE

    @cached_property
    def dates(self) -> list[str] | None:
        """The patterns of `dates` that read its values: none for ISO 8601; None if they are no days or moments."""
        return _dates(self.values[:300]) if self.values else None

    @property
    def ambiguous(self) -> bool:
        """Whether its days could as well be written the other way round: no day is above 12."""
        found = self.dates or []
        return any(re.match(r"(dd|d)[-/.](MM|M)", one) for one in found) and _all(_swapped(found[0]), self.values)

    @property
    def decimal(self) -> str | None:
        """Its decimal mark, where it is not that of 1234.56; None too if it holds no numbers."""
        if not self.values or self.like("number"):
            return None
        return (
            ","
            if self.like("comma") and any("," in value for value in self.values)
            else "."
            if self.like("point")
            else None
        )

    @property
    def numeric(self) -> bool:
        return self.like("number") or self.decimal is not None

    @property
    def text(self) -> bool:
        """Whether values are sentences more than words."""
        return bool(self.values) and sum(value.count(" ") for value in self.values) / len(self.values) >= 2.2

    @property
    def examples(self) -> list[str]:
        return [value for value, _ in Counter(self.values).most_common(3)]


def _share(one: Field, pattern: re.Pattern[str]) -> float:
    seen = one.values[:300]
    return sum(pattern.fullmatch(value.strip()) is not None for value in seen) / len(seen)


def _dates(values: list[str]) -> list[str] | None:
    if sum(ISO.fullmatch(value) is not None and _is_day(value) for value in values) >= SHARE * len(values):
        return []
    if all(re.fullmatch(r"\d{9,17}(\.\d+)?", value) for value in values):
        now = datetime.now(UTC) + timedelta(days=366 * 5)
        for unit, size in (("seconds", 1), ("milliseconds", 1_000), ("microseconds", 1_000_000)):
            if all(631152000 <= float(value) / size <= now.timestamp() for value in values):
                return [unit]
    for pattern in _every_pattern():
        if _all(pattern, values):
            return [pattern]
    return None


def _is_day(value: str) -> bool:
    try:
        datetime.strptime(value[:10], "%Y-%m-%d")
    except ValueError:
        return False
    return True


@cache
def _every_pattern() -> tuple[str, ...]:
    return tuple(day + clock for day in PATTERNS for clock in CLOCKS)


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(compiled(pattern).regex.replace(r"\p{L}", r"[^\W\d_]"))


def _all(pattern: str, values: Iterable[str]) -> bool:
    expression, months = _regex(pattern), month_names()
    place = compiled(pattern).groups.get("M", 0)
    names = compiled(pattern).names
    for value in values:
        found = expression.match(value)
        if found is None or (names and found[place].lower().rstrip(".") not in months):
            return False
    return True


def _swapped(pattern: str) -> str:
    return re.sub(r"^(d+)(.)(M+)", r"\3\2\1", pattern)


def fields_of(sample: Sample) -> list[Field]:
    """The fields of the records, in their order; of a list of objects those of its first item."""
    found: dict[tuple[str, ...], Field] = {}
    for record in sample.records:
        _collect(record, (), "", found, sample.nested)
    for one in found.values():
        one.count = len(sample.records)
    return [one for one in found.values() if not one.lists][:MOST]


def _collect(
    value: dict[str, Any], path: tuple[str, ...], at: str, found: dict[tuple[str, ...], Field], nested: bool
) -> None:
    for name, child in value.items():
        way = (*path, name)
        step = _step(name)
        expression = f"{at}.{step}" if at else step
        _one(child, way, expression, found, nested)


def _one(child: Any, way: tuple[str, ...], expression: str, found: dict[tuple[str, ...], Field], nested: bool) -> None:
    if isinstance(child, dict) and nested:
        if len(way) <= DEEPEST:
            _collect(child, way, expression, found, nested)
        return
    if isinstance(child, list) and child and nested:
        if not isinstance(child[0], list):
            _one(child[0], (*way[:-1], f"{way[-1]}[0]"), f"{expression}[0]", found, nested)
        return
    one = found.setdefault(way, Field(way, expression))
    if child is None or child == "" or (isinstance(child, str) and not child.strip()):
        return
    if isinstance(child, list):
        return
    one.values.append(str(child).lower() if isinstance(child, bool) else str(child).strip())


def _step(name: str) -> str:
    return name if re.fullmatch(r"[^\W\d]\w*", name) else quoted(name)
