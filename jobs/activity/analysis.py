"""Do conditions and values of traits have the types they must have, and is there a value that stops them?

What reading a text tells is told without the engine; it is asked for the rest, on made-up rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from jobs.activity.checks import check, place_of
from jobs.activity.row_columns import columns_of
from jobs.config.settings import Settings
from jobs.config.sql.advice import text_arithmetic
from jobs.config.sql.signatures import NUMBERS, SCALARS, Types, family
from jobs.config.sql.types import OfCall, averaged, counted, outermost, summed, type_of
from jobs.config.traits import Rows, Trait
from jobs.config.yaml_files import ConfigError
from jobs.lake.trial import empty, made_up, stopping, tried

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_CASTS = {
    "bigint": ("tinyint", "smallint", "int", "bigint"),
    "double": ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal"),
    "decimal(18,2)": ("tinyint", "smallint", "int", "bigint", "decimal"),
}
"""What a declared type takes without rounding or guessing; other types take only themselves."""
_ALWAYS = {"where": None, "days": None, "ending_days_ago": 0}


def refuse_wrong_traits(settings: Settings) -> None:
    """Raise ConfigError if any trait is wrong."""
    if found := check(settings) or analyse(settings):
        raise ConfigError(found)


def analyse(settings: Settings) -> list[str]:
    """What is not understood, values of another type than declared, what fails on text; reads no data.

    For what `check` lets pass. Starts the engine only for traits of which reading does not tell.
    """
    named = {name: _counted(rows) for name, rows in settings.rows.items()}
    rows = {name: trait for name, trait in named.items() if not _condition_is_fine(trait)}
    unsure = {name: trait for name, trait in settings.traits.items() if not _is_fine(trait, settings.traits)}
    wrong = {name: _wrong_condition(trait) for name, trait in rows.items()}
    found = [f"{place_of(settings, name, 'where', 'rows')}: {problem}" for name, problem in wrong.items() if problem]
    if found:
        return found
    for name, trait in unsure.items():
        condition = _wrong_condition(trait)
        problem = condition or _wrong_value(name, trait, settings.traits)
        if problem:
            found.append(f"{place_of(settings, name, 'where' if condition else 'value')}: {problem}")
    return found or [
        f"{place_of(settings, name, key, part)}: fails on text that is no number, date or truth: compare with a '...', "
        f"or write try_cast(... as double): {problem}"
        for part, some in (("rows", rows), ("traits", unsure))
        for name, key, problem in _failures(some, settings.traits)
    ]


def _counted(rows: Rows) -> Trait:
    """Named rows as a trait, to be tried out like one."""
    return Trait(title="rows", over=rows.over, where=rows.where, value="count(*)", type="bigint")


def _is_fine(trait: Trait, traits: Mapping[str, Trait]) -> bool:
    """Whether reading tells that condition and value are as they must be."""
    if trait.over:
        given = type_of(trait.value, _known(trait.over), _AGGREGATES)
    else:
        given = type_of(trait.value, {name: _as_derived(other) for name, other in traits.items()})
    return _condition_is_fine(trait) and given is not None and _fits(given, trait)


def _condition_is_fine(trait: Trait) -> bool:
    return trait.where is None or type_of(trait.where, _known(str(trait.over))) == "boolean"


def _as_derived(trait: Trait) -> str:
    """The type that another trait has in a calculation: amounts are doubles there."""
    return "double" if trait.type == "decimal(18,2)" else trait.type


def _added_up(node: exp.Anonymous, given: Types) -> str | None:
    """Amounts are added up exactly, and are doubles in a calculation."""
    kind = family(summed(node, given))
    alone = "decimal" if node.parent is None else "double"
    return alone if kind in ("decimal", "double") else kind or None


def _average(node: exp.Anonymous, given: Types) -> str | None:
    return "double" if averaged(node, given) else None


def _extreme(node: exp.Anonymous, given: Types) -> str | None:
    kind = outermost(node, given)
    return "double" if family(kind) in NUMBERS[2:] and node.parent is not None else kind


def _one_of_them(node: exp.Anonymous, given: Types) -> str | None:
    return given[0] if len(given) == 1 and family(given[0]) in SCALARS else None


_AGGREGATES: dict[str, OfCall] = {
    "count": counted,
    "sum": _added_up,
    "avg": _average,
    "min": _extreme,
    "max": _extreme,
    "earliest": _one_of_them,
    "latest": _one_of_them,
    "most_frequent": _one_of_them,
}


def _wrong_condition(trait: Trait) -> str | None:
    if trait.over is None or trait.where is None:
        return None
    (result,) = tried(_known(trait.over), [trait.where])
    if result.refused:
        return _not_understood(result.refused, text_arithmetic(trait.where, _known(trait.over)))
    return None if result.type == "boolean" else f"gives {result.type}, not true or false; compare it with something"


def _wrong_value(name: str, trait: Trait, traits: Mapping[str, Trait]) -> str | None:
    try:
        given = _table({name: trait}, traits, empty).schema.fields[-1].dataType.simpleString()
    except Exception as error:  # each engine has its own classes for what it cannot analyse
        advice = text_arithmetic(trait.value, _known(trait.over)) if trait.over else ""
        return _not_understood(str(error), advice)
    return None if _fits(given, trait) else f"gives {given}, not {trait.type}; correct `type`"


def _fits(given: str, trait: Trait) -> bool:
    return family(given) in _CASTS.get(trait.type, (trait.type,))


def _not_understood(said: str, advice: str = "") -> str:
    return f"not an expression the engine understands: {advice or _first_line(said)}"


def _first_line(said: str) -> str:
    return said.strip().splitlines()[0][:200]


def _failures(some: Mapping[str, Trait], traits: Mapping[str, Trait]) -> Iterator[tuple[str, str, str]]:
    """(trait, key, problem) of each `where` and `value` that fails. All traits over the same rows are tried at once."""
    for kind in dict.fromkeys(trait.over for trait in some.values()):
        own = {name: trait for name, trait in some.items() if trait.over == kind}
        asked = {name: trait for name, trait in own.items() if trait.where}
        for name, error in stopping(asked, _conditions):
            yield name, "where", _first_line(str(error))
        for name, error in stopping(own, lambda tried: _table(tried, traits, made_up)):
            yield name, "value", _first_line(str(error))


def _conditions(some: Mapping[str, Trait]) -> DataFrame:
    row = made_up(_known(str(next(iter(some.values())).over)))
    return row.selectExpr(*(f"({trait.where}) as {name}" for name, trait in some.items()))


def _table(some: Mapping[str, Trait], traits: Mapping[str, Trait], rows: Callable[..., DataFrame]) -> DataFrame:
    """The values of traits over the same rows; over all of them, whatever their conditions and windows."""
    from jobs.activity.one_pass import aggregated, derived

    kind = next(iter(some.values())).over
    if kind is None:
        known = rows({name: trait.type for name, trait in traits.items()})
        return known.select(*[derived(trait.value, traits).alias(f"new_{name}") for name, trait in some.items()])
    always = {name: Trait(**trait.model_dump() | _ALWAYS) for name, trait in some.items()}
    return aggregated(rows({"customer_id": "string"}), rows(_known(kind)), always, kind, typed=False)


def _known(kind: str) -> dict[str, str]:
    return {"customer_id": "string", **columns_of(kind)}
