"""The part of Spark SQL that YAML may hold, as a dialect of sqlglot: expressions, and no word of a query is known.

`select`, `from` and all other words of statements are names like any other here, so no text can become a query. Every
function call stays the call that was written: sqlglot knows none, and the engine gets the same name.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokens import Token, TokenType

_WORDS = (
    *("AND", "OR", "NOT", "IN", "IS", "NULL", "TRUE", "FALSE", "BETWEEN", "LIKE", "ILIKE", "RLIKE", "REGEXP", "ESCAPE"),
    *("CASE", "WHEN", "THEN", "ELSE", "END", "AS", "INTERVAL", "DIV", "DISTINCT", "FILTER", "WHERE", "OVER"),
    *("PARTITION BY", "ORDER BY", "ASC", "DESC", "ROWS", "RANGE"),
    *("==", "::", "||", ">=", "<=", "<>", "!=", "<=>", "->"),
)
_LONGEST, _DEEPEST = 20_000, 25
_OPENING, _CLOSING = (
    (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE),
    (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_ESCAPED = re.compile(r"""\\(.)|''""", re.DOTALL)
_MEANING = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t", "%": "\\%", "_": "\\_"}
_TYPED_LITERALS = ("date", "timestamp")


class Grammar(Spark):
    """Expressions of Spark SQL, without its functions, statements, hints and odd kinds of literals."""

    class Tokenizer(Spark.Tokenizer):
        KEYWORDS = {word: Spark.Tokenizer.KEYWORDS[word] for word in _WORDS}
        STRING_ESCAPES = ["'", "\\"]
        NUMERIC_LITERALS: ClassVar[dict[str, str]] = {}
        RAW_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        BIT_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        HEX_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        BYTE_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        UNICODE_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        HEREDOC_STRINGS: ClassVar[list[str | tuple[str, str]]] = []

    class Parser(SparkParser):
        STRICT_CAST = True
        FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        NO_PAREN_FUNCTION_PARSERS = {"CASE": SparkParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}
        FUNCTION_PARSERS = {
            "CAST": lambda self: self._parse_cast(True),
            "TRY_CAST": lambda self: self._parse_cast(False, safe=True),
        }
        SUBQUERY_PREDICATES: ClassVar[dict[Any, Any]] = {}
        ARRAY_CONSTRUCTORS: ClassVar[dict[Any, Any]] = {}
        COLUMN_OPERATORS = {
            kind: made
            for kind, made in SparkParser.COLUMN_OPERATORS.items()
            if kind in (TokenType.DOT, TokenType.DCOLON)
        }

        def _parse_select(self, *_args: Any, **_kwargs: Any) -> None:
            """No bracket holds a query."""

        def _parse_paren(self) -> exp.Expr | None:
            """Brackets that were written, told from those that sqlglot puts in where it finds a text unclear."""
            found = super()._parse_paren()
            if isinstance(found, exp.Paren):
                found.meta["written"] = True
            return found

        def _parse_types(self, check_func: bool = False, *_args: Any, **_kwargs: Any) -> exp.Expr | None:
            """A type by its name, as in CAST(x AS decimal(18,2)); where a value is due, a name is a column."""
            if check_func or not self._match(TokenType.VAR):
                return None
            name = self._prev.text.lower()
            if self._match(TokenType.L_PAREN):
                sizes = [size.name for size in self._parse_csv(self._parse_number) if size is not None]
                self._match_r_paren()
                name = f"{name}({','.join(sizes)})"
            return exp.Var(this=name)

        def _parse_type(self, *args: Any, **kwargs: Any) -> exp.Expr | None:
            """A value; date '2024-01-31' is a text in that type."""
            typed = self._curr and self._curr.token_type == TokenType.VAR and self._curr.text.lower()
            if typed in _TYPED_LITERALS and self._next and self._next.token_type == TokenType.STRING:
                self._advance(2)
                return exp.Cast(this=exp.Literal.string(self._prev.text), to=exp.Var(this=typed))
            return super()._parse_type(*args, **kwargs)


KEYWORDS = frozenset(
    ("and", "or", "not", "in", "is", "null", "between", "like", "true", "false", "case", "when", "then", "else", "end")
)
"""Words of expressions that are neither columns nor functions."""
_KINDS = {TokenType.STRING: "text", TokenType.NUMBER: "number", TokenType.VAR: "word"}


class NotSql(Exception):
    """The text is no expression of the grammar; the message says why and what to write."""


def tree(text: str) -> exp.Expr:
    """The expression that a text is. Raises NotSql."""
    if not text.strip():
        raise NotSql("is empty")
    if len(text) > _LONGEST:
        raise NotSql(f"is longer than {_LONGEST:,} characters")
    if _CONTROL.search(text):
        raise NotSql("holds a control character; remove it")
    try:
        tokens = [_token(token, text) for token in Grammar().tokenize(text)]
        _refuse_depth(tokens)
        found = Grammar().parser().parse_into(exp.Condition, tokens, text) if tokens else []
    except RecursionError:
        raise NotSql("has too many brackets inside each other") from None
    except ParseError as error:
        raise NotSql(_explained(error, tokens, text)) from None
    except (SqlglotError, ValueError, AttributeError, TypeError, IndexError, KeyError):
        raise NotSql("not valid SQL: a text in quotes or a bracket does not end, or a value is missing") from None
    if len(found) != 1 or found[0] is None:
        raise NotSql("not valid SQL: a value is missing")
    return found[0]


def words(text: str) -> list[tuple[str, str]]:
    """(kind, text) of every token: text, number, word, operator; one `other` where the text cannot be cut in tokens."""
    try:
        tokens = Grammar().tokenize(text)
    except SqlglotError:
        return [("other", text)]
    found = []
    for token in tokens:
        written = text[token.start : token.end + 1]
        word = "word" if written[0].isalpha() else "operator"
        found.append((_KINDS.get(token.token_type, word), written))
    return found


def only_case(text: str) -> str | None:
    """CONDITION of a text that is `case when CONDITION then ... end`, which is nothing in all other cases."""
    try:
        tokens = Grammar().tokenize(text)
    except SqlglotError:
        return None
    kinds = [token.token_type for token in tokens]
    if kinds[:2] != [TokenType.CASE, TokenType.WHEN] or kinds[-1] != TokenType.END:
        return None
    depth, own = 0, []
    for place, kind in enumerate(kinds):
        depth += (kind == TokenType.CASE) - (kind == TokenType.END)
        own += [place] if depth == 1 and kind in (TokenType.WHEN, TokenType.THEN, TokenType.ELSE) else []
        if depth == 0 and place + 1 < len(kinds):
            return None
    return text[tokens[1].end + 1 : tokens[own[1]].start].strip() if len(own) == 2 else None


def _refuse_depth(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > _DEEPEST:
            raise NotSql(f"has more than {_DEEPEST} brackets inside each other")


def _token(token: Token, text: str) -> Token:
    """The token, with the meaning of a text in quotes as Spark reads it. Raises NotSql for what no value needs."""
    written = text[token.start : token.end + 1]
    if token.comments:
        raise NotSql("comments are not allowed: write them as YAML comments")
    if token.token_type == TokenType.SEMICOLON:
        raise NotSql("';' is not allowed: one expression, and nothing after it")
    if token.token_type == TokenType.VAR and written[0].isdigit():
        raise NotSql(f"{written!r} is no number; if it is a column, write it in backticks: `{written}`")
    if token.token_type == TokenType.STRING:
        return Token(TokenType.STRING, _meaning(written), token.line, token.col, token.start, token.end)
    return token


def _meaning(written: str) -> str:
    if not _QUOTED.fullmatch(written):
        raise NotSql(f"not valid SQL: the text {written[:40]} does not end")

    def meant(found: re.Match[str]) -> str:
        if found.group() == "''":
            return "'" if written[0] == "'" else "''"
        if found[1] not in _MEANING:
            raise NotSql(f"\\{found[1]} in a text has no meaning of its own; write \\\\{found[1]} for a backslash")
        return _MEANING[found[1]]

    return _ESCAPED.sub(meant, written[1:-1])


def _explained(error: ParseError, tokens: list[Token], text: str) -> str:
    """What is wrong, by the words around the place where sqlglot stops."""
    words = {token.text.lower() for token in tokens if token.token_type == TokenType.VAR}
    if "select" in words:
        return "a query is not allowed: an expression of columns, values and functions is"
    if words & {"both", "leading", "trailing", "from"}:
        return "`from` inside of a function is not known; write year(day), btrim(text, signs), substring(text, 1, 3)"
    for first, second in pairwise(tokens):
        if first.token_type == second.token_type == TokenType.VAR:
            return f"{text!r}: write a column name that has a space in backticks, as `{first.text} {second.text}`"
    said = error.errors[0]
    what = said["description"] or ""
    what = "it does not go on so" if "Unexpected" in what else "a value is missing" if "Required" in what else what
    place = f"at {said['highlight']!r}" if said["highlight"] else "at its end"
    return f"not valid SQL: {what}, {place}"
