"""The language of audience rules: a condition over the columns of the customer view, and nothing else.

A rule is Spark SQL text, so it is let through only word by word: columns of the view, literals, comparison and
boolean operators, and a few functions that always give the same answer. Queries, comments, quoted names and all
other functions are refused before any engine sees them; then the engine checks grammar and types on an empty view.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs.audiences.columns import VIEW, VIEW_COLUMNS
from jobs.config_models import Audience
from jobs.settings import Settings
from jobs.yaml_files import ConfigError, line_of, nearest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEYWORDS = frozenset(
    ("and", "or", "not", "in", "is", "null", "between", "like", "true", "false", "case", "when", "then", "else", "end")
)
FUNCTIONS = frozenset(
    {
        "abs",
        "ceil",
        "coalesce",
        "contains",
        "endswith",
        "floor",
        "greatest",
        "if",
        "least",
        "length",
        "lower",
        "nullif",
        "round",
        "startswith",
        "trim",
        "upper",
    }
)
_TOKEN = re.compile(
    r"""\s+ | (?P<comment>--|/\*|\*/|//) | (?P<text>'(?:[^'\\]|'')*') | (?P<number>(?:\d+\.?\d*|\.\d+)(?![\w.]))
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*) | (?P<operator><=|>=|<>|!=|[-=<>+*/%(),]) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def words(rule: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of every token: text, number, word, operator, comment or other."""
    for match in _TOKEN.finditer(rule):
        if match.lastgroup:
            yield match.lastgroup, match.group()


def columns_of(rule: str) -> list[str]:
    """The columns a rule looks at, in the order of the view."""
    used = {text.lower() for kind, text in words(rule) if kind == "word"}
    return [name for name in VIEW_COLUMNS if name in used]


def rule_problems(rule: str) -> list[str]:
    """What in the text of a rule is not allowed, one line each."""
    found = []
    tokens = list(words(rule))
    for position, (kind, text) in enumerate(tokens):
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if kind == "comment":
            found.append(f"{text!r} is not allowed: write comments as YAML comments")
        elif kind == "other":
            found.append(f"{text!r} is not allowed; a rule has columns, numbers, 'text', operators and functions")
        elif kind == "word":
            found += _word_problems(text, following == "(")
    if not tokens:
        found.append("the rule is empty; write 'true' for everybody")
    return list(dict.fromkeys(found))


def _word_problems(word: str, called: bool) -> list[str]:
    name = word.lower()
    if name in KEYWORDS:
        return []
    if called and name not in FUNCTIONS:
        return [f"unknown function {word!r}{nearest(name, FUNCTIONS)}"]
    if not called and name not in VIEW_COLUMNS:
        return [f"unknown column {word!r}{nearest(name, VIEW_COLUMNS)}"]
    return []


def check(settings: Settings) -> list[str]:
    """What is wrong with the audience rules, one line each, with file and line; starts no engine."""
    found = []
    for audience in settings.audiences.values():
        found += [f"{place_of(settings, audience, 'where')}: where: {p}" for p in rule_problems(audience.where)]
        for column in audience.evidence:
            if column not in VIEW_COLUMNS:
                place = place_of(settings, audience, "evidence")
                found.append(f"{place}: evidence: unknown column {column!r}{nearest(column, VIEW_COLUMNS)}")
    return found


def analyse(spark: SparkSession, settings: Settings) -> list[str]:
    """What the engine does not understand of the rules: grammar and types, one line each. Reads no data."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    empty = spark.createDataFrame([], VIEW.spark_schema())
    found = []
    for audience in settings.audiences.values():
        place = f"{place_of(settings, audience, 'where')}: where"
        try:
            kind = empty.select(F.expr(audience.where).alias("rule")).schema["rule"].dataType
        except Exception as error:  # each engine has its own classes for what it cannot analyse
            reason = str(error).strip().splitlines()[0]
            found.append(f"{place}: not a valid condition: {reason}")
            continue
        if not isinstance(kind, T.BooleanType):
            found.append(f"{place}: gives {kind.simpleString()}, not true or false; compare it with something")
    return found


def refuse_wrong_rules(spark: SparkSession, settings: Settings) -> None:
    """Raise ConfigError if any rule is wrong."""
    problems = check(settings) or analyse(spark, settings)
    if problems:
        raise ConfigError(problems)


def place_of(settings: Settings, audience: Audience, key: str) -> str:
    path = settings.folder / "audiences" / f"{audience.audience}.yaml"
    return f"{path}:{line_of(path, key)}"
