"""Column expressions of `config/sources/`: which source columns they name, and the Spark SQL that they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jobs.yaml_files import ConfigError

TOKEN = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*")
      | (?P<quoted>`(?:[^`]|``)+`)
      | (?P<number>\d[\w.]*)
      | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*|\[\d+\])*)
      | (?P<space>\s+)
      | (?P<sign>->|::|.)""",
    re.VERBOSE | re.DOTALL,
)
BARE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*|\[\d+\])*|`(?:[^`]|``)+`")
KEYWORD = re.compile(
    "and|as|between|both|by|case|cast|distinct|div|else|end|escape|false|for|from|ilike|in|interval|is|leading|like|"
    "not|null|or|regexp|rlike|then|trailing|true|when",
    re.IGNORECASE,
)
SAFE = {"cast": "try_cast", "to_timestamp": "try_to_timestamp", "to_date": "try_to_timestamp"}
"""Functions that stop a query at the first bad value, and the ones that give NULL for it, so that it is one bad row."""


@dataclass(frozen=True)
class Expression:
    """One mapped value: `sql` over the source `columns`; `bare` if it is nothing but a column."""

    sql: str
    columns: tuple[str, ...]
    bare: bool


def parse(text: str, nested: bool = False) -> Expression:
    """The meaning of a value of `columns:` or `attributes:`.

    A name, or anything in backticks, is a source column. With `nested` (JSON, Parquet) `a.b` is field b inside a and
    `a[0]` the first item of a list; without it a column whose name has a dot or brackets. Raises ConfigError where a
    name with a space lacks its backticks.
    """
    text = text.strip()
    if BARE.fullmatch(text):
        sql, column = _column(text, nested)
        return Expression(sql, (column,), bare=True)
    tokens = [(found.lastgroup or "", found.group()) for found in TOKEN.finditer(text)]
    words = [index for index, (kind, _) in enumerate(tokens) if kind != "space"]
    parameters = _lambda_parameters([tokens[index] for index in words])
    columns: list[str] = []
    output = [token for _, token in tokens]
    for place, index in enumerate(words):
        kind, token = tokens[index]
        before = tokens[words[place - 1]] if place else ("", "")
        after = tokens[words[place + 1]] if place + 1 < len(words) else ("", "")
        if kind == "name" and after[1] == "(":
            output[index] = SAFE.get(token.lower(), token)
        elif _begins_window_part(tokens, words[place:]):
            continue
        elif kind == "quoted" or (kind == "name" and _is_column(token, before, parameters)):
            plain = after[0] in ("name", "quoted") and not KEYWORD.fullmatch(after[1])
            if plain and not _begins_window_part(tokens, words[place + 1 :]):
                name = f"`{token} {after[1]}`"
                raise ConfigError([f"{text!r}: write a column name that has a space in backticks, as {name}"])
            output[index], column = _column(token, nested)
            columns.append(column)
    return Expression("".join(output), tuple(dict.fromkeys(columns)), bare=False)


def source_columns(texts: Iterable[str], nested: bool = False) -> list[str]:
    """All source columns that the expressions name, each once, in order."""
    return list(dict.fromkeys(column for text in texts for column in parse(text, nested).columns))


def _begins_window_part(tokens: list[tuple[str, str]], words: list[int]) -> bool:
    """`partition by` or `order by`, as in sum(amount) over (partition by order_id); both are names of columns too."""
    first = [tokens[index][1].lower() for index in words[:2]]
    return first in (["partition", "by"], ["order", "by"])


def _is_column(token: str, before: tuple[str, str], parameters: set[str]) -> bool:
    """Not a keyword, the type after AS or `::`, a unit of an interval, a field of a value, a lambda's parameter."""
    if KEYWORD.fullmatch(token) or re.split(r"[.\[]", token)[0] in parameters:
        return False
    return before[0] not in ("string", "number") and before[1].lower() not in ("as", "::", ".")


def _column(token: str, nested: bool) -> tuple[str, str]:
    """The SQL for a column, and its name in the source."""
    if token.startswith("`"):
        return token, token[1:-1].replace("``", "`")
    name = re.split(r"[.\[]", token)[0]
    if nested and name != token:
        return f"get_json_object(`{name}`, '${token[len(name) :]}')", name
    return f"`{token}`", token


def _lambda_parameters(tokens: list[tuple[str, str]]) -> set[str]:
    """Names left of `->`: `x -> ...` or `(x, y) -> ...`."""
    names = set()
    for index, (_, token) in enumerate(tokens):
        if token != "->":
            continue
        position = index - 1
        inside = tokens[position][1] == ")"
        while position >= 0 and tokens[position][1] != "(":
            if tokens[position][0] == "name":
                names.add(tokens[position][1])
            if not inside:
                break
            position -= 1
    return names
