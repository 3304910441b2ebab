"""A name in one piece as the given and the family name of a contact: `full_name` among its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from jobs.config.sources.name_words import GENERATIONS, PARTICLES, TITLES

FULL_NAME = "full_name"
"""What a source may map instead of the two columns of a contact that it fills."""
FIRST, LAST = "first_name", "last_name"
_TITLES = (*TITLES, "herr", "hr", "frau", "fr", "mme", "mlle", "madame", "monsieur", "heer", "dipl", "ds", "mag")
_PARTICLES = (
    *PARTICLES,
    "zu",
    "zur",
    "zum",
    "vom",
    "op",
    "in",
    "aan",
    "bij",
    "'t",
    "'s",
    "des",
    "les",
    "do",
    "af",
    "av",
)


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted((re.escape(word) for word in words), key=lambda word: (-len(word), word)))


_TITLE = f"(?i)^((de |the )?({_any(_TITLES)})[.]? )+"
_PARTICLE = f"(?:(?:{_any(_PARTICLES)}) )"
_WHOLE = f"(?i)^(.+?) ({_PARTICLE}*(?:[^ ]+-{_PARTICLE}+)?[^ ]+(?: (?:{_any(GENERATIONS)})[.]?)?)$"
_HAN = "^[\u4e00-\u9fff]{2,4}$"
PATTERNS = frozenset({_TITLE, _WHOLE, _HAN})
"""What is looked for in names: no text keeps these busy, though that takes more than reading their signs to tell."""


def with_full_names(source: Any) -> Any:
    """A source as YAML gives it, in which a `full_name` of contacts is `first_name` and `last_name`.

    One of the two that is mapped stays as it is mapped.
    """
    datasets = source.get("datasets") if isinstance(source, dict) else None
    if not isinstance(datasets, dict):
        return source
    contacts = datasets.get("contacts")
    if not isinstance(contacts, dict):
        return source
    columns = contacts.get("columns")
    if not isinstance(columns, dict) or FULL_NAME not in columns:
        return source
    whole = columns[FULL_NAME]
    if isinstance(whole, dict) and set(whole) != {"from"}:
        raise ValueError(f"datasets.contacts.columns.{FULL_NAME}: give it a column or an expression, and nothing else")
    text = whole["from"] if isinstance(whole, dict) else whole
    if not isinstance(text, str):
        return source
    parts = {FIRST: first_name(text), LAST: last_name(text)}
    rest = {name: value for name, value in columns.items() if name != FULL_NAME}
    return {**source, "datasets": {**datasets, "contacts": {**contacts, "columns": {**parts, **rest}}}}


def first_name(expression: str) -> str:
    """SQL for the given names: before the family name, or after a comma. A single word is a given name."""
    name = _tidy(expression)
    return (
        f"case when {name} like '%,%' then trim(regexp_extract({name}, '^[^,]*,(.*)$', 1)) "
        f"when regexp_like({name}, '{_HAN}') then substr({name}, 2) "
        f"when {name} like '% %' then regexp_extract({name}, {_quoted(_WHOLE)}, 1) else {name} end"
    )


def last_name(expression: str) -> str:
    """SQL for the family name, with its particles: `van der Berg`, `Jansen-de Boer`."""
    name = _tidy(expression)
    return (
        f"case when {name} like '%,%' then trim(regexp_extract({name}, '^([^,]*),', 1)) "
        f"when regexp_like({name}, '{_HAN}') then substr({name}, 1, 1) "
        f"when {name} like '% %' then regexp_extract({name}, {_quoted(_WHOLE)}, 2) end"
    )


def _tidy(expression: str) -> str:
    """SQL for the name with single blanks, without titles."""
    single = f"trim(regexp_replace(regexp_replace({expression}, '[ \u00a0]+', ' '), ' ?- ?', '-'))"
    return f"regexp_replace({single}, {_quoted(_TITLE)}, '')"


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"
