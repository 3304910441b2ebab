"""Whose other action came out as an action waits for (`after`): multi-step journeys without a drawing tool."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.actions.audiences import After, Audience

TOUCHPOINTS = "journeys/touchpoints"
_TYPE = {"opened": "open", "clicked": "click", "ordered": "order"}
"""Outcome to the type of touchpoint that shows it."""


def column(action: str) -> str:
    """The column that says whether the other action came out as this one waits for; no trait has such a name."""
    return f"_after_{action}"


def with_waiting(view: DataFrame, touchpoints: DataFrame, audiences: dict[str, Audience], day: date) -> DataFrame:
    """The view with a column for each action that waits for another one."""
    for name, audience in audiences.items():
        if audience.after:
            there = came_out(touchpoints, audience.after, day).withColumn(column(name), F.lit(True))
            view = view.join(there, on="customer_id", how="left")
    return view


def came_out(touchpoints: DataFrame, after: After, day: date) -> DataFrame:
    """`customer_id` of those for whom the newest message of the other action came out so by the end of the day.

    Its sends, opens and clicks are touchpoints whose subject is its name. While nobody at all is known to have opened
    (or clicked), nobody is taken not to have: whether it is told at all, nobody knows.
    """
    known = touchpoints.where(
        (F.col("day") <= F.lit(day)) & (F.col("day") >= F.lit(day - timedelta(after.within_days)))
    )
    of_action = known.where(F.col("subject") == after.action)
    sent = of_action.where(F.col("type") == "sent").groupBy("customer_id")
    newest = sent.agg(F.max("occurred_at").alias("sent_at"), F.max("day").alias("sent_on"))
    waited = newest.where(F.col("sent_on") <= F.lit(day - timedelta(after.days)))
    shown = _TYPE.get(after.outcome.removeprefix("not_"))
    if shown is None:
        return waited.select("customer_id")
    answers = (known if shown == "order" else of_action).where(F.col("type") == shown)
    if after.outcome.startswith("not_") and shown != "order" and not answers.limit(1).count():
        return waited.select("customer_id").limit(0)
    answered_at = answers.groupBy("customer_id").agg(F.max("occurred_at").alias("answered_at"))
    answered = F.coalesce(F.col("answered_at") >= F.col("sent_at"), F.lit(False))
    wanted: Column = ~answered if after.outcome.startswith("not_") else answered
    return waited.join(answered_at, on="customer_id", how="left").where(wanted).select("customer_id")
