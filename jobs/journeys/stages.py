"""In which of the five stages a customer is, from which day to which, and by which rule.

The rules see measures: numbers over the touchpoints of the last days. Measures only change on days with a touchpoint
and on days on which one leaves the window. So nothing is computed per customer and day: each touchpoint adds one on
its day and takes one off when its window ends, running totals over those changes give every measure on every day on
which it is different from the day before, and the rules are asked there. Cost: touchpoints times windows.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import first_true
from jobs.config.journey import Measure, StageRule


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
