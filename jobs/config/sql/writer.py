"""Writes the tree of an expression as SQL that both engines read the same; what it does not know is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from jobs.config.sql.functions import AGGREGATES, TYPES, Kind, not_allowed
from jobs.config.sql.grammar import NotSql
from jobs.config.yaml_files import nearest

_BINARY: dict[type[exp.Expr], str] = {
    exp.And: "and",
    exp.Or: "or",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.IntDiv: "div",
    exp.DPipe: "||",
    exp.Is: "is",
    exp.Like: "like",
    exp.ILike: "ilike",
    exp.RegexpLike: "rlike",
    exp.Escape: "escape",
}
_FLAGS: dict[type[exp.Expr], set[str]] = {
    exp.Div: {"typed", "safe"},
    exp.DPipe: {"safe"},
    exp.Like: {"negate"},
    exp.ILike: {"negate"},
}
"""What sqlglot notes of an operator beside its two sides."""
_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL = re.compile(r"decimal(\([0-9]{1,2}(,[0-9]{1,2})?\))?")
_UNITS = frozenset(
    f"{unit}{many}" for unit in ("year", "month", "week", "day", "hour", "minute", "second") for many in ("", "s")
)
_FRAME = frozenset(("UNBOUNDED", "CURRENT ROW"))


class Writer:
    """Writes the nodes it knows, each only with the parts it knows."""

    def __init__(self, kind: Kind):
        self.kind = kind
        self.writers: dict[type[exp.Expr], Callable[..., str]] = {
            exp.Column: self._column,
            exp.Identifier: lambda node: quoted(node.name),
            exp.Literal: self._literal,
            exp.Boolean: lambda node: "true" if node.this else "false",
            exp.Null: lambda node: "null",
            exp.Not: self._not,
            exp.Neg: lambda node: f"- {self.sql(node.this)}",
            exp.Paren: self._brackets,
            exp.In: lambda node: self._in(node, ""),
            exp.Between: lambda node: self._between(node, ""),
            exp.Case: self._case,
            exp.Cast: lambda node: self._cast("cast", node),
            exp.TryCast: lambda node: self._cast("try_cast", node),
            exp.Interval: self._interval,
            exp.Dot: self._dot,
            exp.Bracket: self._bracket,
            exp.Anonymous: lambda node: self._call(node, self.kind.aggregates),
            exp.Lambda: self._lambda,
            exp.Filter: self._filter,
            exp.Window: self._window,
        }

    def problems(self, parsed: exp.Expr) -> Iterator[str]:
        """What is not allowed: all functions first, then the first thing that cannot be written."""
        names = {node.name.lower(): None for node in parsed.find_all(exp.Anonymous, bfs=False)}
        unknown = [name for name in names if name not in self.kind.all]
        yield from (not_allowed(name, self.kind.all) for name in unknown)
        if not unknown:
            try:
                self.sql(parsed)
            except NotSql as error:
                yield str(error)

    def sql(self, node: exp.Expr | None) -> str:
        if node is None:
            raise NotSql("not valid SQL: a value is missing")
        kind = type(node)
        if kind in _BINARY:
            return self._chain(node)
        if kind in (exp.BitwiseLeftShift, exp.BitwiseRightShift):  # sqlglot reads "> >" so
            raise NotSql("not valid SQL: a value is missing between two signs of comparison")
        if kind not in self.writers:
            raise NotSql(f"{_shown(node)} is not allowed; columns, numbers, 'text', operators and functions are")
        return self.writers[kind](node)

    def _list(self, nodes: list[exp.Expr]) -> str:
        return ", ".join(self.sql(node) for node in nodes)

    def _column(self, node: exp.Column) -> str:
        _only(node, {"this", "table", "db", "catalog"})
        if not all(type(part) is exp.Identifier for part in node.parts):
            raise NotSql(f"{_shown(node)} is not allowed; name a column")
        return quoted(name_of(node))

    def _literal(self, node: exp.Literal) -> str:
        if node.is_string:
            return text_literal(node.this)
        if not _NUMBER.fullmatch(node.this):
            raise NotSql(f"{node.this!r} is no number")
        return str(node.this)

    def _chain(self, node: exp.Expr) -> str:
        """a or b or c ...: however many there are, without a call inside a call for each."""
        parts: list[str] = []
        while type(node) in _BINARY:
            kind = type(node)
            _only(node, {"this", "expression", *_FLAGS.get(kind, ())})
            if isinstance(node, exp.Is) and not isinstance(node.expression, exp.Null | exp.Boolean):
                raise NotSql("`is` goes with null, true and false only")
            no = "not " if node.args.get("negate") else ""
            parts += [self.sql(node.expression), no + _BINARY[kind]]
            node = node.this
        return " ".join([self.sql(node), *reversed(parts)])

    def _not(self, node: exp.Not) -> str:
        inner = node.this
        if isinstance(inner, exp.Is):
            _only(inner, {"this", "expression"})
            return f"{self.sql(inner.this)} is not {self.sql(inner.expression)}"
        if isinstance(inner, exp.RegexpLike):
            _only(inner, {"this", "expression"})
            return f"{self.sql(inner.this)} not rlike {self.sql(inner.expression)}"
        if isinstance(inner, exp.In):
            return self._in(inner, "not ")
        if isinstance(inner, exp.Between):
            return self._between(inner, "not ")
        return f"not {self.sql(inner)}"

    def _brackets(self, node: exp.Paren) -> str:
        _only(node, {"this"})
        if not node.meta.get("written"):
            raise NotSql(f"write brackets around {_shown(node.this)}: two comparisons in a row are read in two ways")
        return f"({self.sql(node.this)})"

    def _in(self, node: exp.In, no: str) -> str:
        _only(node, {"this", "expressions"})
        if not node.expressions:
            raise NotSql("in (...) needs a list of values")
        return f"{self.sql(node.this)} {no}in ({self._list(node.expressions)})"

    def _between(self, node: exp.Between, no: str) -> str:
        _only(node, {"this", "low", "high"})
        return f"{self.sql(node.this)} {no}between {self.sql(node.args['low'])} and {self.sql(node.args['high'])}"

    def _case(self, node: exp.Case) -> str:
        _only(node, {"this", "ifs", "default"})
        parts = ["case", *([self.sql(node.this)] if node.this else [])]
        for one in node.args["ifs"]:
            _only(one, {"this", "true"})
            parts.append(f"when {self.sql(one.this)} then {self.sql(one.args['true'])}")
        if node.args.get("default"):
            parts.append(f"else {self.sql(node.args['default'])}")
        return " ".join([*parts, "end"])

    def _cast(self, function: str, node: exp.Cast) -> str:
        _only(node, {"this", "to", "safe"})
        to = node.args["to"].name
        if to not in TYPES and not _DECIMAL.fullmatch(to):
            raise NotSql(f"unknown type {to!r}{nearest(to, [*TYPES, 'decimal(18,2)'])}")
        given = node.this
        if to in ("date", "timestamp") and isinstance(given, exp.Literal) and not given.this[:1].isdigit():
            raise NotSql(f"{given.this!r} is no {to}; write it as '2024-01-31', and today as a column with the day")
        return f"{function}({self.sql(given)} as {to})"

    def _interval(self, node: exp.Interval) -> str:
        _only(node, {"this", "unit"})
        unit = node.args["unit"].name.lower() if isinstance(node.args.get("unit"), exp.Var) else ""
        if (
            unit not in _UNITS
            or not isinstance(node.this, exp.Literal)
            or not re.fullmatch(r"-?[0-9]{1,9}", node.this.name)
        ):
            raise NotSql("write an interval as interval 3 days")
        return f"interval '{node.this.name}' {unit}"

    def _dot(self, node: exp.Dot) -> str:
        _only(node, {"this", "expression"})
        if type(node.expression) is not exp.Identifier:
            raise NotSql(f"{_shown(node)} is not allowed: a dot goes before the name of a field")
        return f"{self.sql(node.this)}.{quoted(node.expression.name)}"

    def _bracket(self, node: exp.Bracket) -> str:
        """An item by its place or key; NULL if there is none, where an engine may stop the query."""
        _only(node, {"this", "expressions"})
        if len(node.expressions) != 1:
            raise NotSql("[...] takes one place or key")
        key = node.expressions[0]
        by_key = isinstance(key, exp.Literal) and key.is_string
        return f"{'try_element_at' if by_key else 'get'}({self.sql(node.this)}, {self.sql(key)})"

    def _call(self, node: exp.Anonymous, aggregates: frozenset[str]) -> str:
        _only(node, {"this", "expressions"})
        name = node.name.lower()
        if not isinstance(node.this, str) or name not in self.kind.functions | aggregates:
            if name in self.kind.windows:
                raise NotSql(f"{name}() needs rows: {name}(...) over (partition by ...)")
            raise NotSql(not_allowed(name, self.kind.all))
        inside = node.expressions
        if name == "count" and len(inside) == 1:
            if type(inside[0]) is exp.Star:
                _only(inside[0], set())
                return "count(*)"
            if type(inside[0]) is exp.Distinct:
                _only(inside[0], {"expressions"})
                return f"count(distinct {self._list(inside[0].expressions)})"
        for one in inside:
            if type(one) is exp.Star:
                raise NotSql(f"{name}(*) needs a column; only count(*) is known")
            if type(one) is exp.Distinct:
                raise NotSql(f"distinct is not known in {name}(); only count(distinct ...) is")
        return f"{name}({self._list(inside)})"

    def _lambda(self, node: exp.Lambda) -> str:
        _only(node, {"this", "expressions"})
        call = node.parent
        if not isinstance(call, exp.Anonymous) or call.name.lower() not in self.kind.functions:
            raise NotSql("-> is not allowed outside of a function such as transform(list, x -> trim(x))")
        names = self._list(node.expressions)
        return f"{names if len(node.expressions) == 1 else f'({names})'} -> {self.sql(node.this)}"

    def _filter(self, node: exp.Filter) -> str:
        _only(node, {"this", "expression"})
        if not isinstance(node.this, exp.Anonymous) or node.this.name.lower() not in AGGREGATES | self.kind.aggregates:
            raise NotSql("filter (where ...) goes with a function of many rows only")
        where = node.expression
        _only(where, {"this"})
        return f"{self.sql(node.this)} filter (where {self.sql(where.this)})"

    def _window(self, node: exp.Window) -> str:
        _only(node, {"this", "partition_by", "order", "spec", "over"})
        if not self.kind.windows or not isinstance(node.this, exp.Anonymous):
            raise NotSql("over (...) is not allowed here")
        parts = [f"partition by {self._list(node.args['partition_by'])}"] if node.args.get("partition_by") else []
        if node.args.get("order"):
            parts.append(f"order by {', '.join(self._ordered(one) for one in node.args['order'].expressions)}")
        if node.args.get("spec"):
            parts.append(self._frame(node.args["spec"]))
        return f"{self._call(node.this, self.kind.windows)} over ({' '.join(parts)})"

    def _ordered(self, node: exp.Ordered) -> str:
        _only(node, {"this", "desc", "nulls_first"})
        direction = "desc" if node.args.get("desc") else "asc"
        return f"{self.sql(node.this)} {direction} nulls {'first' if node.args.get('nulls_first') else 'last'}"

    def _frame(self, node: exp.WindowSpec) -> str:
        _only(node, {"kind", "start", "start_side", "end", "end_side"})
        ends = [self._end(node.args.get(side), node.args.get(f"{side}_side")) for side in ("start", "end")]
        return f"{node.args['kind'].lower()} between {ends[0]} and {ends[1]}"

    def _end(self, value: exp.Expr | str | None, side: str | None) -> str:
        place = value if isinstance(value, str) else "CURRENT ROW" if value is None else self.sql(value)
        if place not in _FRAME and not re.fullmatch(r"[0-9]+", place):
            raise NotSql("write a window's rows as rows between 3 preceding and current row")
        return f"{place} {side or ''}".strip().lower()


def _only(node: exp.Expr, parts: set[str]) -> None:
    """Refuse a node that holds more than what is written of it."""
    for name, value in node.args.items():
        if value and name not in parts:
            raise NotSql(f"{_shown(node)} is not allowed here: leave out {name.replace('_', ' ')}")


def _shown(node: exp.Expr) -> str:
    try:
        return repr(node.sql(dialect="spark")[:60])
    except Exception:  # a tree that sqlglot itself cannot write is refused all the same
        return repr(type(node).__name__.lower())


def text_literal(value: str) -> str:
    """A text as both engines read it: two quotes are one only on some, a backslash before it on all."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted(name: str) -> str:
    """A name as both engines read it. Raises NotSql if there is none."""
    if not name:
        raise NotSql("a name is empty: `` names no column")
    return "`" + name.replace("`", "``") + "`"


def name_of(column: exp.Column) -> str:
    return ".".join(part.name for part in column.parts)
