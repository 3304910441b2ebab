"""Do the regular expressions of a configuration compile? The engine is asked only where reading does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from sqlglot import exp

from jobs.config.sources.endless_patterns import WHY, may_never_end
from jobs.config.sources.full_names import PATTERNS
from jobs.config.sql.functions import SOURCE
from jobs.config.sql.guard import parsed_text
from jobs.config.sql.signatures import safe_pattern, text_of
from jobs.config.sql.writer import text_literal
from jobs.ingest.complaints import pattern_complaint
from jobs.lake.trial import made_up, stopping

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Key = TypeVar("Key")
_CALLS = (
    *("regexp_count", "regexp_extract", "regexp_extract_all", "regexp_instr", "regexp_like", "regexp_replace"),
    *("regexp_substr", "split"),
)
"""Functions whose second argument is a pattern."""


def wrong_patterns(patterns: Mapping[Key, str]) -> Iterator[tuple[Key, str]]:
    """The patterns that do not compile or never end on some texts, each by its key, with what is wrong."""
    for key, pattern in patterns.items():
        if pattern not in PATTERNS and may_never_end(pattern):
            yield key, f"{pattern!r} {WHY}"
    unsure = {
        key: f"text_ rlike {text_literal(pattern)}" for key, pattern in patterns.items() if not safe_pattern(pattern)
    }
    for key, error in stopping(unsure, _computed):
        yield key, f"not a regular expression the engine understands, {patterns[key]!r}: {pattern_complaint(error)}"


def patterns_in(sql: str) -> list[str]:
    """The patterns that an expression holds as texts."""
    parsed = parsed_text(sql, SOURCE)
    found = [text_of(node.expression) for node in parsed.find_all(exp.RegexpLike)]
    for call in parsed.find_all(exp.Anonymous):
        if call.name.lower() in _CALLS and len(call.expressions) > 1:
            found.append(text_of(call.expressions[1]))
    return [pattern for pattern in found if pattern is not None]


def _computed(texts: Mapping[Key, str]) -> DataFrame:
    row = made_up({"text_": "string"}, only_texts=True)
    return row.selectExpr(*(f"{text} as value_{place}" for place, text in enumerate(texts.values())))
