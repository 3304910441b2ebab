"""What one row adds to a number of many rows, where such a number is nothing but what its rows add.

`100 * (count_if(score >= 9) - count_if(score <= 6))` is a sum over rows, so that of a week is the sum of its days, and
how far rows differ says how sure the number is. A number of different things, `count(distinct customer_id)`, is not:
who came on two days is one visitor of the week.
"""

from __future__ import annotations

from functools import cache

from sqlglot import exp

from jobs.config.sql.functions import AGGREGATES, ROW, ROWS
from jobs.config.sql.guard import engine_sql, parsed_text, rewritten, written


@cache
def of_one_row(text: str) -> str | None:
    """The SQL of what one row adds to an expression of aggregates; None if it is more than a sum over rows."""
    found = _of_one_row(parsed_text(text, ROWS))
    return None if found is None else written(found, ROW)


@cache
def one_or_none(text: str) -> bool:
    """Whether a row adds 1 to an expression of aggregates, or nothing: then so does the square of what it adds."""
    node = parsed_text(text, ROWS)
    while isinstance(node, exp.Paren):
        node = node.this
    counts = isinstance(node, exp.Anonymous) and node.name.lower() in ("count", "count_if")
    return counts and _of_one_row(node) is not None


@cache
def among(text: str, condition: str) -> str:
    """The SQL of an expression of aggregates, over those rows only that meet a condition.

    Raises ConfigError if either says what it may not.
    """
    engine_sql(text, ROWS), engine_sql(condition)
    rows = None if condition.strip().lower() == "true" else parsed_text(condition, ROW)
    return written(rewritten(parsed_text(text, ROWS), lambda node: _filtered(node, rows)), ROWS)


def _filtered(node: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
    """Aggregates over rows that meet a condition: what they are given is null of all others.

    FILTER is written so too: the embedded engine ignores it after count_if.
    """
    if isinstance(node, exp.Filter):
        return _given(node.this, node.expression.this)
    is_aggregate = isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES
    return _given(node, rows) if is_aggregate and rows is not None else node


def _given(call: exp.Expr, rows: exp.Expr) -> exp.Expr:
    given = [one.copy() for one in call.expressions]
    at = 1 if call.name.lower() in ("min_by", "max_by") else 0  # rows whose order is null do not count
    first = given[at]
    if isinstance(first, exp.Distinct):
        given[at] = exp.Distinct(expressions=[_case(rows, one) for one in first.expressions])
    elif isinstance(first, exp.Star):
        given[at] = _case(rows, exp.Literal.number(1))
    else:
        given[at] = _case(rows, first)
    return exp.Anonymous(this=call.name, expressions=given)


def _case(rows: exp.Expr, value: exp.Expr) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=rows.copy(), true=value)])


def _of_one_row(node: exp.Expr) -> exp.Expr | None:
    match node:
        case exp.Paren():
            return _of_one_row(node.this)
        case exp.Neg():
            return _mapped(node, node.this)
        case exp.Add() | exp.Sub():
            return _mapped(node, node.this, node.expression)
        case exp.Mul() if _number(node.this):
            return _times(node.this, _of_one_row(node.expression))
        case exp.Mul() if _number(node.expression):
            return _times(node.expression, _of_one_row(node.this))
        case exp.Filter():
            return _if(node.expression.this, _of_one_row(node.this))
        case exp.Anonymous():
            return _of_call(node)
    return None


def _of_call(call: exp.Anonymous) -> exp.Expr | None:
    name, given = call.name.lower(), call.expressions
    if len(given) != 1 or isinstance(given[0], exp.Distinct):
        return None
    argument = given[0].copy()
    if name == "count" and isinstance(argument, exp.Star | exp.Literal):
        return exp.Literal.number(1)
    if name == "count":
        return _if(exp.Not(this=exp.Is(this=_bracketed(argument), expression=exp.Null())), exp.Literal.number(1))
    if name == "count_if":
        return _if(argument, exp.Literal.number(1))
    if name == "sum":
        return exp.Anonymous(this="coalesce", expressions=[argument, exp.Literal.number(0)])
    return None


def _mapped(node: exp.Expr, *sides: exp.Expr) -> exp.Expr | None:
    """The same operation of what its sides are per row."""
    made = [_of_one_row(side) for side in sides]
    if any(side is None for side in made):
        return None
    keys = ("this", "expression")[: len(made)]
    return type(node)(**{key: _bracketed(side) for key, side in zip(keys, made, strict=True) if side is not None})


def _times(number: exp.Expr, per_row: exp.Expr | None) -> exp.Expr | None:
    return None if per_row is None else exp.Mul(this=number.copy(), expression=_bracketed(per_row))


def _if(condition: exp.Expr, then: exp.Expr | None) -> exp.Expr | None:
    if then is None:
        return None
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=then)], default=exp.Literal.number(0))


def _bracketed(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Literal | exp.Column | exp.Paren):
        return node
    brackets = exp.Paren(this=node)
    brackets.meta["written"] = True  # the writer refuses brackets that nobody wrote
    return brackets


def _number(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string
