"""Who went from which stage to which, after how long, and what the days after it were worth."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.traits import Trait


def stage_moves(stages: DataFrame, timeline: DataFrame, value: tuple[str, Trait] | None, as_of: date) -> DataFrame:
    """journeys/stage_moves from journeys/stages: one row for each time a customer enters a stage.

    `value` is a trait of the timeline, over a window of so many days: its value on the last of the days that begin
    with the move is what these days were worth.
    """
    in_order = Window.partitionBy("customer_id").orderBy("valid_from")
    entered = stages.where(F.col("valid_from") == F.col("since")).withColumns(
        {"next_day": F.lead("since").over(in_order), "before_day": F.lag("since").over(in_order)}
    )
    moves = entered.select(
        "customer_id",
        "kind",
        F.col("since").alias("day"),
        F.col("previous_stage").alias("from_stage"),
        F.col("stage").alias("to_stage"),
        "state",
        "rule",
        "allowed",
        F.date_diff("since", "before_day").alias("days_before"),
        F.lead("stage").over(in_order).alias("next_stage"),
        F.date_diff("next_day", "since").alias("days"),
    )
    if value is None:
        return moves.withColumn("value", F.lit(None).cast("decimal(18,2)"))
    return moves.join(_worth(moves, timeline, *value, as_of), on=["customer_id", "day"], how="left")


def days_of(trait: Trait) -> int:
    """Days after a move on which its value is known."""
    return int(trait.days or 1) - 1


def _worth(moves: DataFrame, timeline: DataFrame, name: str, trait: Trait, as_of: date) -> DataFrame:
    """`value` of moves of which all days have passed: the newest value of the trait on the last of them."""
    asked = moves.select("customer_id", "day", F.date_add("day", days_of(trait)).alias("at"))
    told = timeline.select("customer_id", F.col("valid_from").alias("at"), F.col(name).alias("worth"))
    both = told.withColumn("day", F.lit(None).cast("date")).unionByName(
        asked.where(F.col("at") <= F.lit(as_of)).withColumn("worth", F.lit(None).cast(trait.type))
    )
    so_far = (
        Window.partitionBy("customer_id")
        .orderBy("at", F.col("day").asc_nulls_first())
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    newest = both.withColumn("value", F.last("worth", ignorenulls=True).over(so_far).cast("decimal(18,2)"))
    return newest.where(F.col("day").isNotNull()).select("customer_id", "day", "value")
