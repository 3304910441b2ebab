"""All traits over one kind of rows in one pass: their distinct aggregates, and the values made of those.

For several days rows are first added up per customer, day and period in which they were known, and only then repeated
for each day on which they count: what a trait asks of single rows is asked once, however many days it is computed for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.activity.language import LASTS, Aggregate, aggregates_of, condition_of, parts_of
from jobs.config.sql.guard import words
from jobs.config.traits import ROWS, Trait
from jobs.validate.versions.counting import PERIOD

MOST_FREQUENT = "most_frequent"
_FAR = 2**62
"""Added to moments in microseconds, it makes all of them numbers of 19 digits."""
_MEASURED = ("sum", "avg", "min", "max", "latest", "earliest")
_EXACT = "decimal(28,6)"
"""What doubles are added up as, so that a sum does not depend on the order of the rows."""
_AGO = re.compile(r"\bdays_ago\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Call:
    """An aggregate on the rows for which a condition holds and that are in a window."""

    aggregate: Aggregate
    condition: str
    window: str

    @property
    def argument(self) -> str:
        return self.aggregate.argument


class Pass:
    """Names for every distinct condition and aggregate of the traits: `_c0`, `orders_a0`."""

    def __init__(
        self,
        rows: DataFrame,
        traits: Mapping[str, Trait],
        kind: str,
        on_each_day: Callable[[DataFrame], DataFrame] | None = None,
        several: bool = False,
    ) -> None:
        """`on_each_day` repeats rows for the days on which they count, as `snapshot`, and tells how many days ago they
        were; without it, all count, once."""
        self.kind, self.traits, self.rows = kind, traits, rows
        self.keys = ["snapshot", "customer_id"] if on_each_day else ["customer_id"]
        self.on_each_day = on_each_day or (lambda rows: rows)
        self.conditions = {text: f"_c{n}" for n, text in enumerate(dict.fromkeys(map(condition_of, traits.values())))}
        calls = [call for trait in traits.values() for call in _calls(trait)]
        self.calls = {call: f"{kind}_a{n}" for n, call in enumerate(dict.fromkeys(calls))}
        measured = [call.argument for call in self.calls if call.aggregate.function in _MEASURED]
        self.types = _types(rows, dict.fromkeys(measured))
        self.kept = {a: f"_k{n}" for n, a in enumerate(dict.fromkeys(call.aggregate for call in self.calls))}
        self.together = several and not any(map(_asks_the_day, self.calls))

    def results(self) -> DataFrame:
        """The result of every aggregate, one row per customer, and per day if rows have several."""
        if self.together:
            counted = self.on_each_day(self._added_up(self._marked(self.rows)))
        else:
            counted = self._marked(self.on_each_day(self.rows))
        found = [
            F.expr(sql).alias(f"{name}{suffix}")
            for call, name in self.calls.items()
            if call.aggregate.function != MOST_FREQUENT
            for suffix, sql in self._sql(call).items()
        ]
        whole = counted.groupBy(*self.keys).agg(F.count("*").alias(f"{self.kind}_rows"), *found)
        for winners in self._most_frequent(counted, self.keys):
            whole = whole.join(winners, on=self.keys, how="left")
        return whole

    def value(self, name: str, typed: bool = True) -> Column:
        """The trait, made of the results."""
        trait = self.traits[name]
        parts = parts_of(trait.value)
        alone = len(parts) == 1
        spelled = [part if isinstance(part, str) else self._result(part, trait, alone) for part in parts]
        value = F.expr(" ".join(spelled))
        return finished(value, trait) if typed else value

    def _marked(self, rows: DataFrame) -> DataFrame:
        """Rows that meet any condition, with a column for each."""
        marks = {name: F.coalesce(F.expr(text), F.lit(False)) for text, name in self.conditions.items()}
        any_of_them = " or ".join(self.conditions.values())
        return rows.withColumns(marks).where(any_of_them)

    def _added_up(self, rows: DataFrame) -> DataFrame:
        """Rows of a customer, day and period that are alike in every condition, and in what is counted by value."""
        by_value = {self._column(call): F.expr(call.argument) for call in self.calls if _is_by_value(call)}
        partial = {"_n": F.count("*"), "_at": F.max(self._at)}
        for call in self.calls:
            if not _is_by_value(call) and not _AGO.search(call.argument):
                partial |= {name: F.expr(sql) for name, sql in self._partial(call).items()}
        lasting = [LASTS] if any(trait.while_open for trait in self.traits.values()) else []
        keys = ["customer_id", "day", *PERIOD, *self.conditions.values(), *by_value, *lasting]
        told = rows.withColumns(by_value) if by_value else rows
        return told.groupBy(*keys).agg(*(sql.alias(name) for name, sql in partial.items()))

    def _partial(self, call: _Call) -> dict[str, str]:
        """What of rows that are added up is kept for a call, by the name of its column."""
        function, argument, name = call.aggregate.function, call.argument, self._column(call)
        if function == "count":
            return {} if argument == "*" else {name: f"count({argument})"}
        if function in ("sum", "avg"):
            return {name: f"sum({self._exact(argument)})", f"{name}_n": f"count({argument})"}
        if function in ("latest", "earliest"):
            return {name: f"{_best(function)}({self._dated(argument)}) filter (where ({argument}) is not null)"}
        return {name: f"{function}({argument})"}

    def _sql(self, call: _Call) -> dict[str, str]:
        """Suffix of the column to the aggregate that fills it."""
        function, argument, met = call.aggregate.function, call.argument, self._met(call)
        kept = self._column(call)
        if call.aggregate.distinct:
            return {"": f"count(distinct {kept if self.together else argument}) filter (where {met})"}
        if self.together and not _AGO.search(argument):
            if function == "count":
                return {"": f"sum({'_n' if argument == '*' else kept}) filter (where {met})"}
            if function in ("sum", "avg"):
                return {"": f"sum({kept}) filter (where {met})", "_n": f"sum({kept}_n) filter (where {met})"}
            return {"": f"{_best(function)}({kept}) filter (where {met})"}
        if function == "count":
            return {"": f"count({argument}) filter (where {met})"}
        if function in ("latest", "earliest"):
            best = f"{_best(function)}({self._dated(argument)})"
            return {"": f"{best} filter (where {met} and ({argument}) is not null)"}
        if function in ("sum", "avg"):
            found = {"": f"sum({self._exact(argument)}) filter (where {met})"}
            return found | ({"_n": f"count({argument}) filter (where {met})"} if function == "avg" else {})
        return {"": f"{function}({argument}) filter (where {met})"}

    def _most_frequent(self, counted: DataFrame, keys: list[str]) -> Iterator[DataFrame]:
        """For each argument of most_frequent: the winning value of every call about it."""
        asked = [call for call in self.calls if call.aggregate.function == MOST_FREQUENT]
        number, at = ("sum(_n)", "_at") if self.together else ("count(*)", self._at)
        for argument in dict.fromkeys(call.argument for call in asked):
            calls = [call for call in asked if call.argument == argument]
            value = self._column(calls[0]) if self.together else argument
            of_value = counted.withColumn("_value", F.expr(value)).where("_value is not null")
            per_value = of_value.groupBy(*keys, "_value").agg(
                *[F.expr(f"{number} filter (where {self._met(c)})").alias(f"{self.calls[c]}_n") for c in calls],
                *[F.expr(f"max({at}) filter (where {self._met(c)})").alias(f"{self.calls[c]}_at") for c in calls],
            )
            winners = []
            for name in (self.calls[call] for call in calls):
                ranked = F.struct(f"{name}_n", f"{name}_at", "_value")
                winners.append(F.max(F.when(F.col(f"{name}_n") > 0, ranked)).alias(name))
            yield per_value.groupBy(*keys).agg(*winners)

    @property
    def _at(self) -> str:
        return str(ROWS[self.kind].moment)

    def _column(self, call: _Call) -> str:
        """Where rows that are added up keep what a call needs: a column for each aggregate, whatever the condition."""
        return self.kept[call.aggregate]

    def _met(self, call: _Call) -> str:
        return f"({self.conditions[call.condition]} and {call.window})"

    def _exact(self, argument: str) -> str:
        return f"try_cast(({argument}) as {_EXACT})" if _is_double(self.types[argument]) else argument

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
        name = self.calls[_Call(aggregate, condition_of(trait), window_of(trait))]
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


def aggregated(
    customers: DataFrame, rows: DataFrame, traits: Mapping[str, Trait], kind: str, typed: bool = True
) -> DataFrame:
    """`customers` with the traits over rows that all count; `typed` False leaves values as found."""
    one = Pass(rows, traits, kind)
    found = customers.join(one.results(), on="customer_id", how="left")
    return found.select(*customers.columns, *(one.value(name, typed).alias(name) for name in traits))


def finished(value: Column, trait: Trait) -> Column:
    """The value with the type and the default of its trait."""
    typed = value.cast(trait.type)
    return typed if trait.default is None else F.coalesce(typed, F.lit(trait.default).cast(trait.type))


def derived(value: str, known: Mapping[str, Trait]) -> Column:
    """The expression, with amounts as doubles: engines differ in the digits of a quotient of decimals."""
    spelled = [
        f"cast({text} as double)" if kind == "word" and text in known and known[text].type == "decimal(18,2)" else text
        for kind, text in words(value)
    ]
    return F.expr(" ".join(spelled))


def window_of(trait: Trait) -> str:
    """When a row must have been."""
    first = trait.ending_days_ago
    conditions = [f"days_ago >= {first}"] if first else []
    if trait.days:
        conditions.append(f"days_ago < {first + trait.days}")
    if trait.while_open:
        conditions.append(f"({LASTS} is null or days_ago < {LASTS})")
    return " and ".join(conditions) or "true"


def asks_the_day(trait: Trait) -> bool:
    """Whether its value changes as days pass, with the same rows in its window."""
    return bool(trait.over and (_AGO.search(trait.value) or _AGO.search(condition_of(trait))))


def ages(trait: Trait) -> bool:
    """Whether its value, where there is one, grows by one each day while the rows in its window are the same."""
    parts = parts_of(trait.value) if trait.over else []
    plainly = parts in ([Aggregate("min", "days_ago")], [Aggregate("max", "days_ago")])
    return plainly and trait.type == "bigint" and not _AGO.search(condition_of(trait))


def _calls(trait: Trait) -> list[_Call]:
    return [_Call(aggregate, condition_of(trait), window_of(trait)) for aggregate in aggregates_of(trait.value)]


def _is_by_value(call: _Call) -> bool:
    return call.aggregate.distinct or call.aggregate.function == MOST_FREQUENT


def _asks_the_day(call: _Call) -> bool:
    """Whether it must see single rows on the day it is computed for; least and most days ago are those of the day."""
    asked = _AGO.search(call.argument)
    plainly = call.argument == "days_ago" and call.aggregate.function in ("min", "max")
    return bool(_AGO.search(call.condition) or (asked and not plainly))


def _best(function: str) -> str:
    return {"latest": "max", "earliest": "min"}.get(function, function)


def _is_double(kind: T.DataType) -> bool:
    return isinstance(kind, T.DoubleType | T.FloatType)


def _types(rows: DataFrame, arguments: Iterable[str]) -> dict[str, T.DataType]:
    listed = list(arguments)
    if not listed:
        return {}
    values = [F.expr(text).alias(f"_{n}") for n, text in enumerate(listed)]
    schema = rows.withColumn("days_ago", F.lit(0)).select(*values).schema
    return {text: schema[f"_{n}"].dataType for n, text in enumerate(listed)}
