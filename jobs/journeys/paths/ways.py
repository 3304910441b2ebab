"""Paths: the contacts that led to each conversion, and those that led to none; what follows what, and whole ways.

A contact belongs to the first conversion of its customer that comes within the lookback days. If none does it ends in
drop-off as soon as that time is over, and until then it is open. So every contact is on one path, and every path has
one outcome: conversion, drop-off or open.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.config.journey.paths import Paths
from jobs.config.sql.guard import engine_sql
from jobs.journeys.paths.funnels import DAY, Days, in_seconds

CONVERSION, DROP_OFF, OPEN = "conversion", "drop-off", "open"
START, NO_CONTACT, OTHER, UNNAMED = "(start)", "(no contact)", "(other)", "(unnamed)"
PLACE_LENGTH = 9
PATH = ("customer_id", "nth_from_end", "outcome")
"""What names a path: the customer, and how many conversions there are from it to the end of the window."""


def path_contacts(touchpoints: DataFrame, paths: Paths, days: Days) -> DataFrame:
    """Contacts and conversions of the paths that end in the window, from touchpoints of the window and of the lookback
    days before it.

    One row per contact, with its path (PATH), its `row` among those of the customer, `at` in microseconds, `step`, the
    `previous` step and `previous_at`, what attribute_to gives, and what the contacts before it on the path gave last;
    `is_last` of the path. One row per conversion, with `converts` and `value`. `converted_at` is the end of a path.

    Everything is told by one order of each customer's rows, so that they are sorted once.
    """
    converts = holds(paths.conversion)
    step = F.coalesce(F.expr(engine_sql(paths.step)).cast("string"), F.lit(UNNAMED))
    named = {credited(name): F.expr(engine_sql(text)).cast("string") for name, text in paths.attribute_to.items()}
    counted = touchpoints.where(F.col("customer_id").isNotNull() & (converts | holds(paths.contacts))).select(
        "customer_id",
        F.unix_micros("occurred_at").alias("at"),
        "touchpoint_id",
        converts.cast("int").alias("order"),
        step.alias("step"),
        F.when(converts, F.expr(engine_sql(paths.value))).cast("decimal(18,2)").alias("value"),
        *[F.when(~converts, column).alias(name) for name, column in named.items()],
    )
    by_time = Window.partitionBy("customer_id").orderBy("at", "order", "touchpoint_id")
    onwards = by_time.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    converts = F.col("order") == 1
    found = counted.withColumns(
        {
            "nth_from_end": F.sum(F.col("order").cast("bigint")).over(onwards),
            "converted_at": F.min(F.when(converts, F.col("at"))).over(onwards),
        }
    )
    long = paths.lookback_days * DAY
    in_time = F.coalesce(F.col("converted_at") - F.col("at") <= long, F.lit(False))
    over = F.col("converted_at").isNotNull() | (F.col("at") + long < days.ended)
    outcome = F.when(in_time, CONVERSION).when(over, DROP_OFF).otherwise(OPEN)
    ended_at = F.when(F.col("outcome") == CONVERSION, F.col("converted_at")).otherwise(F.col("at"))
    inside = found.withColumn("outcome", outcome).where(ended_at >= days.began)

    kind = F.when(F.col("outcome") == CONVERSION, 1).when(F.col("outcome") == OPEN, 2).otherwise(0)
    path = F.col("nth_from_end") * 3 + kind
    numbered = inside.withColumns({"path": path, "row": F.row_number().over(by_time)})
    goes_on = F.coalesce(F.lag("path").over(by_time) == F.col("path"), F.lit(False))
    is_last = F.coalesce(F.lead("path").over(by_time) != F.col("path"), F.lit(True))
    earlier = by_time.rowsBetween(Window.unboundedPreceding, -1)
    # The last contact that got credit, with its path before it: one look back instead of two.
    at_path = F.concat(F.col("path").cast("string"), F.lit(" "))
    last = {f"last_{name}": F.last(F.concat(at_path, name), ignorenulls=True).over(earlier) for name in named}
    given = {}
    for name in named:
        told = F.col(f"last_{name}")
        credit = told.substr(F.length(at_path) + 1, F.length(told))
        given[f"previous_{name}"] = F.when(F.startswith(told, at_path), credit)
    looked_back = numbered.withColumns(
        {
            "previous": F.when(goes_on, F.lag("step").over(by_time)),
            "previous_at": F.when(goes_on, F.lag("at").over(by_time)),
            "is_last": is_last,
            "converts": converts,
            **last,
        }
    )
    return looked_back.withColumns(given).drop("path", "order", "touchpoint_id", *last)


def transitions(contacts: DataFrame, days: Days) -> DataFrame:
    """journeys/transitions: each step with the one before it, where paths begin, and how they end."""
    came = contacts.select(
        F.coalesce("previous", F.lit(START)).alias("from_step"),
        F.when(F.col("converts"), F.lit(f"({CONVERSION})")).otherwise(F.col("step")).alias("to_step"),
        (F.col("at") - F.col("previous_at")).alias("took"),
    )
    ended = contacts.where(F.col("is_last") & ~F.col("converts")).select(
        F.col("step").alias("from_step"),
        F.concat(F.lit("("), "outcome", F.lit(")")).alias("to_step"),
        F.lit(None).cast("bigint").alias("took"),
    )
    counted = (
        came.unionByName(ended)
        .groupBy("from_step", "to_step")
        .agg(F.count("*").alias("transitions"), in_seconds(F.median("took")).alias("median_seconds"))
    )
    return counted.withColumns(
        {
            "share_of_from": _share("transitions", "from_step"),
            "share_of_to": _share("transitions", "to_step"),
            "is_loop": F.col("from_step") == F.col("to_step"),
            **window_of(days),
        }
    )


def whole_paths(contacts: DataFrame, paths: Paths) -> DataFrame:
    """One row per path of a customer: PATH, `path`, `steps`, `contacts`, `conversions`, `value` and `seconds`.

    A path of more steps than the longest that is told is (other).
    """
    contact = ~F.col("converts")
    repeated = F.coalesce(F.col("previous") == F.col("step"), F.lit(False)) if paths.collapse_repeats else F.lit(False)
    told = contact & ~repeated
    # Steps are put in order by a text that sorts as their places do: the smallest text is fast to find on every engine.
    placed = F.when(told, F.concat(F.lpad(F.col("row").cast("string"), PLACE_LENGTH, "0"), "step"))
    collected = contacts.groupBy(*PATH).agg(
        F.count_if(told).alias("steps"),
        F.count_if(contact).alias("contacts"),
        F.count_if("converts").alias("conversions"),
        F.sum("value").alias("value"),
        (F.max("at") - F.min("at")).alias("took"),
        F.array_sort(F.collect_list(placed)).alias("taken"),
    )
    steps = F.transform("taken", lambda step: step.substr(PLACE_LENGTH + 1, 1_000))
    text = F.when(F.col("steps") == 0, NO_CONTACT).when(F.col("steps") > paths.longest, OTHER)
    return collected.withColumn("path", text.otherwise(F.concat_ws(" > ", steps))).drop("taken")


def frequent_paths(whole: DataFrame, paths: Paths, days: Days) -> DataFrame:
    """journeys/paths: the most frequent ways, each with how it ended, and all others together.

    Every path is in exactly one row, so rows add up to all paths, contacts and conversions.
    """
    often = (F.desc("often"), F.col("path"))
    counted = whole.where(F.col("path") != OTHER).groupBy("path").agg(F.count("*").alias("often"))
    top = counted.orderBy(*often).limit(paths.most_frequent)
    top = top.select("path", F.row_number().over(Window.partitionBy(F.lit(0)).orderBy(*often)).alias("rank"))
    named = whole.join(F.broadcast(top), "path", "left")
    named = named.withColumn("path", F.when(F.col("rank").isNull(), OTHER).otherwise(F.col("path")))
    counted = named.groupBy("path", "outcome").agg(
        F.min("rank").alias("place"),
        F.min(F.when(F.col("rank").isNotNull(), F.col("steps"))).alias("steps"),
        F.count("*").alias("paths"),
        F.countDistinct("customer_id").alias("customers"),
        F.sum("contacts").alias("contacts"),
        F.sum("conversions").alias("conversions"),
        F.coalesce(F.sum("value"), F.lit(0)).cast("decimal(18,2)").alias("value"),
        in_seconds(F.median("took")).alias("median_seconds"),
    )
    share = F.round(F.col("paths").cast("double") / F.sum("paths").over(Window.partitionBy(F.lit(0))).cast("double"), 6)
    return counted.withColumns({"share": share, **window_of(days)})


def _share(column: str, of: str) -> Column:
    """Out of all with the same value in `of`."""
    whole = F.sum(column).over(Window.partitionBy(of))
    return F.round(F.col(column).cast("double") / whole.cast("double"), 6)


def credited(name: str) -> str:
    """The column of `path_contacts` with what gets credit."""
    return f"to_{name}"


def window_of(days: Days) -> dict[str, Column]:
    """The columns that say which days a table is about."""
    return {"first_day": F.lit(days.first), "as_of": F.lit(days.last)}
