"""Numbers over the touchpoints of the last days, on every day on which one of them changes."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.journey import Measure


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
