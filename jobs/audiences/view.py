"""The customer view: everything a rule can ask about a customer at the end of a day, on one row."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audiences.columns import FEATURES, TOUCHPOINTS, view_with
from jobs.config.settings import Settings
from jobs.lake.lake import Txn

READS = (
    "profiles/people", "profiles/traits", "journeys/stages", "journeys/touchpoints", "journeys/carts",
    "journeys/moments", "models/features", "models/scores",
)  # fmt: skip


def customer_view(txn: Txn, day: date, settings: Settings) -> DataFrame:
    """One row per customer with the columns of the view, traits among them. What identifies a person is not read."""
    timezone = settings.general.timezone
    touched = last_touches(txn.read("journeys/touchpoints"), day)
    parts = [
        stage_on(txn.read("journeys/stages"), day),
        newest_scores(txn.read("models/scores"), day),
        newest_features(txn.read("models/features"), day),
        touched.drop("last_order_at"),
        open_basket(txn.read("journeys/carts"), touched, day, timezone),
        last_moment(txn.read("journeys/moments"), day),
        txn.read("profiles/traits").drop("as_of"),
    ]
    view = people(txn.read("profiles/people"), day)
    for part in parts:
        view = view.join(part, on="customer_id", how="left")
    return view.select(*(F.col(c.name).cast(c.type).alias(c.name) for c in view_with(settings.traits).columns))


def people(profiles: DataFrame, day: date) -> DataFrame:
    """Customers seen by the end of the day."""
    return profiles.where(F.col("customer_since") <= F.lit(day)).select(
        *("customer_id", "known", "language", "country", "city", "gender", "age"),
        days_since("customer_since", day).alias("days_known"),
    )


def stage_on(stages: DataFrame, day: date) -> DataFrame:
    """The stage each customer is in at the end of the day."""
    today = F.lit(day)
    holds = (F.col("valid_from") <= today) & (F.col("valid_to").isNull() | (F.col("valid_to") >= today))
    return stages.where(holds).select(
        "customer_id", "stage", "previous_stage", days_since("valid_from", day).alias("days_in_stage")
    )


def newest_scores(scores: DataFrame, day: date) -> DataFrame:
    """The newest score of each model up to the day."""
    known = scores.where(F.col("day") <= F.lit(day))
    newest = known.groupBy("model").agg(F.max("day").alias("day"))
    churn, segmentation = F.col("model") == "churn", F.col("model") == "segmentation"
    return (
        known.join(newest, on=["model", "day"], how="inner")
        .groupBy("customer_id")
        .agg(
            F.max(F.when(churn, F.col("score"))).alias("churn_score"),
            F.max(F.when(churn, F.col("label"))).alias("churn_band"),
            F.max(F.when(segmentation, F.col("label"))).alias("segment"),
        )
    )


def newest_features(features: DataFrame, day: date) -> DataFrame:
    """Features of the newest day up to the day; one row per customer."""
    known = features.where(F.col("day") <= F.lit(day))
    newest = known.agg(F.max("day").alias("day"))
    return known.join(newest, on="day", how="inner").select("customer_id", *FEATURES)


def last_touches(touchpoints: DataFrame, day: date) -> DataFrame:
    """Days since the last contact of each kind, and the time of the last order."""
    ago = days_since("day", day)
    return (
        touchpoints.where((F.col("day") <= F.lit(day)) & F.col("customer_id").isNotNull())
        .groupBy("customer_id")
        .agg(
            *(F.min(F.when(F.col("type") == type_, ago)).alias(column) for column, type_ in TOUCHPOINTS.items()),
            F.max(F.when(F.col("type") == "order", F.col("occurred_at"))).alias("last_order_at"),
        )
    )


def open_basket(carts: DataFrame, touched: DataFrame, day: date, timezone: str) -> DataFrame:
    """The newest basket that was not ordered by the end of the day. Who bought anything since drops out."""
    local = F.to_date(F.from_utc_timestamp("last_at", timezone))
    ordered = (F.col("status") == "ordered") & (F.col("day") <= F.lit(day))
    newest = (
        carts.withColumn("touched_on", local)
        .where((F.col("touched_on") <= F.lit(day)) & ~F.coalesce(ordered, F.lit(False)))
        .groupBy("customer_id")
        .agg(F.max(F.struct("last_at", "cart_id", "items", "touched_on")).alias("cart"))
        .select("customer_id", "cart.*")
    )
    bought_since = F.coalesce(F.col("last_order_at") >= F.col("last_at"), F.lit(False))
    return (
        newest.join(touched.select("customer_id", "last_order_at"), on="customer_id", how="left")
        .where(~bought_since)
        .select(
            "customer_id",
            F.col("items").alias("basket_items"),
            days_since("touched_on", day).alias("basket_age_days"),
        )
    )


def last_moment(moments: DataFrame, day: date) -> DataFrame:
    """The newest micro-moment up to the day."""
    newest = F.max(F.struct("started_at", "moment_id", "type", "day", "served"))
    return (
        moments.where(F.col("day") <= F.lit(day))
        .groupBy("customer_id")
        .agg(newest.alias("moment"))
        .select(
            "customer_id",
            F.col("moment.type").alias("last_moment"),
            days_since("moment.day", day).alias("days_since_moment"),
            F.col("moment.served").alias("moment_served"),
        )
    )


def days_since(column: str, day: date) -> Column:
    return F.datediff(F.lit(day), F.col(column))
