"""The rules that every company's data is held to, where a source changes them: `built_in` of a dataset in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.limits import typed
from expectations.vocabulary import outside
from jobs.config.sources.row_rules import BuiltIn
from jobs.config.sources.source import SourceDataset
from jobs.config.yaml_files import ConfigError, nearest
from jobs.lake.tables.canonical import CANONICAL

Problem = tuple[str, str, str]
"""Name of the rule, key in it or nothing for the rule itself, what is wrong."""


def with_changes(
    name: str, dataset: SourceDataset, suite: Iterable[Expectation], used: Iterable[Expectation], place: str
) -> list[Expectation]:
    """The expectations in `used` as the dataset wants them; `suite` are all that there are for datasets of that name.

    Raises ConfigError naming each change, below `place`, that cannot be made.
    """
    wrong = list(problems(name, dataset, suite))
    if wrong:
        raise ConfigError([f"{place}.{rule}{key and '.'}{key}: {what}" for rule, key, what in wrong])
    found = []
    for one in used:
        change = dataset.built_in.get(_rule(one), BuiltIn())
        if not change.skip:
            found.append(_changed(name, one, change))
    return found


def problems(name: str, dataset: SourceDataset, suite: Iterable[Expectation]) -> Iterator[Problem]:
    """What is wrong with the changes: a rule that is not there, or that nobody can do without."""
    known = {_rule(one): one for one in suite}
    needed = {"types", *(f"{column}:not_null" for column in CANONICAL[name].key)}
    for rule, change in dataset.built_in.items():
        if rule not in known:
            yield rule, "", f"no rule of {name} is called {rule!r}{nearest(rule, known)}"
            continue
        if rule in needed and (change.skip or change.fate == "report"):
            key = "skip" if change.skip else "fate"
            yield rule, key, "rows that break it cannot be published; change its severity or mostly only"
        limits = sorted({"min", "max"} & change.model_fields_set)
        if limits and not isinstance(known[rule], gxe.ExpectColumnValuesToBeBetween):
            yield rule, limits[0], "the rule has no limits"
            continue
        if limits:
            try:
                _limits(name, known[rule], change)
            except ValueError as error:
                key, _, what = str(error).partition(": ")
                yield rule, key, what


def _changed(name: str, one: Any, change: BuiltIn) -> Expectation:
    """The same expectation with what the change says."""
    meta = dict(one.meta or {})
    update: dict[str, Any] = {"id": None, "meta": meta}
    if change.fate:
        meta["fate"] = change.fate
    if change.severity:
        update["severity"] = FailureSeverity(change.severity)
    if change.mostly:
        update["mostly"] = change.mostly
    if {"min", "max"} & change.model_fields_set:
        low, high = _limits(name, one, change)
        update |= {"min_value": low, "max_value": high}
        meta["reason"] = outside(one.column, low, high)
    return one.copy(update=update)  # type: ignore[no-any-return]


def _limits(name: str, one: Any, change: BuiltIn) -> tuple[Any, Any]:
    """The limits of the rule after the change; raises ValueError, naming the key, for one of another type."""
    types = {column.name: column.type for column in CANONICAL[name].columns}
    low, high = one.min_value, one.max_value
    if "min" in change.model_fields_set:
        low = typed(change.min, types[one.column], "min")
    if "max" in change.model_fields_set:
        high = typed(change.max, types[one.column], "max")
    if low is None and high is None:
        raise ValueError("min: without any limit there is no rule; write skip: true")
    return low, high


def _rule(one: Expectation) -> str:
    return str((one.meta or {})["rule"])
