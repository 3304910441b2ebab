"""The language of audience rules: a condition over the columns of the customer view, and nothing else.

A rule is Spark SQL text, so it is let through only word by word: columns of the view, literals, comparison and
boolean operators, and a few functions that always give the same answer. Queries, comments, quoted names and all
other functions are refused before any engine sees them; then the engine checks grammar and types on an empty view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from jobs.audiences.columns import VIEW_COLUMNS, view_with
from jobs.config.audiences import Audience
from jobs.config.settings import Settings
from jobs.config.sql import KEYWORDS, forbidden_words, words
from jobs.config.yaml_files import ConfigError, line_of, nearest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["FUNCTIONS", "KEYWORDS", "check", "columns_of", "rule_problems", "words"]

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


def columns_of(rule: str, columns: Sequence[str] = VIEW_COLUMNS) -> list[str]:
    """The columns a rule looks at, in the order of the view."""
    used = {text.lower() for kind, text in words(rule) if kind == "word"}
    return [name for name in columns if name in used]


def rule_problems(rule: str, columns: Sequence[str] = VIEW_COLUMNS) -> list[str]:
    """What in the text of a rule is not allowed, one line each."""
    if not any(words(rule)):
        return ["the rule is empty; write 'true' for everybody"]
    return forbidden_words(rule, columns, FUNCTIONS)


def check(settings: Settings) -> list[str]:
    """What is wrong with the audience rules, one line each, with file and line; starts no engine."""
    found = list(_hidden_columns(settings))
    valid = view_with(settings.traits).column_names
    for audience in settings.audiences.values():
        place = place_of(settings, audience, "where")
        found += [f"{place}: where: {problem}" for problem in rule_problems(audience.where, valid)]
        for column in audience.evidence:
            if column not in valid:
                place = place_of(settings, audience, "evidence")
                found.append(f"{place}: evidence: unknown column {column!r}{nearest(column, valid)}")
    return found


def _hidden_columns(settings: Settings) -> Iterator[str]:
    """Traits that have the name of a column of the view: a rule could mean either."""
    path = settings.folder / "traits.yaml"
    for name in settings.traits:
        if name in VIEW_COLUMNS:
            place = f"{path}:{line_of(path, 'traits', name)}: traits.{name}"
            yield f"{place}: audience rules know another {name!r}; rename it"


def analyse(spark: SparkSession, settings: Settings) -> list[str]:
    """What the engine does not understand of the rules: grammar and types, one line each. Reads no data."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    empty = spark.createDataFrame([], view_with(settings.traits).spark_schema())
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
