"""Which rows break a suite: predicates derived from the expectations themselves.

Great Expectations says whether a batch is to be trusted; this says which row is not, in the same pass that reads it.
Both come from one expectation object, so they cannot disagree.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.row_conditions import (
    AndCondition,
    ComparisonCondition,
    Condition,
    NullityCondition,
    PassThroughCondition,
)
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from expectations.batch_columns import ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE
from expectations.business import ExpectEmailAddress
from expectations.vocabulary import When
from jobs.config.sources.source import UPDATED, SourceDataset
from jobs.config.yaml_files import ConfigError
from jobs.validate.mapping.email_addresses import no_address
from jobs.validate.told.reasons import WHAT_TO_DO

BROKEN = "broken_rules"
SEEN, BAD = "rules_seen", "rules_bad"
WORD = 60
"""Rules whose verdicts fit in one number."""
REASON = "reason"
DERIVED = (ARRIVAL_LIMIT, ARRIVAL_LIMIT_DAY, UNREADABLE)


@dataclass(frozen=True)
class RowRule:
    """One rule that a single row can break: which rows it looks at, which of them are bad, and why a bad one is."""

    name: str
    reason: str
    quarantines: bool
    looked_at: Column
    bad: Column
    because: Column


@dataclass(frozen=True)
class Tally:
    """Rows of one file: all, those with a broken rule, and for each rule the rows looked at and the bad ones.

    `measured` are further numbers about the rows that were asked for.
    """

    rows: int
    bad: int
    by_rule: dict[str, tuple[int, int]]
    measured: dict[str, Any] = field(default_factory=dict)


def row_rules(
    expectations: Iterable[Expectation],
    unread: Mapping[str, str] | None = None,
    pieces_of: Collection[str] | None = None,
) -> list[RowRule]:
    """The rules among `expectations` that are about single rows; `unread` says of a column that it is unreadable.

    A row that is a piece of a record with the key `pieces_of` need not fill the other columns that it says nothing of.
    """
    rules = []
    for expectation in expectations:
        broken = _broken(expectation)
        if broken is not None:
            looked_at = _looked_at(expectation)
            if pieces_of is not None and isinstance(expectation, gxe.ExpectColumnValuesToNotBeNull):
                own = expectation.column in pieces_of
                looked_at = looked_at if own else looked_at & ~_lacks(expectation.column)
            rules.append(
                RowRule(
                    _meta(expectation, "rule"),
                    _meta(expectation, "reason"),
                    _meta(expectation, "fate") == "quarantine",
                    looked_at,
                    F.coalesce(looked_at & broken, F.lit(False)),
                    _because(expectation, unread or {}),
                )
            )
    return rules


def tally(rows: DataFrame, rules: list[RowRule], measures: Mapping[str, Column] | None = None) -> dict[str, Tally]:
    """Count the flagged rows of each file by what they broke, and add up `measures` (counts or sums), in one pass."""
    looks, measures = list(_looks(rules)), measures or {}
    seen_at = [looks.index(str(rule.looked_at)) for rule in rules]
    asked = [measure.alias(f"measure_{index}") for index, measure in enumerate(measures.values())]
    bits = [*_names(SEEN, len(looks)), *_names(BAD, len(rules))]
    tallies: dict[str, Tally] = {}
    for row in rows.groupBy("file_id", *bits).agg(F.count("*").alias("rows"), *asked).collect():
        before = tallies.get(row["file_id"]) or Tally(0, 0, {rule.name: (0, 0) for rule in rules})
        by_rule, broken = dict(before.by_rule), 0
        for place, rule in enumerate(rules):
            if _bit(row, SEEN, seen_at[place]):
                bad, (looked_at, failed) = _bit(row, BAD, place), by_rule[rule.name]
                by_rule[rule.name] = (looked_at + row["rows"], failed + bad * row["rows"])
                broken |= bad & rule.quarantines
        measured = {
            name: (before.measured.get(name) or 0) + (row[f"measure_{index}"] or 0)
            for index, name in enumerate(measures)
        }
        bad_rows = before.bad + broken * row["rows"]
        tallies[row["file_id"]] = Tally(before.rows + row["rows"], bad_rows, by_rule, measured)
    return tallies


def _lacks(column: str) -> Column:
    return F.concat(F.lit(","), F.coalesce("absent", F.lit("")), F.lit(",")).contains(f",{column},")


def applicable(expectations: Iterable[Expectation], dataset: SourceDataset, place: str) -> list[Expectation]:
    """The expectations about columns that the source has.

    Raises ConfigError naming `place` if a column that every row must have is not mapped.
    """
    kept, missing = [], []
    for expectation in expectations:
        derived = {*DERIVED, _holds_column(expectation)}
        absent = [c for c in _columns(expectation) if c not in dataset.columns and c not in derived]
        if not absent:
            kept.append(expectation)
        elif _needed_in_every_row(expectation) and absent[0] != UPDATED:
            missing.append(absent[0])
    if missing:
        raise ConfigError([f"{place}: column {name!r} is needed in every row; map it" for name in missing])
    return kept


def flagged(batch: DataFrame, rules: list[RowRule]) -> DataFrame:
    """Add `broken_rules` (names, comma-separated) and `reason`: of rules that quarantine; both NULL for a good row.

    Each rule is evaluated once, to bits of `rules_seen_N` and `rules_bad_N`; names and reasons are spelled out for bad
    rows only, and `tally` counts the bits.
    """
    bits = _bits(SEEN, list(_looks(rules).values())) | _bits(BAD, [rule.bad for rule in rules])
    bad = [F.col(f"{BAD}_{place // WORD}").bitwiseAND(1 << place % WORD) != 0 for place in range(len(rules))]
    held = [(broken, rule) for broken, rule in zip(bad, rules, strict=True) if rule.quarantines]
    names = [F.when(broken, _name(rule)) for broken, rule in held]
    reasons = [F.when(broken, rule.because) for broken, rule in held]
    any_broken = reduce(operator.or_, (broken for broken, _ in held), F.lit(False))
    return batch.withColumns(bits).withColumns(
        {
            BROKEN: F.when(any_broken, F.concat_ws(",", *names)),
            REASON: F.when(any_broken, F.concat(F.concat_ws("; ", *reasons), F.lit(WHAT_TO_DO))),
        }
    )


def _looks(rules: list[RowRule]) -> dict[str, Column]:
    """The different ways in which rules choose their rows; many rules about a column share one."""
    return {str(rule.looked_at): rule.looked_at for rule in rules}


def _names(kind: str, bits: int) -> list[str]:
    """The columns that hold so many bits."""
    return [f"{kind}_{word}" for word in range(-(-bits // WORD))]


def _bit(row: Row, kind: str, place: int) -> int:
    return int(row[f"{kind}_{place // WORD}"]) >> place % WORD & 1


def _bits(kind: str, conditions: list[Column]) -> dict[str, Column]:
    """Columns of bits: bit n is set where condition n is true."""
    none = F.lit(0).cast("bigint")
    columns = {}
    for word, name in enumerate(_names(kind, len(conditions))):
        bits = [
            F.when(condition, F.lit(1 << bit).cast("bigint")).otherwise(none)
            for bit, condition in enumerate(conditions[word * WORD : (word + 1) * WORD])
        ]
        columns[name] = reduce(lambda left, right: left.bitwiseOR(right), bits)
    return columns


def _name(rule: RowRule) -> Column:
    """The rule; for values without the right type one name per column, `<column>:type`."""
    if rule.name != "types":
        return F.lit(rule.name)
    return F.concat(F.regexp_replace(UNREADABLE, ",", ":type,"), F.lit(":type"))


def _because(expectation: Expectation, unread: Mapping[str, str]) -> Column:
    """The reason; for values without the right type with what is said of their columns."""
    reason = _meta(expectation, "reason")
    if _meta(expectation, "rule") != "types" or not unread:
        return F.lit(reason)
    listed = F.concat(F.lit(","), UNREADABLE, F.lit(","))
    named = [F.when(listed.contains(f",{name},"), F.lit(said)) for name, said in unread.items()]
    return F.concat_ws(": ", F.lit(reason), F.nullif(F.concat_ws("; ", *named), F.lit("")))


def called(column: str, sources: Mapping[str, str]) -> str:
    """A canonical column with the source columns it is made of, where those have another name."""
    source = sources.get(column, column)
    return column if source == column else f"{column} (from {source})"


def _needed_in_every_row(expectation: Expectation) -> bool:
    is_not_null = isinstance(expectation, gxe.ExpectColumnValuesToNotBeNull)
    return is_not_null and _meta(expectation, "fate") == "quarantine" and not _condition(expectation)


def _meta(expectation: Expectation, key: str) -> str:
    return str((expectation.meta or {})[key])


def _holds_column(expectation: Expectation) -> str | None:
    """The helper column that says whether the expectation holds for the row, of one that needs other rows to say it."""
    return (expectation.meta or {}).get("holds")


def _condition(expectation: Expectation) -> When | PassThroughCondition | None:
    return getattr(expectation, "row_condition", None)


def _columns(expectation: Expectation) -> list[str]:
    names = [getattr(expectation, field, None) for field in ("column", "column_A", "column_B")]
    return [name for name in names if name]


def _looked_at(expectation: Expectation) -> Column:
    """An empty value is looked at only by rules about being empty; a condition narrows it further."""
    holds = _holds_column(expectation)
    if holds:
        return F.col(holds).isNotNull()
    condition = _condition(expectation)
    held = [_holds(condition)] if condition else []
    if not isinstance(expectation, gxe.ExpectColumnValuesToNotBeNull | gxe.ExpectColumnValuesToBeNull):
        held += [F.col(name).isNotNull() for name in _columns(expectation)]
    return F.coalesce(reduce(operator.and_, held), F.lit(False)) if held else F.lit(True)


def _broken(expectation: Expectation) -> Column | None:
    """Whether a row that the expectation looks at breaks it; None for an expectation about the batch as a whole."""
    holds = _holds_column(expectation)
    if holds:
        return ~F.col(holds)
    known = [_BROKEN_BY[kind] for kind in type(expectation).__mro__ if kind in _BROKEN_BY]
    return known[0](expectation) if known else None


def _holds(condition: Condition) -> Column:
    """The condition under which an expectation looks at a row."""
    if isinstance(condition, PassThroughCondition):
        return F.expr(condition.pass_through_filter)
    if isinstance(condition, AndCondition):
        return reduce(operator.and_, (_holds(one) for one in condition.conditions))
    if isinstance(condition, NullityCondition):
        value = F.col(condition.column.name)
        return value.isNull() if condition.is_null else value.isNotNull()
    if isinstance(condition, ComparisonCondition):
        return _COMPARE[condition.operator](F.col(condition.column.name), condition.parameter)
    raise TypeError(f"a row condition cannot be a {type(condition).__name__}")


_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _outside(e: Any) -> Column:
    value = F.col(e.column)
    bad = F.lit(False)
    if e.min_value is not None:
        bad = bad | (value <= F.lit(e.min_value) if e.strict_min else value < F.lit(e.min_value))
    if e.max_value is not None:
        bad = bad | (value >= F.lit(e.max_value) if e.strict_max else value > F.lit(e.max_value))
    return bad


def _wrong_length(e: Any) -> Column:
    length, bad = F.length(e.column), F.lit(False)
    if e.min_value is not None:
        bad = bad | (length < e.min_value)
    if e.max_value is not None:
        bad = bad | (length > e.max_value)
    return bad


_BROKEN_BY: dict[type, Callable[[Any], Column]] = {
    ExpectEmailAddress: lambda e: no_address(F.col(e.column), e.regex),  # the regex is what of it a pattern can tell
    gxe.ExpectColumnValuesToNotBeNull: lambda e: F.col(e.column).isNull(),
    gxe.ExpectColumnValuesToBeNull: lambda e: F.col(e.column).isNotNull(),
    gxe.ExpectColumnValuesToBeInSet: lambda e: ~F.col(e.column).isin(list(e.value_set)),
    gxe.ExpectColumnValuesToBeBetween: _outside,
    gxe.ExpectColumnValuesToMatchRegex: lambda e: ~F.col(e.column).rlike(e.regex),
    gxe.ExpectColumnValuesToNotMatchRegex: lambda e: F.col(e.column).rlike(e.regex),
    gxe.ExpectColumnValueLengthsToBeBetween: _wrong_length,
    gxe.ExpectColumnPairValuesAToBeGreaterThanB: lambda e: (
        F.col(e.column_A) < F.col(e.column_B) if e.or_equal else F.col(e.column_A) <= F.col(e.column_B)
    ),
}
