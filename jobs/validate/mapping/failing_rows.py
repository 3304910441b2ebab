"""Rows at which an expression of `config/sources/` stops the engine: found, so that they and not their batch wait.

An expression may need a number where a row has a word: `total > 100`, `1 / rate`. Engines answer with an error for the
whole query, and with the value in its text. Only then, halving the rows finds those it is about; each is flagged as
having an unreadable value, and the rest of the batch goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow.compute as pc
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import StepFailed
from jobs.lake.engine import lost
from jobs.lake.lake import Lake
from jobs.validate.contract import Contract, Unreadable
from jobs.validate.mapping.columns import mapped, taken

MOST = 50
"""Rows that one expression may stop at; when there are more, the expression is wrong."""
ADVICE = "where it needs a number or a date, take try_cast(NAME as double) or try_cast(NAME as date)"


@contextmanager
def flagged_rows(
    lake: Lake,
    contract: Contract,
    raw: DataFrame,
    paths: Mapping[str, str],
    only: Callable[[DataFrame], DataFrame] = lambda rows: rows,
) -> Iterator[DataFrame]:
    """The flagged rows of `raw`, of those the part that `only` takes, kept until the block ends.

    They are kept before `only` looks at them: engines push a condition on a verdict down through every expression that
    it is made of, and plan for ten seconds what takes a tenth of one. `paths` names the files. Raises StepFailed if an
    expression stops at many rows, or a rule at any.
    """
    with lake.scratch(f"valid/{contract.mapping.name}") as keep:
        try:
            rows = keep(contract.flag(raw))
        except PySparkException as error:
            if lost(error):
                raise
            _refuse_condition(contract, raw)
            unreadable = _unreadable(contract, raw, paths)
            try:
                rows = keep(contract.flag(raw, unreadable))
            except PySparkException:
                _refuse_rules(contract, raw, unreadable)
                raise
        yield only(rows)


def _unreadable(contract: Contract, raw: DataFrame, paths: Mapping[str, str]) -> list[Unreadable]:
    """The rows at which expressions stop, together with those expressions."""
    labels = {one.label for one in contract.mapping.held()}
    found: dict[tuple[str, int], set[str]] = {}
    for label in sorted(labels):
        alone = dataclasses.replace(contract, mapping=contract.mapping.without(labels - {label}))
        if not _stops(alone, raw):
            continue
        for count, row in enumerate(_rows(alone, raw)):
            if count == MOST:
                raise StepFailed(
                    f"{contract.mapping.place}: the expression of {label} stops at more than {MOST} rows, such as line "
                    f"{row[1]} of {paths[row[0]]}; {ADVICE}. Nothing of the batch was published"
                )
            found.setdefault(row, set()).add(label)
    grouped: dict[frozenset[str], list[tuple[str, int]]] = {}
    for row, names in found.items():
        grouped.setdefault(frozenset(names), []).append(row)
    return [Unreadable(names, rows) for names, rows in grouped.items()]


def _rows(contract: Contract, raw: DataFrame) -> Iterator[tuple[str, int]]:
    """File and line of the rows at which the only expression of the contract stops."""
    keys = raw.select("file_id", "line").toArrow().sort_by([("file_id", "ascending"), ("line", "ascending")])
    for file_id in pc.unique(keys["file_id"]).to_pylist():
        lines = keys.filter(pc.equal(keys["file_id"], file_id))["line"].to_pylist()
        of_file = raw.where(F.col("file_id") == file_id)
        halves = [lines]
        while halves:
            part = halves.pop()
            if not _stops(contract, of_file.where(F.col("line").between(part[0], part[-1]))):
                continue
            if len(part) == 1:
                yield file_id, part[0]
            else:
                halves += [part[len(part) // 2 :], part[: len(part) // 2]]


def _stops(contract: Contract, raw: DataFrame) -> bool:
    """Whether the engine stops when all values of these rows are computed."""
    values = mapped(contract.lookups.joined(raw), contract.mapping)
    try:
        values.select(*(F.count(F.col(name)) for name in values.columns)).collect()
    except PySparkException as error:
        if lost(error):
            raise
        return True
    return False


def _refuse_condition(contract: Contract, raw: DataFrame) -> None:
    """Raises StepFailed if it is the condition for the rows that the dataset takes at which the engine stops."""
    if not contract.mapping.dataset.where:
        return
    try:
        taken(contract.lookups.joined(raw), contract.mapping, []).count()
    except PySparkException as error:
        if lost(error):
            raise
        raise StepFailed(
            f"{contract.mapping.place}: `where` stops at a row; {ADVICE}. Nothing of the batch was published"
        ) from None


def _refuse_rules(contract: Contract, raw: DataFrame, unreadable: list[Unreadable]) -> None:
    """Raises StepFailed if it is the condition of a rule that stops."""
    for rule in contract.rules:
        try:
            contract.only(rule).flag(raw, unreadable).agg(F.count("reason")).collect()
        except PySparkException:
            raise StepFailed(
                f"{contract.mapping.place}: the condition of rule {rule.name} stops at a row; {ADVICE}. Nothing of the "
                "batch was published"
            ) from None
