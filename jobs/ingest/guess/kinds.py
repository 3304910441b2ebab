"""What the values of each column are, and how well those of a field fit that."""

from __future__ import annotations

from typing import Any

from jobs.ingest.guess.fields import Field
from jobs.ingest.guess.words import vocabulary
from jobs.lake.tables.canonical import CANONICAL

TEXTS = ("text", "comment", "title", "topic", "name", "proof")
NAMES = ("first_name", "last_name", "full_name", "city", "street")
BY_PATTERN = {
    "url": ("url", 1.05, 0.0),
    "currency": ("currency", 1.05, 0.0),
    "language": ("language", 1.0, 0.0),
    "postcode": ("postcode", 1.05, 0.7),
    "user_agent": ("agent", 1.05, 0.0),
    "boolean": ("boolean", 1.0, 0.0),
}
"""Kinds that one pattern tells: the pattern, and how well values fit that are like it, and others."""


def column_kinds(dataset: str) -> dict[str, str]:
    """Each column of a dataset that may be guessed, by what its values are."""
    known = vocabulary()[dataset]["columns"]
    types = {column.name: column.type for column in CANONICAL[dataset].columns}
    types["full_name"] = "string"
    values = vocabulary()[dataset].get("values", {})
    return {name: _kind(name, types[name], values) for name in known if name in types}


def _kind(name: str, type_: str, values: dict[str, Any]) -> str:
    if type_ in ("timestamp", "date"):
        return "moment"
    if type_.startswith(("decimal", "double", "bigint")):
        return "number"
    if name in ("email", "phone", "country", "currency", "language", "postcode", "other_emails", "user_agent"):
        return name
    if name in ("url", "referrer"):
        return "url"
    if name in NAMES:
        return "name"
    if type_ == "boolean":
        return "boolean"
    if name.endswith(("_id", "_ids")) or name in ("credits", "merged_into"):
        return "id"
    return "word" if name in values else "text" if name in TEXTS else "free"


def fits(kind: str, one: Field) -> float:
    """How well values are what a column of this kind holds: above 1 they speak for it by themselves, 0 they cannot."""
    if not one.values:
        return 0.85
    if kind == "moment":
        return 0.0 if one.dates is None else 1.05
    if kind == "number":
        return 1.0 if one.numeric and (one.dates is None or (one.like("number") and len(one.values[0]) < 9)) else 0.0
    if kind == "email":
        return 1.15 if one.like("email") else 0.45 if one.like("hash") else _hidden(one)
    if kind == "other_emails":
        return 1.1 if one.like("emails") else 0.0
    if kind == "phone":
        return 1.05 if one.like("phone") and one.dates is None else 0.0
    if one.like("email") or (one.dates is not None and kind not in ("id", "free")):
        return 0.0
    if kind in BY_PATTERN:
        pattern, if_like, otherwise = BY_PATTERN[kind]
        return if_like if one.like(pattern) else otherwise
    if kind == "country":
        return 0.0 if one.numeric or one.like("url") else 1.0
    if kind == "name":
        return 0.0 if one.numeric or one.like("url") or one.like("boolean") else 1.0
    if kind == "id":
        return 0.0 if one.text or (one.like("boolean") and len(one.different) < 3 and len(one.values) > 3) else 1.0
    if kind == "word":
        return 0.0 if (one.text and len(one.different) > 12) or (one.like("boolean") and one.numeric) else 1.0
    if kind == "text":
        return 0.0 if one.like("boolean") and len(one.values) > 1 and not one.like("number") else 1.0
    return 1.0


def _hidden(one: Field) -> float:
    """Addresses made unreadable: one word of many signs each."""
    return 0.45 if all(len(value) >= 16 and " " not in value for value in one.values[:20]) else 0.0
