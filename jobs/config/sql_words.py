"""SQL text of a configuration file, let through only word by word.

A text that reaches the engine is made of known columns, literals, comparison and boolean operators and a few functions
that always give the same answer. Queries, comments, quoted names and all other functions are refused before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from jobs.config.yaml_files import nearest

KEYWORDS = frozenset(
    ("and", "or", "not", "in", "is", "null", "between", "like", "true", "false", "case", "when", "then", "else", "end")
)
_TOKEN = re.compile(
    r"""\s+ | (?P<comment>--|/\*|\*/|//) | (?P<text>'(?:[^'\\]|'')*') | (?P<number>(?:\d+\.?\d*|\.\d+)(?![\w.]))
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*) | (?P<operator><=|>=|<>|!=|[-=<>+*/%(),]) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def words(sql: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of every token: text, number, word, operator, comment or other."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup:
            yield match.lastgroup, match.group()


def forbidden_words(
    sql: str, columns: Collection[str], functions: Collection[str], keywords: Collection[str] = KEYWORDS
) -> list[str]:
    """What in the text is not allowed, one line each, with the nearest name that is."""
    found = []
    tokens = list(words(sql))
    for position, (kind, text) in enumerate(tokens):
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if kind == "comment":
            found.append(f"{text!r} is not allowed: write comments as YAML comments")
        elif kind == "other":
            found.append(f"{text!r} is not allowed; a rule has columns, numbers, 'text', operators and functions")
        elif kind == "word":
            found += _unknown(text, following == "(", columns, functions, keywords)
    return list(dict.fromkeys(found))


def _unknown(
    word: str, called: bool, columns: Collection[str], functions: Collection[str], keywords: Collection[str]
) -> list[str]:
    name = word.lower()
    if name in keywords:
        return []
    if called and name not in functions:
        return [f"unknown function {word!r}{nearest(name, functions)}"]
    if not called and name not in columns:
        return [f"unknown column {word!r}{nearest(name, columns)}"]
    return []
