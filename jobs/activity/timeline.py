"""Traits on every day: numbers over what happened in the last days, each time one of them changes.

Only counts and sums can be asked on every day: what happens adds to them on its day and leaves them when its window
ends, so running totals over those changes give every number on every day on which it is different from the day before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.every_day import RUNNING
from jobs.activity.language import LASTS, Aggregate, parts_of
from jobs.activity.one_pass import condition_of
from jobs.config.traits import ROWS, Trait


def timeline(tables: Mapping[str, DataFrame], traits: Mapping[str, Trait], as_of: date) -> DataFrame:
    """Every trait of every customer, each time one of them changed: customer_id, valid_from, valid_to, traits.

    `tables` are journeys/touchpoints and, if a trait is over them, journeys/sessions. The first row begins on the day
    of the first touchpoint; valid_to is empty for now.
    """
    kinds = dict.fromkeys(["touchpoints", *(str(trait.over) for trait in traits.values())])
    parts = [_per_day(tables[kind], kind, traits) for kind in kinds]
    per_day = reduce(DataFrame.unionByName, parts)
    if len(parts) > 1:
        per_day = per_day.groupBy("customer_id", "day").agg(*[F.sum(name).alias(name) for name in traits])
    changes = per_day.withColumn("later", F.explode(_when_it_counts(traits))).select(
        "customer_id",
        F.expr("date_add(day, later)").alias("day"),
        *[_change(name, trait).alias(name) for name, trait in traits.items()],
    )
    for name, trait in traits.items():
        if trait.while_open:
            changes = changes.unionByName(_while_open(tables["touchpoints"], name, traits))
    summed = [F.sum(name).alias(name) for name in traits]
    per_change = changes.groupBy("customer_id", "day").agg(F.count("*").alias("changes"), *summed)
    by_day = Window.partitionBy("customer_id").orderBy("day")
    so_far = by_day.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return per_change.where(F.col("day") <= F.lit(as_of)).select(
        "customer_id",
        F.col("day").alias("valid_from"),
        F.date_sub(F.lead("day").over(by_day), 1).alias("valid_to"),
        *[F.sum(name).over(so_far).cast(trait.type).alias(name) for name, trait in traits.items()],
    )


def _per_day(table: DataFrame, kind: str, traits: Mapping[str, Trait]) -> DataFrame:
    """What the rows of each day add to each trait."""
    own = {name: trait if trait.over == kind and not trait.while_open else None for name, trait in traits.items()}
    amounts = [_amount(own[name], trait.type).alias(name) for name, trait in traits.items()]
    return table.groupBy("customer_id", "day").agg(F.count("*").alias("rows"), *amounts).drop("rows")


def _while_open(touchpoints: DataFrame, name: str, traits: Mapping[str, Trait]) -> DataFrame:
    """What a trait that counts rows until their own last day is changed by, and on which day."""
    trait = traits[name]
    enter, *leave = moves(trait)
    ends = F.least(*[F.coalesce(LASTS, F.lit(after)) for after in leave], *map(F.lit, leave)) if leave else F.col(LASTS)
    counted = touchpoints.where(F.expr(condition_of(trait))).withColumn("ends", ends)
    counts = counted.where(F.col("ends").isNull() | (F.col("ends") > enter))
    per_day = counts.groupBy("customer_id", "day", "ends").agg(_value(trait).alias("amount"))
    both = F.array(
        F.struct(F.lit(enter).alias("later"), F.col("amount")),
        F.struct(F.col("ends").alias("later"), (-F.col("amount")).alias("amount")),
    )
    dated = per_day.select("customer_id", "day", F.explode(both).alias("change")).where("change.later is not null")
    nothing = {other: F.lit(0).cast(_summed(RUNNING[one.type])) for other, one in traits.items()}
    nothing[name] = F.col("change.amount").cast(_summed(RUNNING[trait.type]))
    return dated.select(
        "customer_id",
        F.expr("date_add(day, change.later)").alias("day"),
        *[column.alias(other) for other, column in nothing.items()],
    )


def _amount(trait: Trait | None, type_: str) -> Column:
    return F.lit(0).cast(RUNNING[type_]) if trait is None else _value(trait)


def _value(trait: Trait) -> Column:
    """What some rows add to a trait."""
    running = RUNNING[trait.type]
    (call,) = [part for part in parts_of(trait.value) if isinstance(part, Aggregate)]
    if call.function == "sum":
        what = F.expr(f"try_cast(({call.argument}) as {running})")
    else:
        what = F.lit(1) if call.argument == "*" else F.expr(f"if(({call.argument}) is null, 0, 1)")
    return F.coalesce(F.sum(F.when(F.expr(condition_of(trait)), what)), F.lit(0)).cast(_summed(running))


def _summed(running: str) -> str:
    return running if running == "bigint" else f"decimal(28,{running[-2]})"


def _when_it_counts(traits: Mapping[str, Trait]) -> Column:
    """The days on which rows of a day change a trait: when they enter the window of one, and when they leave it.

    Always the day itself: from the first on a customer has a place.
    """
    changed: dict[int, list[Column]] = {}
    for name, trait in traits.items():
        for later in moves(trait):
            changed.setdefault(later, []).append(F.col(name) != 0)
    changed.pop(0, None)
    moments = [F.when(reduce(Column.__or__, some), F.lit(later)) for later, some in sorted(changed.items())]
    return F.array_compact(F.array(F.lit(0), *moments))


def _change(name: str, trait: Trait) -> Column:
    """What the rows of a day do to a trait `later` days on: add to it when they enter its window, leave after it."""
    enter, *leave = moves(trait)
    change = F.when(F.col("later") == enter, F.col(name))
    for later in leave:
        change = change.when(F.col("later") == later, -F.col(name))
    return change.otherwise(F.lit(0)).cast(_summed(RUNNING[trait.type]))


def moves(trait: Trait) -> list[int]:
    """Days after a row at which it enters the window of a trait and, unless that has no end, leaves it."""
    enter = trait.ending_days_ago
    return [enter, enter + trait.days] if trait.days else [enter]


def query_on(traits: Mapping[str, Trait], day: date) -> str:
    """SQL that gives these traits of every customer on one day, straight from journeys/*."""
    selects = {}
    for kind in dict.fromkeys(["touchpoints", *(str(trait.over) for trait in traits.values())]):
        own = [f"{_total(t, day)} as {name}" for name, t in traits.items() if t.over == kind]
        listed = ",\n    ".join(["customer_id", *own])
        selects[kind] = f"  select {listed}\n  from {ROWS[kind].name.replace('/', '.')} where day <= date '{day}'"
        selects[kind] += " group by customer_id"
    first, *others = selects.values()
    if not others:
        return first
    names = [f"coalesce({name}, 0) as {name}" for name in traits]
    return f"  select customer_id, {', '.join(names)} from (\n{first}) left join (\n{others[0]}) using (customer_id)"


def _total(trait: Trait, day: date) -> str:
    met = [condition_of(trait)]
    if trait.days:
        met.append(f"day > date '{_back(day, trait.ending_days_ago + trait.days)}'")
    if trait.ending_days_ago:
        met.append(f"day <= date '{_back(day, trait.ending_days_ago)}'")
    if trait.while_open:
        met.append(f"({LASTS} is null or date '{day}' < day + {LASTS})")
    (call,) = [part for part in parts_of(trait.value) if isinstance(part, Aggregate)]
    holds = " and ".join(met)
    if call.function == "sum":
        return f"coalesce(sum(case when {holds} then {call.argument} end), 0)"
    return f"count(case when {holds} then {'1' if call.argument == '*' else call.argument} end)"


def _back(day: date, days: int) -> date:
    return date.fromordinal(day.toordinal() - days)
