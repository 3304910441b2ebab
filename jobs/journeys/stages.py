"""In which of the five stages a customer is, from which day to which, how it stands there, and by which rule.

The rules see traits of config/traits.yaml on every day (`activity/timeline.py`) and are asked on each day on which one
of those changes. What a row shows holds on every day of it: another rule of the same stage begins another row. Cost:
rows times windows.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import first_true
from jobs.config.journey.journey import Journey, StageRule

CUSTOMER, VISITOR = "customer", "visitor"
_NONE = "-"


def stages(timeline: DataFrame, journey: Journey, traits: Iterable[str], known: DataFrame) -> DataFrame:
    """journeys/stages: each stay in a stage by a rule, with the values of `traits` it saw first and last.

    `known` are the customers (customer_id) of whom more than cookies is known.
    """
    names = list(traits)
    in_order = Window.partitionBy("customer_id").orderBy("valid_from")
    whole = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    seen = F.struct(F.lit(0).alias("_"), *names)
    ruled = timeline.select(
        "customer_id",
        "valid_from",
        first_true([(rule.when, rule.name) for rule in journey.stages], None).alias("rule"),
        seen.alias("first"),
    ).withColumns(
        {
            "rule_before": F.lag("rule").over(in_order),
            "seen_before": F.lag("first").over(in_order),
            "newest": F.last("first").over(whole),
        }
    )
    begins = ruled.where(F.col("rule_before").isNull() | (F.col("rule") != F.col("rule_before")))
    later = F.lead("seen_before").over(in_order)
    stays = begins.withColumns(
        {
            "valid_to": F.date_sub(F.lead("valid_from").over(in_order), 1),
            "last": F.when(F.lead("valid_from").over(in_order).isNull(), F.col("newest")).otherwise(later),
        }
    )
    placed = _entered(_placed(stays, journey))
    kind = F.when(F.col("known"), CUSTOMER).otherwise(VISITOR)
    everybody = known.select("customer_id", F.lit(True).alias("known")).distinct()
    return placed.join(everybody, on="customer_id", how="left").select(
        *("customer_id", "stage", "state", "valid_from", "valid_to", "since", "previous_stage", "rule", "allowed"),
        kind.alias("kind"),
        evidence("first", names).alias("evidence"),
        evidence("last", names).alias("evidence_last"),
    )


def _placed(stays: DataFrame, journey: Journey) -> DataFrame:
    """Stays with `stage`, `state`, `permitted` (whether the rule's stage may be entered from the one before)."""
    in_order = Window.partitionBy("customer_id").orderBy("valid_from")
    wanted = stays.withColumns({"stage": _of_rule(journey.stages, "stage"), "state": _of_rule(journey.stages, "state")})
    if not journey.moves:
        return wanted.withColumn("permitted", F.lit(True))
    if journey.on_forbidden == "tell":
        return wanted.withColumn("permitted", may(journey, F.lag("stage").over(in_order), F.col("stage")))
    return _staying(wanted, journey)


def _staying(wanted: DataFrame, journey: Journey) -> DataFrame:
    """Where a customer may not go to the stage of a rule, it stays in the stage and state in which it was.

    Each depends on the one before, so the stays of a customer are gone through in order, as texts.
    """
    step = F.concat_ws("|", F.col("valid_from").cast("string"), "stage", "state")
    steps = wanted.groupBy("customer_id").agg(F.array_sort(F.collect_list(step)).alias("steps"))

    def go(so_far: Column, next_: Column) -> Column:
        was, wants = F.split(F.element_at(so_far, -1), "[|]"), F.split(next_, "[|]")
        permitted = may(journey, F.nullif(was[0], F.lit(_NONE)), wants[1])
        goes = F.concat_ws("|", wants[1], wants[2], F.lit("true"))
        return F.concat(
            so_far, F.array(F.when(permitted, goes).otherwise(F.concat_ws("|", was[0], was[1], F.lit("false"))))
        )

    went = steps.withColumn("went", F.aggregate("steps", F.array(F.lit(f"{_NONE}|{_NONE}|true")), go))
    each = went.select("customer_id", "steps", "went", F.explode(F.sequence(F.lit(1), F.size("steps"))).alias("n"))
    at = F.split(F.element_at("went", F.col("n") + 1), "[|]")
    found = each.select(
        "customer_id",
        F.to_date(F.split(F.element_at("steps", F.col("n")), "[|]")[0]).alias("valid_from"),
        at[0].alias("stage"),
        at[1].alias("state"),
        (at[2] == "true").alias("permitted"),
    )
    return wanted.drop("stage", "state").join(found, on=["customer_id", "valid_from"])


def _entered(placed: DataFrame) -> DataFrame:
    """With `since`, `previous_stage` and `allowed`, of the whole time in a stage, by whatever rules."""
    in_order = Window.partitionBy("customer_id").orderBy("valid_from")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = F.lag("stage").over(in_order)
    moved = placed.withColumn("before", before).withColumn(
        "enters", F.col("before").isNull() | (F.col("stage") != F.col("before"))
    )

    def at_entry(column: Column) -> Column:
        return F.last(F.when(F.col("enters"), column), ignorenulls=True).over(so_far)

    return moved.withColumns(
        {
            "since": at_entry(F.col("valid_from")),
            "previous_stage": F.nullif(at_entry(F.coalesce("before", F.lit(_NONE))), F.lit(_NONE)),
            "allowed": at_entry(F.col("permitted")) & F.col("permitted"),
        }
    )


def may(journey: Journey, before: Column, stage: Column) -> Column:
    """Whether a customer may go from the stage `before` (null: from nowhere) to `stage`, by the moves declared."""
    allowed = before.isNull() | (before == stage) | ~before.isin(list(journey.moves))
    for name, others in journey.moves.items():
        allowed = allowed | ((before == name) & stage.isin(list(others)))
    return F.coalesce(allowed, F.lit(True))


def _of_rule(rules: list[StageRule], what: str) -> Column:
    return first_true([(f"rule = '{rule.name}'", getattr(rule, what)) for rule in rules], None)


def evidence(seen: str, names: list[str]) -> Column:
    """The fields of a struct as a JSON object. Written by hand: engines differ in how they print decimals as JSON."""
    parts = [
        F.concat(F.lit(f'"{name}": '), F.regexp_replace(F.col(seen)[name].cast("string"), "[.]00$", ""))
        for name in names
    ]
    return F.concat(F.lit("{"), F.concat_ws(", ", *parts) if parts else F.lit(""), F.lit("}"))
