"""What to write instead of SQL that means nothing to an engine: sums of texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from sqlglot import exp

from jobs.config.sql.functions import SOURCE
from jobs.config.sql.guard import parsed_text, written
from jobs.config.sql.types import type_of_tree

SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
TEXTUAL = ("concat", "concat_ws", "get_json_object", "regexp_extract", "regexp_replace", "regexp_substr", "split_part")
"""Functions that give a text whatever they are given."""


def text_arithmetic(sql: str, types: Mapping[str, str] | None = None, paths: Collection[str] = ()) -> str:
    """Of the first sum, difference or product with a text in it, what to write instead; empty if there is none.

    Columns are texts, or of `types`. Those named `$.a.b` or in `paths` are ways into something, written without quotes.
    """
    parsed = parsed_text(sql, SOURCE)
    columns = types or dict.fromkeys((column.name for column in parsed.find_all(exp.Column)), "string")
    for node in parsed.find_all(*SIGNS):
        if type(node.parent) is type(node):
            continue
        sign, terms = SIGNS[type(node)], _terms(node, type(node))
        texts = [term for term in terms if is_text(term, columns)]
        if not texts:
            continue
        shown = {id(term): _shown(term, paths) for term in terms}
        said = f"{' and '.join(shown[id(text)] for text in texts)} {'are texts' if len(texts) > 1 else 'is a text'}"
        cast = [f"cast({shown[id(term)]} as decimal(18,2))" if term in texts else shown[id(term)] for term in terms]
        joined = f"concat({', '.join(shown.values())})"
        advice = f"write {f' {sign} '.join(cast)}"
        if sign == "+" and any(isinstance(term, exp.Literal) and term.is_string for term in terms):
            advice = f"texts are joined by {joined}"
        elif sign == "+" and len(texts) == len(terms):
            advice += f", or to join them {joined}"
        elif sign == "-" and all(isinstance(term, exp.Column) and re.fullmatch(r"\w+", term.name) for term in terms):
            advice += f"; if it is one name, write it in backticks, as `{sign.join(term.name for term in terms)}`"
        return f"{said}, and {sign!r} is of numbers; {advice}"
    return ""


def _terms(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    return [*_terms(node.this, kind), *_terms(node.expression, kind)] if type(node) is kind else [node]


def _shown(node: exp.Expr, paths: Collection[str]) -> str:
    """The SQL as a person writes it: names in backticks only where they need them."""

    def name(found: re.Match[str]) -> str:
        bare = found[1].replace("``", "`")
        if bare.startswith("$."):
            return bare[2:]
        return bare if bare in paths or re.fullmatch(r"[^\W\d]\w*", bare) else found[0]

    return re.sub(r"`((?:[^`]|``)+)`", name, written(node, SOURCE))


def is_text(node: exp.Expr, columns: Mapping[str, str]) -> bool:
    """Whether it gives a text for sure; some functions do whatever they are given."""
    named = isinstance(node, exp.Anonymous) and node.name.lower() in TEXTUAL
    return named or type_of_tree(node, columns) == "string"
