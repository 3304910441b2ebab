"""One guard for every SQL text in YAML: what it may say, and the text that the engine gets for it.

A text is parsed, and written anew from its tree: columns in backticks, texts with their escapes, functions of one list.
What has no way to be written is refused, so no query, table, comment or odd literal reaches an engine, whatever the
engine itself would understand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

from sqlglot import exp

from jobs.config.sql.functions import REFUSED, ROW, TYPES, Kind
from jobs.config.sql.grammar import KEYWORDS, NotSql, tree, words
from jobs.config.sql.writer import Writer, name_of
from jobs.config.yaml_files import ConfigError, nearest

__all__ = ["KEYWORDS", "columns_in", "engine_sql", "problem", "problems", "words"]


def problem(text: str, columns: Collection[str] | None = None, kind: Kind = ROW) -> str | None:
    """The first thing wrong with a text, or None. Without `columns` every name is one."""
    return next(iter(problems(text, columns, kind)), None)


def problems(text: str, columns: Collection[str] | None = None, kind: Kind = ROW) -> list[str]:
    """What is wrong with a text, one line each, with the nearest name that is right, or what to write instead."""
    try:
        parsed = parsed_text(text, kind)
    except NotSql as error:
        return [str(error)]
    found = problems_of(parsed, kind)
    if columns is not None:
        known = {column.lower() for column in columns}
        unknown = [name for name in columns_of(parsed) if name.lower() not in known]
        found += [_unknown(name, columns) for name in unknown]
    return list(dict.fromkeys(found))


def _unknown(name: str, columns: Collection[str]) -> str:
    if name.lower() in REFUSED:
        return f"{name} {REFUSED[name.lower()]}"
    return f"unknown column {name!r}{nearest(name, columns)}"


@cache
def engine_sql(text: str, kind: Kind = ROW) -> str:
    """The text as an engine gets it. Raises ConfigError if it says what it may not."""
    found = problems(text, None, kind)
    if found:
        raise ConfigError([f"{text.strip()!r}: {what}" for what in found])
    return written(parsed_text(text, kind), kind)


def columns_in(text: str, kind: Kind = ROW) -> list[str]:
    """The columns that a text names, each once. Raises ConfigError if it is no expression."""
    try:
        return columns_of(parsed_text(text, kind))
    except NotSql as error:
        raise ConfigError([f"{text.strip()!r}: {error}"]) from None


def parsed_text(text: str, kind: Kind = ROW) -> exp.Expr:
    """The tree of a text; a type used as a function is a cast. Raises NotSql."""
    if kind.plain:
        odd = next((sign for sign in ("\\", '"', "`") if sign in text), None)
        if odd:
            raise NotSql(_ODD[odd])
    return rewritten(tree(text), cast_of_function)


_ODD = {
    "\\": "'\\' is not allowed: in a pattern, write [.] or [0-9] instead of a backslash",
    '"': "'\"' is not allowed: write a text in single quotes, and a column without quotes",
    "`": "'`' is not allowed: write a column without quotes",
}


def problems_of(parsed: exp.Expr, kind: Kind = ROW) -> list[str]:
    """What in a tree is not allowed, one line each, whatever its columns are."""
    return list(dict.fromkeys(Writer(kind).problems(parsed)))


def columns_of(parsed: exp.Expr) -> list[str]:
    """The columns that a tree names, each once, in the order of the text; a path is one name: attributes.size."""
    return list(dict.fromkeys(name_of(column) for column in parsed.find_all(exp.Column, bfs=False)))


def rewritten(parsed: exp.Expr, change: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """The tree with `change` applied to each node, those inside first."""
    for node in reversed(list(parsed.walk(bfs=False))):
        changed = change(node)
        if changed is not node:
            if node is parsed:
                return changed
            node.replace(changed)
    return parsed


def written(parsed: exp.Expr, kind: Kind = ROW) -> str:
    """The text of a tree in the SQL that both engines understand the same. Raises NotSql for what is not allowed."""
    return Writer(kind).sql(parsed)


def cast_of_function(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and node.name.lower() in TYPES and len(node.expressions) == 1:
        return exp.Cast(this=node.expressions[0], to=exp.Var(this=node.name.lower()))
    return node
