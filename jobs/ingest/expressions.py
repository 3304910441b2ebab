"""Column expressions of `config/sources/`: which source columns they name, and the Spark SQL that they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from jobs.config.yaml_files import ConfigError

NAME = r"(?:[^\W\d]\w*|`(?:[^`]|``)+`)"
PATH = rf"{NAME}(?:\.{NAME}|\[\d+\])*"
TOKEN = re.compile(
    rf"""(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*")
      | (?P<number>\d[\w.]*)
      | (?P<name>{PATH})
      | (?P<space>\s+)
      | (?P<sign>->|::|.)""",
    re.VERBOSE | re.DOTALL,
)
BARE = re.compile(PATH)
STEP = re.compile(rf"{NAME}|\[\d+\]")
PART = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)+`|\[\d+\]|\w+|\s+|.""", re.DOTALL)
KEYWORD = re.compile(
    "and|as|between|both|by|case|cast|distinct|div|else|end|escape|false|for|from|ilike|in|interval|is|leading|like|"
    "not|null|or|regexp|rlike|then|trailing|true|when",
    re.IGNORECASE,
)
SAFE = {
    "cast": "try_cast",
    "element_at": "try_element_at",
    "parse_url": "try_parse_url",
    "to_date": "try_to_timestamp",
    "to_number": "try_to_number",
    "to_timestamp": "try_to_timestamp",
}
"""Functions that stop a query at the first bad value, and the ones that give NULL for it, so that it is one bad row."""
TYPES = ("bigint", "boolean", "date", "double", "float", "int", "smallint", "timestamp", "tinyint")
"""Types that can be written as functions, int(x) for cast(x as int)."""


@dataclass(frozen=True)
class Expression:
    """One mapped value: `sql` over the source `columns`; `bare` if it is nothing but a column.

    `fields` are those inside nested columns, by their paths as written.
    """

    sql: str
    columns: tuple[str, ...]
    bare: bool
    fields: tuple[str, ...] = ()


def parse(text: str, nested: bool = False) -> Expression:
    """The meaning of a value of `columns:` or `attributes:`.

    A name, or anything in backticks, is a source column. With `nested` (JSON, Parquet) `a.b` is field b inside a and
    `a[0]` the first item of a list; without it a column whose name has a dot or brackets. An item that a list does not
    have is NULL. Raises ConfigError where a name with a space lacks its backticks.
    """
    text = text.strip()
    if BARE.fullmatch(text):
        sql, column = _column(text, nested)
        return Expression(sql, (column,), bare=True, fields=_fields([text], nested))
    tokens = [(found.lastgroup or "", found.group()) for found in TOKEN.finditer(text)]
    words = [index for index, (kind, _) in enumerate(tokens) if kind != "space"]
    parameters = _lambda_parameters([tokens[index] for index in words])
    columns: list[str] = []
    written: list[str] = []
    output = [token for _, token in tokens]
    for place, index in enumerate(words):
        kind, token = tokens[index]
        before = tokens[words[place - 1]] if place else ("", "")
        after = tokens[words[place + 1]] if place + 1 < len(words) else ("", "")
        if kind == "name" and after[1] == "(":
            output[index] = SAFE.get(token.lower(), token)
        elif _begins_window_part(tokens, words[place:]):
            continue
        elif kind == "name" and _is_column(token, before, parameters):
            plain = after[0] == "name" and not KEYWORD.fullmatch(after[1])
            if plain and not _begins_window_part(tokens, words[place + 1 :]):
                name = f"`{token} {after[1]}`"
                raise ConfigError([f"{text!r}: write a column name that has a space in backticks, as {name}"])
            output[index], column = _column(token, nested)
            columns.append(column)
            written.append(token)
    sql, fields = _total("".join(output)), _fields(written, nested)
    return Expression(sql, tuple(dict.fromkeys(columns)), bare=False, fields=fields)


def source_columns(texts: Iterable[str], nested: bool = False) -> list[str]:
    """All source columns that the expressions name, each once, in order."""
    return list(dict.fromkeys(column for text in texts for column in parse(text, nested).columns))


def source_fields(texts: Iterable[str]) -> list[str]:
    """All fields inside nested columns that the expressions name, each once, in order."""
    return list(dict.fromkeys(path for text in texts for path in parse(text, nested=True).fields))


@cache
def steps(path: str) -> tuple[str | int, ...]:
    """The way from a record to the value of a path: names of fields, and places in lists."""
    found = STEP.findall(path)
    return tuple(int(s[1:-1]) if s.startswith("[") else _unquoted(s).replace("``", "`") for s in found)


def complaint(error: Exception) -> str:
    """What the engine says of an expression, without the list of all that it would have understood."""
    said = re.split(r",? expected ", str(error).strip().splitlines()[0])[0]
    return f"{said}; a column name with spaces or signs is written in backticks"


def _begins_window_part(tokens: list[tuple[str, str]], words: list[int]) -> bool:
    """`partition by` or `order by`, as in sum(amount) over (partition by order_id); both are names of columns too."""
    first = [tokens[index][1].lower() for index in words[:2]]
    return first in (["partition", "by"], ["order", "by"])


def _is_column(token: str, before: tuple[str, str], parameters: set[str]) -> bool:
    """Not a keyword, the type after AS or `::`, a unit of an interval, a field of a value, a lambda's parameter."""
    if KEYWORD.fullmatch(token) or STEP.findall(token)[0] in parameters or before[1] == ".":
        return False
    return token.startswith("`") or (before[0] not in ("string", "number") and before[1].lower() not in ("as", "::"))


def _column(token: str, nested: bool) -> tuple[str, str]:
    """The SQL for a column, and its name in the source."""
    first, *inside = STEP.findall(token)
    if not nested and not first.startswith("`"):
        return f"`{token}`", token
    column, name = f"`{_unquoted(first)}`", _unquoted(first).replace("``", "`")
    if not inside or not nested:
        return column + token[len(first) :], name
    path = "".join(step if step.startswith("[") else _field(_unquoted(step)) for step in inside)
    return f"get_json_object({column}, '${path}')", name


def _fields(written: list[str], nested: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token for token in written if nested and len(STEP.findall(token)) > 1))


def _unquoted(name: str) -> str:
    return name[1:-1] if name.startswith("`") else name


def _field(name: str) -> str:
    """A field as a JSON path inside a text of SQL has it."""
    name = name.replace("``", "`").replace("'", r"\'")
    return rf"[\'{name}\']" if re.search(r"[.\[\]]", name) else f".{name}"


def _total(sql: str) -> str:
    """The same SQL with NULL where `xs[1]` is beyond the end of xs, or x of int(x) is no int; else the query stops."""
    tokens = [found.group() for found in PART.finditer(sql)]
    begins: list[int] = []  # for each open parenthesis the token at which what it belongs to begins
    begin = 0  # the same of the value that has just ended
    for index, token in enumerate(tokens):
        previous = tokens[index - 1] if index else ""
        if token == "(":
            begins.append(index - 1 if re.fullmatch(r"\w+", previous) else index)
        elif token == ")" and begins:
            begin = begins.pop()
            if tokens[begin].lower() in TYPES:
                tokens[index] = f" as {tokens[begin]})"
                tokens[begin] = "try_cast"
        elif re.fullmatch(r"\[\d+\]", token):
            tokens[begin] = f"get({tokens[begin]}"
            tokens[index] = f", {token[1:-1]})"
        elif token != "." and previous != ".":
            begin = index
    return "".join(tokens)


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
