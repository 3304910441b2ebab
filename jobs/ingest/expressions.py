"""Column expressions of `config/sources/`: which source columns they name, and the Spark SQL that they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from sqlglot import exp

from jobs.config.sql.advice import is_text
from jobs.config.sql.functions import SOURCE
from jobs.config.sql.grammar import NotSql
from jobs.config.sql.guard import parsed_text, problems_of, rewritten, written
from jobs.config.sql.writer import quoted
from jobs.config.yaml_files import ConfigError

NAME = r"(?:[^\W\d]\w*|`(?:[^`]|``)+`)"
PATH = rf"{NAME}(?:\.{NAME}|\[\d+\])*"
BARE = re.compile(PATH)
BACKTICKS = "a column name with spaces or signs is written in backticks"
STEP = re.compile(rf"{NAME}|\[\d+\]")
SAFE = {
    "element_at": "try_element_at",
    "parse_url": "try_parse_url",
    "to_date": "try_to_timestamp",
    "to_number": "try_to_number",
    "to_timestamp": "try_to_timestamp",
}
"""Functions that stop a query at the first bad value, and the ones that give NULL for it, so that it is one bad row."""
JOINING = ("concat", "concat_ws")
NO_VALUE = ("coalesce", "ifnull", "nvl")
"""Functions that ask whether there is a value: an empty or blank text is none, as in a mapped column."""
OPTIONAL = re.compile(r"\b(case|if|iff|nullif|nvl2|get_json_object|element_at|try_element_at|get)\b", re.IGNORECASE)
"""What may mean NULL although the columns it reads have values."""


@dataclass(frozen=True)
class Expression:
    """One mapped value: `sql` over the source `columns`; `bare` if it is nothing but a column.

    `optional` if it may mean NULL although its columns have values.

    `fields` are those inside nested columns, by their paths. `reads` are the columns of the SQL, each with the way
    to it in a record: source columns by their names, fields inside one as `$.a.b`. `partners` are columns of lookups,
    as `lookup.column`, each with its lookup and the way in the record of that.
    """

    sql: str
    columns: tuple[str, ...]
    bare: bool
    optional: bool = False
    fields: tuple[str, ...] = ()
    reads: tuple[tuple[str, Path], ...] = ()
    partners: tuple[tuple[str, str, Path], ...] = ()


Path = tuple[str | int, ...]
INSIDE = "$."
"""How the column of a field inside another begins."""


def parse(
    text: str,
    nested: bool = False,
    renamed: Callable[[str], str] = str,
    lookups: Iterable[str] = (),
    texts: bool = True,
    every: bool = False,
) -> Expression:
    """The meaning of a value of `columns:` or `attributes:`, or of a condition of `rules:`.

    A name, or anything in backticks, is a source column. With `nested` (JSON, Parquet) `a.b` is field b inside a and
    `a[0]` the first item of a list; without it a column whose name has a dot or brackets. An item that a list does not
    have is NULL. In the SQL a column has the name that `renamed` gives it; NAME.column is one of a lookup if NAME is
    among `lookups`. Where all columns are `texts`, as in files, an empty one is no value for coalesce and `is null`,
    and a text joined of columns is none if all of these are empty; with `every`, if any is, as for ids of people: all
    rows that lack a part would be of one person. Raises ConfigError for what SQL of YAML may not say.
    """
    return _parsed(text.strip(), nested, renamed, frozenset(lookups), texts, every)


@cache
def _parsed(
    text: str, nested: bool, renamed: Callable[[str], str], lookups: frozenset[str], texts: bool, every: bool
) -> Expression:
    bare = BARE.fullmatch(text) is not None
    columns: dict[str, None] = {}
    fields: dict[str, None] = {}
    reads: dict[str, Path] = {}
    partners: dict[str, tuple[str, Path]] = {}

    def value(path: Path) -> exp.Expr:
        if path[0] in lookups and len(path) > 1:
            partners[_shown(path)] = (str(path[0]), path[1:])
            return exp.Column(this=exp.to_identifier(_shown(path), quoted=True))
        column, inside = (str(path[0]), path[1:]) if nested else (_joined(path), ())
        columns[column] = None
        if inside:
            fields[_shown(path)] = None
        name = renamed(f"{INSIDE}{_shown(path)}" if inside else column)
        reads[name] = path if inside else (column,)
        return exp.Column(this=exp.to_identifier(name, quoted=True))

    try:
        if bare:
            found = value(steps(text))
        else:
            found = parsed_text(text, SOURCE)
            wrong = problems_of(found, SOURCE)
            if wrong:
                raise ConfigError([f"{text!r}: {what}" for what in wrong])
            found = rewritten(_with_values(found, value), _safe)
        optional = OPTIONAL.search(written(found, SOURCE)) is not None
        if texts and not bare:
            known = dict.fromkeys((*reads, *partners), "string")
            found = rewritten(found, lambda node: _joined_of_nothing(_no_value(node, known), known, every))
        sql = written(found, SOURCE)
        return Expression(sql, tuple(columns), bare, optional, tuple(fields), tuple(reads.items()), _listed(partners))
    except NotSql as error:
        advice = "" if "`" in str(error) else f"; {BACKTICKS}"
        raise ConfigError([f"{text!r}: {error}{advice}"]) from None


def source_columns(texts: Iterable[str], nested: bool = False, lookups: Iterable[str] = ()) -> list[str]:
    """All source columns that the expressions name, each once, in order; not those of `lookups`."""
    return list(dict.fromkeys(column for text in texts for column in parse(text, nested, str, lookups).columns))


def source_fields(texts: Iterable[str], lookups: Iterable[str] = ()) -> list[str]:
    """All fields inside nested columns that the expressions name, each once, in order; not those of `lookups`."""
    return list(dict.fromkeys(path for text in texts for path in parse(text, True, str, lookups).fields))


def _listed(partners: dict[str, tuple[str, Path]]) -> tuple[tuple[str, str, Path], ...]:
    return tuple((name, lookup, way) for name, (lookup, way) in partners.items())


@cache
def steps(path: str) -> Path:
    """The way from a record to the value of a path: names of fields, and places in lists."""
    return tuple(int(s[1:-1]) if s.startswith("[") else _unquoted(s) for s in STEP.findall(path))


def _with_values(parsed: exp.Expr, value: Callable[[Path], exp.Expr]) -> exp.Expr:
    """The tree where each column, with the way into it, is what `value` makes of its path."""
    within = {id(node): path for node in parsed.walk(bfs=False) if (path := _path(node))}
    tops = [node for node in parsed.walk(bfs=False) if id(node) in within and id(node.parent) not in within]
    for node in tops:
        made = value(within[id(node)])
        if node is parsed:
            return made
        node.replace(made)
    return parsed


def _path(node: exp.Expr) -> Path | None:
    """The path of a column or of what is inside of one; None for all other nodes."""
    if isinstance(node, exp.Column):
        return tuple(part.name for part in node.parts)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        outer = _path(node.this)
        return (*outer, node.expression.name) if outer else None
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1 and node.expressions[0].is_int:
        outer = _path(node.this)
        return (*outer, int(node.expressions[0].name)) if outer else None
    return None


def _safe(node: exp.Expr) -> exp.Expr:
    """Instead of what stops a query at a bad value, what gives NULL for it."""
    if type(node) is exp.Cast:
        return exp.TryCast(this=node.this, to=node.args["to"])
    if isinstance(node, exp.Anonymous) and node.name.lower() in SAFE:
        node.set("this", SAFE[node.name.lower()])
    return node


def _no_value(node: exp.Expr, texts: Mapping[str, str]) -> exp.Expr:
    """Where it is asked whether a text is there, one that is empty or blank is not."""
    if isinstance(node, exp.Anonymous) and node.name.lower() in NO_VALUE:
        node.set("expressions", [*(_filled(one, texts) for one in node.expressions[:-1]), *node.expressions[-1:]])
    elif isinstance(node, exp.Anonymous) and node.name.lower() in ("isnull", "isnotnull") and node.expressions:
        node.set("expressions", [_filled(node.expressions[0], texts)])
    elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        node.set("this", _filled(node.this, texts))
    return node


def _joins(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.DPipe) or (isinstance(node, exp.Anonymous) and node.name.lower() in JOINING)


def _joined_of_nothing(node: exp.Expr, texts: Mapping[str, str], every: bool) -> exp.Expr:
    """A text joined of columns, where these have values. Those inside a condition or coalesce may be empty."""
    if not _joins(node) or any(_joins(above) for above in _above(node)):
        return node
    asked = {}
    for column in node.find_all(exp.Column):
        between = [above for above in _above(column) if above.depth > node.depth]
        chosen = (
            isinstance(above, (exp.Case, exp.If, exp.Predicate)) or above.name.lower() in NO_VALUE for above in between
        )
        if column.name in texts and not any(chosen):
            asked[column.name] = exp.Not(this=exp.Is(this=_filled(column, texts), expression=exp.Null()))
    if not asked:
        return node
    both = exp.and_(*asked.values(), copy=False) if every else exp.or_(*asked.values(), copy=False)
    return exp.Case(ifs=[exp.If(this=both, true=node.copy())])


def _above(node: exp.Expr) -> Iterator[exp.Expr]:
    above = node.parent
    while above is not None:
        yield above
        above = above.parent


def _filled(node: exp.Expr, texts: Mapping[str, str]) -> exp.Expr:
    if not is_text(node, texts) or isinstance(node, exp.Literal):
        return node
    trimmed = exp.Anonymous(this="trim", expressions=[node.copy()])
    return exp.Anonymous(this="nullif", expressions=[trimmed, exp.Literal.string("")])


def _joined(path: Path) -> str:
    """The name of a column that has dots and brackets in it."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" if place else s for place, s in enumerate(path))


def _shown(path: Path) -> str:
    """The path as `steps` reads it."""
    names = [s if isinstance(s, int) or re.fullmatch(r"[^\W\d]\w*", s) else quoted(s) for s in path]
    return _joined(tuple(names))


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
