"""Which micro-moments matter: orders after visits with one, after one that was served and after one that was not.

Nothing here was tried at random, so each visit is compared with visits that were alike before (`match_on`) and had the
same other micro-moments; what people wanted all along, and nobody wrote down, is still in the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.conditions import holds
from jobs.config.journey.journey import Journey
from jobs.config.journey.moment_effects import MomentEffects
from jobs.config.sql.guard import engine_sql
from jobs.journeys.moments.matched_effect import Effect, matched_effect
from jobs.journeys.paths.funnels import DAY, SECOND, Days

NONE, FAILED, SERVED = 0, 1, 2
"""What a visit had of a type of micro-moment."""
NOT_OF_THE_CUSTOMER = (
    "registration", "sent", "delivered", "impression", "bounce", "soft_bounce", "resolution", "return", "cancellation",
)  # fmt: skip
"""Touchpoints that the customer did not make on that moment."""
BETWEEN = "\x1f"


def window(rules: MomentEffects, as_of: Days) -> Days:
    """The days whose visits are looked at: the last ones of which all `within_days` have passed."""
    return Days.up_to(as_of.last - timedelta(days=rules.within_days), rules.days, as_of.timezone)


def followed(touchpoints: DataFrame, rules: MomentEffects, gap_minutes: int, days: Days) -> DataFrame:
    """Touchpoints of the window with what came before and after them, from those of `lookback_days` before it onwards.

    `converted`: an order came within `within_days` after it began; `converted_after`: one came in that time after it
    was over, which a visit is when its pause has passed, so that what is ordered in it does not count.
    """
    order, visit = holds(rules.conversion), F.col("type") == "visit"
    own = ~F.col("type").isin(*NOT_OF_THE_CUSTOMER)
    began = F.unix_micros("occurred_at")
    told = touchpoints.where(F.col("customer_id").isNotNull()).select(
        "customer_id", "touchpoint_id", "type", "reference", "day", "seconds", "nth", "occurred_at",
        F.when(visit, F.col("subject")).alias("channel"), began.alias("at"), began.alias("began"),
        order.cast("int").alias("is_order"), own.alias("is_own"), F.lit(0).alias("is_end"),
    )  # fmt: skip
    over = F.col("began") + F.coalesce("seconds", F.lit(0)) * SECOND + gap_minutes * 60 * SECOND
    inside = F.col("day").between(F.lit(days.first), F.lit(days.last))
    ends = told.where(inside & visit).withColumns(
        {"at": over, "is_order": F.lit(0), "is_own": F.lit(False), "is_end": F.lit(1)}
    )
    # An end comes before what is ordered on the same instant, and an order after the contact it belongs to.
    by_time = Window.partitionBy("customer_id").orderBy("at", "is_order", "touchpoint_id", "is_end")
    earlier = by_time.rowsBetween(Window.unboundedPreceding, -1)
    later = by_time.rowsBetween(1, Window.unboundedFollowing)
    ordered = F.col("is_order") == 1
    seen = told.unionByName(ends).withColumns(
        {
            "next_order": F.min(F.when(ordered, F.col("at"))).over(later),
            "orders_before": F.coalesce(F.sum(F.col("is_order").cast("bigint")).over(earlier), F.lit(0)),
            "last_order": F.max(F.when(ordered, F.col("at"))).over(earlier),
            "last_active": F.max(F.when(F.col("is_own"), F.col("at"))).over(earlier),
        }
    )
    in_time = F.coalesce(F.col("next_order") - F.col("began") <= rules.within_days * DAY, F.lit(False))
    is_end = F.col("is_end") == 1
    after = seen.where(is_end).select("touchpoint_id", in_time.alias("converted_after"))
    return (
        seen.where(inside & ~is_end)
        .withColumns(
            {
                "converted": in_time,
                "visits_before": F.when(visit, F.col("nth").cast("bigint") - 1),
                "days_since_active": _days_since("last_active"),
                "days_since_order": _days_since("last_order"),
            }
        )
        .join(after, "touchpoint_id", "left")
        .drop("is_order", "is_own", "is_end", "next_order", "last_order", "last_active", "began", "nth")
    )


def _days_since(at: str) -> Column:
    return F.floor((F.col("at") - F.col(at)) / F.lit(DAY)).cast("bigint")


def wanted(touched: DataFrame, sessions: DataFrame, moments: DataFrame, journey: Journey) -> DataFrame:
    """Rows of `followed` with the device of visits and, for each type, its micro-moment: none, failed or served."""
    had = F.when(F.coalesce("served", F.lit(False)), SERVED).otherwise(FAILED)
    each = [F.max(F.when(F.col("type") == kind, had)).alias(kind) for kind in journey.moments]
    of_visit = moments.groupBy(F.col("session_id").alias("reference")).agg(*each).withColumn("type", F.lit("visit"))
    devices = sessions.select(F.col("session_id").alias("reference"), "device").withColumn("type", F.lit("visit"))
    found = touched.join(devices, ["reference", "type"], "left").join(of_visit, ["reference", "type"], "left")
    return found.withColumns({kind: F.coalesce(kind, F.lit(NONE)) for kind in journey.moments})


def profiles(visited: DataFrame, stages: DataFrame, rules: MomentEffects, journey: Journey) -> DataFrame:
    """How often customers were just like one another: `profile`, all cells of a customer with its visits, and `times`.

    `visited` are rows of `wanted`. No customer can be told from a profile, and there are far fewer than customers.
    """
    held = stages.select(F.col("customer_id").alias("of"), "stage", "state", "kind", "valid_from", "valid_to")
    day_before = F.date_sub("day", 1)
    in_stage = (F.col("valid_from") <= day_before) & (F.col("valid_to").isNull() | (F.col("valid_to") >= day_before))
    visits = visited.where(F.col("type") == "visit")
    placed = visits.join(held, (F.col("customer_id") == F.col("of")) & in_stage, "left")
    alike = [F.coalesce(F.expr(engine_sql(text)).cast("string"), F.lit("")) for text in rules.match_on.values()]
    keys = ["customer_id", "cell", *journey.moments]
    in_cells = placed.withColumn("cell", F.md5(F.concat_ws(BETWEEN, *alike).cast("binary")))
    counted = in_cells.groupBy(*keys).agg(
        F.count("*").alias("visits"),
        F.count_if("converted").alias("converted"),
        F.count_if("converted_after").alias("after"),
    )
    # Text that sorts and is equal on every engine; grouping by arrays of structs is not the same everywhere.
    numbers = [F.col(name).cast("string") for name in (*journey.moments, "visits", "converted", "after")]
    told = counted.select("customer_id", F.concat_ws(" ", "cell", *numbers).alias("told"))
    whole = told.groupBy("customer_id").agg(F.concat_ws(BETWEEN, F.array_sort(F.collect_list("told"))).alias("profile"))
    return whole.groupBy("profile").agg(F.count("*").alias("times"))


def effects(
    told: Sequence[Mapping[str, Any]], rules: MomentEffects, journey: Journey, as_of: Days
) -> list[dict[str, Any]]:
    """journeys/moment_effects from rows of `profiles`, the most certain first."""
    days, rows, types = window(rules, as_of), [], [*map(str, journey.moments)]
    units = _units(told, types)
    for kind in types:
        for comparison, effect in _of_type(units, kind, types):
            few = effect.effect is not None and min(effect.matched, effect.controls) < journey.smallest_sample
            reason = None if effect.effect is not None else "no visits" if not effect.visits else "none alike"
            numbers = asdict(effect) | {"is_small": few, "reason": reason}
            gained = None if effect.effect is None else round(effect.effect * effect.matched, 2)
            rows.append((-effect.importance, kind, comparison, numbers | {"orders": gained}))
    of_window = {"within_days": rules.within_days, "first_day": days.first, "last_day": days.last, "as_of": as_of.last}
    return [
        {"type": kind, "comparison": comparison, "place": place, **numbers, **of_window}
        for place, (_, kind, comparison, numbers) in enumerate(sorted(rows, key=lambda row: row[:3]), 1)
    ]


def _of_type(units: pd.DataFrame, kind: str, types: list[str]) -> Iterator[tuple[str, Effect]]:
    """Visits with the moment against those without; served against failed; failed against those without."""
    had = {state: units[units[kind] == state] for state in (NONE, FAILED, SERVED)}
    others = [name for name in types if name != kind]

    def frame(rows: pd.DataFrame, converted: str) -> pd.DataFrame:
        cell = rows[["before", *others]].astype(str).agg(BETWEEN.join, axis=1) if len(rows) else rows["before"]
        return rows.assign(cell=cell, converted=rows[converted])

    any_of_it = pd.concat([had[FAILED], had[SERVED]])
    yield "had", matched_effect(frame(any_of_it, "within"), frame(had[NONE], "within"))
    yield "served", matched_effect(frame(had[SERVED], "after"), frame(had[FAILED], "after"))
    yield "failed", matched_effect(frame(had[FAILED], "after"), frame(had[NONE], "after"))


def _units(told: Sequence[Mapping[str, Any]], types: list[str]) -> pd.DataFrame:
    """One row per cell of a profile. Sorted, so that sums are the same whatever the order the engine told them in."""
    rows = []
    for customer, row in enumerate(sorted(told, key=lambda row: str(row["profile"]))):
        for cell in str(row["profile"]).split(BETWEEN):
            before, *numbers = cell.split(" ")
            rows.append((customer, int(row["times"]), before, *map(int, numbers)))
    columns = ["customer", "times", "before", *types, "visits", "within", "after"]
    return pd.DataFrame(rows, columns=columns)
