"""In which of the five stages a customer is, from which day to which, and by which rule.

The rules see measures: numbers over the touchpoints of the last days. Measures only change on days with a touchpoint
and on days on which one leaves the window. So nothing is computed per customer and day: each touchpoint adds one on
its day and takes one off when its window ends, running totals over those changes give every measure on every day on
which it is different from the day before, and the rules are asked there. Cost: touchpoints times windows.
"""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.journey import Measure, StageRule
from jobs.journeys.rules import first_true


def timeline(touchpoints: DataFrame, measures: dict[str, Measure], as_of: date) -> DataFrame:
    """Every measure of every customer, each time one of them changed: customer_id, valid_from, valid_to, measures.

    The first row begins on the day of the first touchpoint; valid_to is empty for now.
    """
    amounts = [_amount(measure).alias(name) for name, measure in measures.items()]
    per_day = touchpoints.groupBy("customer_id", "day").agg(F.count("*").alias("contacts"), *amounts)
    changes = per_day.withColumn("later", F.explode(_when_it_counts(measures))).select(
        "customer_id",
        F.expr("date_add(day, later)").alias("day"),
        *[_change(name, measure).alias(name) for name, measure in measures.items()],
    )
    summed = [F.sum(name).alias(name) for name in measures]
    per_change = changes.groupBy("customer_id", "day").agg(F.count("*").alias("changes"), *summed)
    by_day = Window.partitionBy("customer_id").orderBy("day")
    so_far = by_day.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return per_change.where(F.col("day") <= F.lit(as_of)).select(
        "customer_id",
        F.col("day").alias("valid_from"),
        F.date_sub(F.lead("day").over(by_day), 1).alias("valid_to"),
        *[F.sum(name).over(so_far).alias(name) for name in measures],
    )


def timeline_columns(measures: dict[str, Measure]) -> str:
    """What stage rules can use, as a Spark SQL schema."""
    return ", ".join(["customer_id string", *(f"{name} {_type(measure)}" for name, measure in measures.items())])


def stages(timeline: DataFrame, rules: list[StageRule], measures: dict[str, Measure]) -> DataFrame:
    """journeys/stages: each stay in a stage, with the rule that began it and the measures it saw."""
    in_order = Window.partitionBy("customer_id").orderBy("valid_from")
    stage_of_rule = first_true([(f"rule = '{rule.name}'", rule.stage) for rule in rules], None)
    placed = (
        timeline.withColumn("rule", first_true([(rule.when, rule.name) for rule in rules], None))
        .withColumn("stage", stage_of_rule)
        .withColumn("previous_stage", F.lag("stage").over(in_order))
    )
    moves = placed.where(F.col("previous_stage").isNull() | (F.col("stage") != F.col("previous_stage")))
    return moves.withColumns(
        {
            "valid_to": F.date_sub(F.lead("valid_from").over(in_order), 1),
            "evidence": evidence(list(measures)),
        }
    )


def evidence(names: list[str]) -> Column:
    """The columns as a JSON object. Written by hand: engines differ in how they print decimals as JSON."""
    parts = [
        F.concat(F.lit(f'"{name}": '), F.regexp_replace(F.col(name).cast("string"), "[.]00$", "")) for name in names
    ]
    return F.concat(F.lit("{"), F.concat_ws(", ", *parts) if parts else F.lit(""), F.lit("}"))


def _amount(measure: Measure) -> Column:
    """What the touchpoints of one day add to a measure."""
    what = F.expr(measure.sum).cast("decimal(18,2)") if measure.sum else F.lit(1)
    return F.coalesce(F.sum(F.when(F.expr(measure.when), what)), F.lit(0)).cast(_type(measure))


def _when_it_counts(measures: dict[str, Measure]) -> Column:
    """The days on which touchpoints of a day change a measure: at once, and when they leave the window of one."""
    windows = sorted({measure.days for measure in measures.values() if measure.days})
    leaving = []
    for days in windows:
        added = [F.col(name) != 0 for name, measure in measures.items() if measure.days == days]
        leaving.append(F.when(reduce(Column.__or__, added), F.lit(days)))
    return F.array_compact(F.array(F.lit(0), *leaving))


def _change(name: str, measure: Measure) -> Column:
    """What the touchpoints of a day do to a measure `later` days on: add to it at once, leave when its window ends."""
    change = F.when(F.col("later") == 0, F.col(name))
    if measure.days:
        change = change.when(F.col("later") == measure.days, -F.col(name))
    return change.otherwise(F.lit(0)).cast(_type(measure))


def _type(measure: Measure) -> str:
    return "decimal(28,2)" if measure.sum else "bigint"
