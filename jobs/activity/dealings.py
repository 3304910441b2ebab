"""Touchpoints of reviews, appointments, payments, use and interviews.

Like all touchpoints they are made of all versions of a record that are known; rows with a period keep to it.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity.contact_rows import contact_rows, usual_score
from jobs.validate.versions.counting import in_order_of_versions, its_period, newest_versions, period_of, with_first

MADE = ("paid", "refunded")
"""Statuses of payments that were made."""


def reviews(versions: DataFrame, timezone: str) -> DataFrame:
    """A review when it was first posted, with the rating it has now, brought to 1 to 5."""
    newest = newest_versions(with_first(versions, "reviewed_at", "review_id"), "review_id")
    about = F.when(F.col("product_id").isNotNull(), "product").when(F.col("store_id").isNotNull(), "store")
    return contact_rows(
        newest,
        "review",
        "reviewed_at",
        "review_id",
        timezone,
        channel=F.lit("review"),
        subject=F.coalesce(about, F.lit("company")),
        score=usual_score(F.lit("review"), "rating"),
    )


def appointments(versions: DataFrame, timezone: str) -> list[DataFrame]:
    """An appointment when it was booked, at each move, and when it was kept, missed or called off.

    Kept and missed ones are contacts of the moment of the appointment, cancellations of when they were recorded. A
    move is a version with another `starts_at` than the one before, whatever its status says; one whose first known
    version is already `moved` was moved once.
    """
    record = Window.partitionBy("source", "appointment_id", *period_of(versions))
    oldest_first = record.orderBy(*in_order_of_versions())
    so_far = oldest_first.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = F.last("starts_at", ignorenulls=True).over(oldest_first.rowsBetween(Window.unboundedPreceding, -1))
    first = F.row_number().over(oldest_first) == 1
    other_time = F.when(first, F.lower("status") == "moved").otherwise(F.col("starts_at") != before)
    told = versions.withColumn("moves", F.coalesce(other_time, F.lit(False)))
    told = told.withColumn("nth_move", F.sum(F.col("moves").cast("bigint")).over(so_far))
    told = with_first(told, "booked_at", "appointment_id")
    newest = newest_versions(_with_status_at(told, "appointment_id"), "appointment_id")
    standing = newest.select("source", "appointment_id", its_period(newest))
    moved = told.where("moves").join(standing, ["source", "appointment_id", *period_of(versions)], "left_semi")
    nth_move = F.concat_ws(":", "appointment_id", F.col("nth_move").cast("string"))
    met = newest.withColumn("met_at", F.coalesce("starts_at", "status_at"))

    def of(rows: DataFrame, type_: str, at: str, reference: str | Column = "appointment_id") -> DataFrame:
        where = F.coalesce("channel", F.lit("store"))
        return contact_rows(rows, type_, at, reference, timezone, channel=where, subject=F.col("topic"))

    status = F.lower("status")
    return [
        of(newest, "appointment", "booked_at"),
        of(moved, "appointment_moved", "updated_at", nth_move),
        of(met.where(status == "kept"), "appointment_kept", "met_at"),
        of(met.where(status == "no_show"), "appointment_missed", "met_at"),
        of(newest.where(status == "cancelled"), "appointment_cancelled", "status_at"),
    ]


def payments(versions: DataFrame, timezone: str) -> list[DataFrame]:
    """A payment when it was made, when it first failed, and when it fell due without having been made or called off.

    A refund does not move the payment: without `paid_at` it was made when it was first said to be paid or refunded.
    Amounts stay with the payments: what an order was worth is counted once, at the order.
    """
    record = Window.partitionBy("source", "payment_id", *period_of(versions))
    since = {"failed_at": F.lower("status") == "failed", "made_at": F.lower("status").isin(*MADE)}
    first = {name: F.min(F.when(said, F.col("updated_at"))).over(record) for name, said in since.items()}
    told = _with_status_at(versions, "payment_id").withColumns(first)
    newest = newest_versions(told, "payment_id")
    status = F.coalesce(F.lower("status"), F.lit("due"))
    told = newest.withColumn("settled_at", F.when(status.isin(*MADE), F.coalesce("paid_at", "made_at")))
    told = told.withColumn("off_at", F.when(status == "cancelled", F.col("status_at")))
    ended = F.coalesce("settled_at", "off_at")
    unpaid_then = ended.isNull() | (F.col("due_at") < ended)

    def of(rows: DataFrame, type_: str, at: str) -> DataFrame:
        by = F.coalesce("method", F.lit("unknown"))
        return contact_rows(rows, type_, at, "payment_id", timezone, channel=F.lit("payment"), subject=by)

    return [
        of(told.where(F.col("settled_at").isNotNull()), "payment", "settled_at"),
        of(told.where(F.col("failed_at").isNotNull()), "payment_failed", "failed_at"),
        of(told.where(unpaid_then), "payment_due", "due_at"),
    ]


def usage(rows: DataFrame, timezone: str) -> DataFrame:
    """One measured use; the channel says what was used, the subject which feature or product."""
    return contact_rows(
        rows,
        "use",
        "used_at",
        "usage_id",
        timezone,
        channel=F.coalesce("kind", F.lit("product")),
        subject=F.coalesce("feature", "product_id"),
        seconds=F.col("seconds"),
    )


def interviews(versions: DataFrame, timezone: str) -> DataFrame:
    """An interview with a customer, or a panel the customer sat in; other notes are of nobody, or of our own people."""
    newest = newest_versions(with_first(versions, "noted_at", "note_id"), "note_id")
    spoken = newest.where(F.lower("kind").isin("interview", "panel"))
    return contact_rows(
        spoken, "interview", "noted_at", "note_id", timezone, channel=F.lit("interview"), subject=F.col("topic")
    )


def _with_status_at(versions: DataFrame, key: str) -> DataFrame:
    """Versions with `status_at`: when the record was first said to have the status of this version."""
    history = Window.partitionBy("source", key, "status", *period_of(versions))
    return versions.withColumn("status_at", F.min("updated_at").over(history))
