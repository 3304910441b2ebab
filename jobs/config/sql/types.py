"""The types of SQL in YAML, as far as reading tells: what an engine is sure to understand need not be asked of one.

A type is told only if both engines give it and no value can stop them: no text is taken for a number, nothing is
divided by what may be 0, no pattern is odd. All else has no type here, right or wrong, and an engine is asked
(`jobs/lake/trial.py`). So a rule that is missing here costs time, never a mistake that is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sqlglot import exp

from jobs.config.sql.grammar import NotSql, tree
from jobs.config.sql.guard import cast_of_function, name_of, rewritten
from jobs.config.sql.signatures import (
    NULL,
    NUMBERS,
    SCALARS,
    TEXTS,
    Types,
    chosen,
    common,
    family,
    safe_pattern,
    text_of,
    type_of_call,
)

OfCall = Callable[[exp.Anonymous, Types], "str | None"]
"""The type of an aggregate call, given those of its arguments."""
_INT, _BIGINT = 2**31, 2**63
_UNITS = {f"{unit}{plural}" for unit in ("DAY", "HOUR", "MINUTE") for plural in ("", "S")}


def known_types(
    columns: Mapping[str, str], texts: Iterable[str], aggregates: Mapping[str, OfCall] | None = None
) -> Types:
    """The type of each text over these columns, None where reading does not tell.

    With `aggregates` the texts are values of many rows.
    """
    return [type_of(text, columns, aggregates) for text in texts]


def type_of(text: str, columns: Mapping[str, str], aggregates: Mapping[str, OfCall] | None = None) -> str | None:
    """The type that both engines give, such as bigint; `decimal` alone where digits are theirs to choose; or None."""
    try:
        parsed = rewritten(tree(text), cast_of_function)
        if aggregates and not any(call.name.lower() in aggregates for call in parsed.find_all(exp.Anonymous)):
            return None
        found = _Reader(columns, aggregates or {}).type(parsed)
    except (NotSql, RecursionError):
        return None
    return None if found == NULL else found


def type_of_tree(node: exp.Expr, columns: Mapping[str, str]) -> str | None:
    """`type_of` for a part of a tree."""
    try:
        return _Reader(columns, {}).type(node)
    except (NotSql, RecursionError):
        return None


class _Reader:
    def __init__(self, columns: Mapping[str, str], calls: Mapping[str, OfCall]) -> None:
        names = [name.lower() for name in columns]
        self.columns = {name.lower(): kind for name, kind in columns.items() if names.count(name.lower()) == 1}
        self.calls = calls

    def type(self, node: exp.Expr | None) -> str | None:
        reader = _READERS.get(type(node))
        return reader(self, node) if reader and node is not None else None

    def types(self, nodes: Iterable[exp.Expr | None]) -> Types:
        return [self.type(node) for node in nodes]

    def operands(self, *nodes: exp.Expr) -> Types:
        """The types of what a condition is about; another condition needs brackets there, and is not told."""
        return [None if type(node) in _CONDITIONS else self.type(node) for node in nodes]

    def column(self, node: exp.Column) -> str | None:
        kind = self.columns.get(name_of(node).lower(), "")
        return kind if family(kind) in SCALARS and self._is_of_a_row(node) else None

    def literal(self, node: exp.Literal) -> str | None:
        if node.is_string:
            return "string"
        if not node.this.isdigit():
            return "double" if "e" in node.this.lower() else "decimal"
        value = int(node.this)
        return "int" if value < _INT else "bigint" if value < _BIGINT else None

    def inside(self, node: exp.Expr) -> str | None:
        return self.type(node.this)

    def negative(self, node: exp.Neg) -> str | None:
        kind = self.type(node.this)
        return kind if family(kind) in NUMBERS else None

    def logic(self, node: exp.Expr) -> str | None:
        """And, or, not: however many there are in a row, without a call inside a call for each."""
        waiting: list[exp.Expr] = [node]
        while waiting:
            one = waiting.pop()
            if isinstance(one, exp.And | exp.Or):
                waiting += [one.this, one.expression]
            elif isinstance(one, exp.Not):
                waiting.append(one.this)
            elif self.type(one) not in ("boolean", NULL):
                return None
        return "boolean"

    def compared(self, node: exp.Expr) -> str | None:
        return "boolean" if common(self.operands(node.this, node.expression)) else None

    def within(self, node: exp.In) -> str | None:
        return "boolean" if common(self.operands(node.this, *node.expressions)) else None

    def between(self, node: exp.Between) -> str | None:
        return "boolean" if common(self.operands(node.this, node.args["low"], node.args["high"])) else None

    def calculated(self, node: exp.Expr) -> str | None:
        if isinstance(node, exp.Add | exp.Sub) and _whole_interval(node.expression):
            return "timestamp" if self.type(node.this) == "timestamp" else None
        kind = family(common(self.types((node.this, node.expression))))
        return kind if kind in NUMBERS else None

    def divided(self, node: exp.Expr) -> str | None:
        kind = self.calculated(node)
        if kind is None or not _never_zero(node.expression):
            return None
        if isinstance(node, exp.Mod):
            return kind
        return "double" if kind in ("int", "bigint") else kind

    def joined(self, node: exp.DPipe) -> str | None:
        return "string" if self.types((node.this, node.expression)) == ["string", "string"] else None

    def tested(self, node: exp.Is) -> str | None:
        (kind,) = self.operands(node.this)
        fits = isinstance(node.expression, exp.Null) or kind == "boolean"
        return "boolean" if kind and fits else None

    def like(self, node: exp.Expr) -> str | None:
        simple = text_of(node.expression) is not None and "\\" not in str(text_of(node.expression))
        return "boolean" if simple and self.type(node.this) == "string" else None

    def matched(self, node: exp.RegexpLike) -> str | None:
        pattern = text_of(node.expression)
        return "boolean" if pattern is not None and safe_pattern(pattern) and self.inside(node) == "string" else None

    def case(self, node: exp.Case) -> str | None:
        ifs, default = node.args["ifs"], node.args.get("default")
        conditions = self.types(one.this for one in ifs)
        if node.this is not None:
            fits = common([self.type(node.this), *conditions]) is not None
        else:
            fits = all(kind == "boolean" for kind in conditions)
        results = self.types(one.args["true"] for one in ifs) + ([self.type(default)] if default else [])
        return chosen(results) if fits else None

    def cast(self, node: exp.Cast) -> str | None:
        given, to = self.type(node.this), node.args["to"].name
        if given is None or given == TEXTS or family(to) not in SCALARS:
            return None
        given = family(given)
        fits = to == "string" or given == to
        fits |= given in NUMBERS and to in ("bigint", "double") and (to == "double" or given == "int")
        fits |= (given, to) in (("date", "timestamp"), ("timestamp", "date"), ("boolean", "int"))
        fits |= isinstance(node, exp.TryCast) and (given == "string" or (given in NUMBERS and family(to) in NUMBERS))
        return to if fits and given != NULL else None

    def _is_of_a_row(self, node: exp.Expr) -> bool:
        """Whether there is one value of the column: among aggregates only inside of one."""
        return not self.calls or self._aggregates_above(node)

    def _aggregates_above(self, node: exp.Expr) -> bool:
        above: exp.Expr | None = node.parent
        inside: exp.Expr = node
        while above is not None:
            if isinstance(above, exp.Anonymous) and above.name.lower() in self.calls:
                return True
            if isinstance(above, exp.Filter) and above.expression is inside:
                return True
            inside = above
            above = inside.parent
        return False

    def filtered(self, node: exp.Filter) -> str | None:
        return self.type(node.this) if self.type(node.expression.this) == "boolean" else None

    def call(self, node: exp.Anonymous) -> str | None:
        name = node.name.lower()
        given = [NULL if isinstance(one, exp.Star) else self.type(one) for one in _arguments(node)]
        if None in given:
            return None
        if name in self.calls:
            return None if self._aggregates_above(node) else self.calls[name](node, given)
        return type_of_call(name, node.expressions, given)


def _arguments(node: exp.Anonymous) -> list[exp.Expr]:
    """Those of count(distinct a, b) are a and b."""
    inside: list[exp.Expr] = list(node.expressions)
    return list(inside[0].expressions) if len(inside) == 1 and isinstance(inside[0], exp.Distinct) else inside


def _whole_interval(node: exp.Expr) -> bool:
    """Whether it is so many whole days, hours or minutes."""
    if not isinstance(node, exp.Interval) or not isinstance(node.this, exp.Literal):
        return False
    return node.this.this.isdigit() and len(node.this.this) < 6 and str(node.args.get("unit")).upper() in _UNITS


def _never_zero(divisor: exp.Expr | None) -> bool:
    """Whether it is a number other than 0, or empty where it would be 0."""
    if isinstance(divisor, exp.Literal) and not divisor.is_string:
        return float(divisor.this) != 0
    if isinstance(divisor, exp.Anonymous) and divisor.name.lower() == "nullif" and len(divisor.expressions) == 2:
        zero = divisor.expressions[1]
        return isinstance(zero, exp.Literal) and zero.this == "0" and not zero.is_string
    return False


def counted(node: exp.Anonymous, given: Types) -> str | None:
    """The type of a count of rows or values, whatever they are."""
    return "bigint" if given else None


def _counted_if(node: exp.Anonymous, given: Types) -> str | None:
    return "bigint" if given == ["boolean"] else None


def summed(node: exp.Anonymous, given: Types) -> str | None:
    """The type of a sum: whole numbers do not overflow, decimals get digits that are the engine's to choose."""
    plain = len(given) == 1 and not isinstance(node.expressions[0], exp.Distinct)
    kind = family(given[0]) if plain else ""
    return {"int": "bigint", "bigint": "bigint", "double": "double", "decimal": "decimal"}.get(kind)


