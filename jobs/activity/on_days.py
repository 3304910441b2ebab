"""All traits over one kind of rows in one pass: their distinct aggregates, and the values made of those."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.activity.known_rows import SOURCES
from jobs.activity.language import Aggregate, aggregates_of, parts_of
from jobs.config.sql import words
from jobs.config.traits import Trait

MOST_FREQUENT = "most_frequent"
_FAR = 2**62
"""Added to moments in microseconds, it makes all of them numbers of 19 digits."""
_MEASURED = ("sum", "avg", "min", "max", "latest", "earliest")
_EXACT = "decimal(28,6)"
"""What doubles are added up as, so that a sum does not depend on the order of the rows."""


def aggregated(
    customers: DataFrame, rows: DataFrame, traits: dict[str, Trait], kind: str, typed: bool = True
) -> DataFrame:
    """`customers` with the traits over these rows; customers without rows too. `typed` False leaves values as found."""
    plan = _Plan(rows, traits, kind)
    found = customers.join(plan.one_pass(), on="customer_id", how="left")
    for counted in plan.most_frequent():
        found = found.join(counted, on="customer_id", how="left")
    values = {name: plan.value(trait, typed).alias(name) for name, trait in traits.items()}
    return found.select(*customers.columns, *values.values())


@dataclass(frozen=True)
class _Call:
    """An aggregate on the rows for which a condition holds."""

    aggregate: Aggregate
    condition: str


class _Plan:
    """Names for every distinct condition and aggregate of the traits: `_c0`, `_a0`."""

    def __init__(self, rows: DataFrame, traits: dict[str, Trait], kind: str) -> None:
        self.kind = kind
        self.conditions = {text: f"_c{n}" for n, text in enumerate(dict.fromkeys(map(condition_of, traits.values())))}
        calls = [_Call(a, condition_of(t)) for t in traits.values() for a in aggregates_of(t.value)]
        self.calls = {call: f"_a{n}" for n, call in enumerate(dict.fromkeys(calls))}
        self.rows = rows.withColumns(
            {name: F.coalesce(F.expr(text), F.lit(False)) for text, name in self.conditions.items()}
        )
        measured = [c.aggregate.argument for c in self.calls if c.aggregate.function in _MEASURED]
        self.types = _types(rows, dict.fromkeys(measured))

    def one_pass(self) -> DataFrame:
        """customer_id and the result of every aggregate."""
        results = [
            F.expr(sql).alias(f"{name}{suffix}")
            for call, name in self.calls.items()
            if call.aggregate.function != MOST_FREQUENT
            for suffix, sql in self._sql(call).items()
        ]
        return self.rows.groupBy("customer_id").agg(F.count("*").alias("_rows"), *results)

    def most_frequent(self) -> Iterable[DataFrame]:
        """For each argument of most_frequent: customer_id and the winning value of every call about it."""
        asked = [call for call in self.calls if call.aggregate.function == MOST_FREQUENT]
        for argument in dict.fromkeys(call.aggregate.argument for call in asked):
            calls = [call for call in asked if call.aggregate.argument == argument]
            of_value = self.rows.withColumn("_value", F.expr(argument)).where("_value is not null")
            counted = of_value.groupBy("customer_id", "_value").agg(
                *[F.expr(f"count(*) filter (where {self._met(c)})").alias(f"{self.calls[c]}_n") for c in calls],
                *[F.expr(f"max({self._at}) filter (where {self._met(c)})").alias(f"{self.calls[c]}_at") for c in calls],
            )
            winners = []
            for name in (self.calls[call] for call in calls):
                ranked = F.struct(f"{name}_n", f"{name}_at", "_value")
                winners.append(F.max(F.when(F.col(f"{name}_n") > 0, ranked)).alias(name))
            yield counted.groupBy("customer_id").agg(*winners)

    def value(self, trait: Trait, typed: bool) -> Column:
        """The trait, made of the results."""
        parts = parts_of(trait.value)
        alone = len(parts) == 1
        spelled = [part if isinstance(part, str) else self._result(part, trait, alone) for part in parts]
        value = F.expr(" ".join(spelled))
        return finished(value, trait) if typed else value

    @property
    def _at(self) -> str:
        return SOURCES[self.kind].at

    def _met(self, call: _Call) -> str:
        return self.conditions[call.condition]

    def _sql(self, call: _Call) -> dict[str, str]:
        """Suffix of the column to the aggregate that fills it."""
        aggregate, met = call.aggregate, self._met(call)
        argument = aggregate.argument
        if aggregate.function == "count":
            return {"": f"count({'distinct ' if aggregate.distinct else ''}{argument}) filter (where {met})"}
        if aggregate.function in ("latest", "earliest"):
            best = "max" if aggregate.function == "latest" else "min"
            return {"": f"{best}({self._dated(argument)}) filter (where {met} and ({argument}) is not null)"}
        if aggregate.function in ("sum", "avg"):
            exact = f"try_cast(({argument}) as {_EXACT})" if _is_double(self.types[argument]) else argument
            found = {"": f"sum({exact}) filter (where {met})"}
            if aggregate.function == "avg":
                found["_n"] = f"count({argument}) filter (where {met})"
            return found
        return {"": f"{aggregate.function}({argument}) filter (where {met})"}

    def _dated(self, argument: str) -> str:
        """A value behind its moment, so that the largest is the latest; of one moment the larger value counts.

        As text, moment first in always 19 digits: engines find the largest text much faster than the largest struct.
        Doubles stay what they are, since engines differ in how they write them.
        """
        if _is_double(self.types[argument]):
            return f"named_struct('at', {self._at}, 'value', {argument})"
        return f"concat(cast(unix_micros({self._at}) + {_FAR} as string), cast({argument} as string))"

    def _result(self, aggregate: Aggregate, trait: Trait, alone: bool) -> str:
        """The result of an aggregate as a value: a count of nothing is 0, an amount in a calculation a double."""
        name = self.calls[_Call(aggregate, condition_of(trait))]
        if aggregate.function == "count":
            return f"coalesce({name}, 0)"
        if aggregate.function == "avg":
            return f"(cast({name} as double) / nullif(cast({name}_n as double), 0))"
        if aggregate.function in ("latest", "earliest"):
            kind = self.types[aggregate.argument]
            return f"{name}.value" if _is_double(kind) else f"cast(substring({name}, 20) as {kind.simpleString()})"
        if aggregate.function == MOST_FREQUENT:
            return f"{name}._value"
        amount = isinstance(self.types[aggregate.argument], T.FractionalType)
        return f"cast({name} as double)" if amount and not alone else name


def finished(value: Column, trait: Trait) -> Column:
    """The value with the type and the default of its trait."""
    typed = value.cast(trait.type)
    return typed if trait.default is None else F.coalesce(typed, F.lit(trait.default).cast(trait.type))


def derived(value: str, known: dict[str, Trait]) -> Column:
    """The expression, with amounts as doubles: engines differ in the digits of a quotient of decimals."""
    spelled = [
        f"cast({text} as double)" if kind == "word" and text in known and known[text].type == "decimal(18,2)" else text
        for kind, text in words(value)
    ]
    return F.expr(" ".join(spelled))


def condition_of(trait: Trait) -> str:
    """Which rows count: in the window, and the condition holds."""
    first = trait.ending_days_ago
    conditions = [f"days_ago >= {first}"] if first else []
    if trait.days:
        conditions.append(f"days_ago < {first + trait.days}")
    if trait.where:
        conditions.append(f"({trait.where.strip()})")
    return " and ".join(conditions) or "true"


def _is_double(kind: T.DataType) -> bool:
    return isinstance(kind, T.DoubleType | T.FloatType)


def _types(rows: DataFrame, arguments: Iterable[str]) -> dict[str, T.DataType]:
    listed = list(arguments)
    if not listed:
        return {}
    schema = rows.select(*[F.expr(text).alias(f"_{n}") for n, text in enumerate(listed)]).schema
    return {text: schema[f"_{n}"].dataType for n, text in enumerate(listed)}
