"""In which of the five stages a customer is, from which day to which, and by which rule.

The rules see traits of config/traits.yaml on every day (`activity/timeline.py`) and are asked on each day on which one
of those changes. Cost: rows times windows.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import first_true
from jobs.config.journey import StageRule


def stages(timeline: DataFrame, rules: list[StageRule], traits: Iterable[str]) -> DataFrame:
    """journeys/stages: each stay in a stage, with the rule that began it and the values of `traits` it saw."""
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
            "evidence": evidence(list(traits)),
        }
    )


def evidence(names: list[str]) -> Column:
    """The columns as a JSON object. Written by hand: engines differ in how they print decimals as JSON."""
    parts = [
        F.concat(F.lit(f'"{name}": '), F.regexp_replace(F.col(name).cast("string"), "[.]00$", "")) for name in names
    ]
    return F.concat(F.lit("{"), F.concat_ws(", ", *parts) if parts else F.lit(""), F.lit("}"))