def averaged(node: exp.Anonymous, given: Types) -> str | None:
    """The type of an average."""
    return {"bigint": "double"}.get(summed(node, given) or "", summed(node, given))


def outermost(node: exp.Anonymous, given: Types) -> str | None:
    """The type of one value among many: that of all of them."""
    kind = given[0] if len(given) == 1 and not isinstance(node.expressions[0], exp.Distinct) else None
    return kind if family(kind) in SCALARS and kind != "boolean" else None


def _interpolated(node: exp.Anonymous, given: Types) -> str | None:
    """The type of a percentile of numbers: it may lie between two of them."""
    return (
        "double"
        if len(given) == 2 and all(family(kind) in ("int", "bigint", "double", "decimal") for kind in given)
        else None
    )


AGGREGATES: dict[str, OfCall] = {
    "count": counted,
    "count_if": _counted_if,
    "sum": summed,
    "avg": averaged,
    "min": outermost,
    "max": outermost,
    "percentile": _interpolated,
}
"""Aggregates whose type is known; of all others the engine is asked."""
_COMPARED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)
_CONDITIONS = (*_COMPARED, exp.And, exp.Or, exp.Not, exp.In, exp.Between, exp.Is, exp.Like, exp.ILike, exp.RegexpLike)
_READERS: dict[type, Callable[..., str | None]] = {
    exp.Column: _Reader.column,
    exp.Literal: _Reader.literal,
    exp.Boolean: lambda reader, node: "boolean",
    exp.Null: lambda reader, node: NULL,
    exp.Paren: _Reader.inside,
    exp.Neg: _Reader.negative,
    **dict.fromkeys((exp.And, exp.Or, exp.Not), _Reader.logic),
    **dict.fromkeys(_COMPARED, _Reader.compared),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul), _Reader.calculated),
    **dict.fromkeys((exp.Div, exp.Mod), _Reader.divided),
    exp.In: _Reader.within,
    exp.Between: _Reader.between,
    exp.DPipe: _Reader.joined,
    exp.Is: _Reader.tested,
    **dict.fromkeys((exp.Like, exp.ILike), _Reader.like),
    exp.RegexpLike: _Reader.matched,
    exp.Case: _Reader.case,
    **dict.fromkeys((exp.Cast, exp.TryCast), _Reader.cast),
    exp.Filter: _Reader.filtered,
    exp.Anonymous: _Reader.call,
}
