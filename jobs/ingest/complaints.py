"""What an engine says of an expression, in words of the person who wrote it, and with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from jobs.config.sql import parsed_text, written
from jobs.config.sql_functions import SOURCE
from jobs.ingest.expressions import BACKTICKS, is_text

SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
DIALECT = "patterns are read as by Rust's regex and by Java alike: without look-around (?=...) and back-references"


def complaint(error: Exception | str, sql: str = "", types: Mapping[str, str] | None = None) -> str:
    """What the engine says of an expression, without the list of all that it would have understood.

    Over texts, or columns of `types`, arithmetic with a text is told with what to write instead.
    """
    for advice in _text_arithmetic(sql, types) if sql else ():
        return advice
    said = re.split(r",? expected ", str(error).strip().splitlines()[0])[0]
    return f"{said}; {BACKTICKS}"


def _text_arithmetic(sql: str, types: Mapping[str, str] | None) -> Iterator[str]:
    """Of each sum, difference and product with a text in it, what to write instead."""
    parsed = parsed_text(sql, SOURCE)
    columns = types or dict.fromkeys((column.name for column in parsed.find_all(exp.Column)), "string")
    for node in parsed.find_all(*SIGNS):
        if type(node.parent) is type(node):
            continue
        sign, terms = SIGNS[type(node)], _terms(node, type(node))
        texts = [term for term in terms if is_text(term, columns)]
        if not texts:
            continue
        said = f"{' and '.join(map(_plain, texts))} {'are texts' if len(texts) > 1 else 'is a text'}"
        cast = [f"cast({_plain(term)} as decimal(18,2))" if term in texts else _plain(term) for term in terms]
        joined = f"concat({', '.join(map(_plain, terms))})"
        advice = f"write {f' {sign} '.join(cast)}"
        if sign == "+" and any(isinstance(term, exp.Literal) and term.is_string for term in terms):
            advice = f"texts are joined by {joined}"
        elif sign == "+" and len(texts) == len(terms):
            advice += f", or to join them {joined}"
        elif sign == "-" and all(isinstance(term, exp.Column) for term in terms):
            advice += f"; if it is one name, write it in backticks, as `{sign.join(term.name for term in terms)}`"
        yield f"{said}, and {sign!r} is of numbers; {advice}"


def _terms(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    return [*_terms(node.this, kind), *_terms(node.expression, kind)] if type(node) is kind else [node]


def _plain(node: exp.Expr) -> str:
    return re.sub(r"`([^\W\d]\w*)`", r"\1", written(node, SOURCE))


def pattern_complaint(error: Exception | str) -> str:
    """What is wrong with a regular expression, whole and in one line, and which kind it has to be."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), "")
    return f"{told or next(filter(None, lines), 'it does not compile')}; {DIALECT}"
