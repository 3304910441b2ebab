"""Point-in-time features: what was known about each customer on a day, and nothing that became known later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.journey import Journey
from jobs.config.settings import Settings
from jobs.identity.customer_of import with_customer
from jobs.lake.lake import Lake, Txn
from jobs.lake.tables import catalogue
from jobs.models.facts import Inputs, all_facts

TABLE = "models/features"
NAMES = [name for name in catalogue.get(TABLE).column_names if name not in ("day", "customer_id")]
READS = (
    "valid/orders",
    "valid/order_lines",
    "valid/products",
    "valid/events",
    "valid/conversations",
    "valid/tickets",
    "valid/survey_responses",
    "valid/campaign_events",
    "identity/map",
)
LONGEST_WINDOW = 91


def run(day: date, settings: Settings) -> dict[str, Any]:
    """Features of every customer on `day`, written to models/features."""
    lake = Lake.of(settings)
    txn = lake.transaction("features", day, reads=READS, config=settings.journey, code=__name__)
    if txn.done(TABLE):
        return {"day": day.isoformat(), "customers": lake.rows(TABLE, day=day)}
    frame = features_as_of(read_inputs(txn, settings, [day]), [day], settings.general.timezone, settings.journey)
    commit = lake.replace(TABLE, frame, txn, day=day)
    return {"day": day.isoformat(), "customers": commit.rows}


def read_inputs(txn: Txn, settings: Settings, snapshots: Sequence[date]) -> Inputs:
    """What features of these days need of the typed tables, at the versions of the transaction, with customers."""
    tables = Inputs(**{name: txn.read(f"valid/{name}") for name in Inputs.__dataclass_fields__})
    # two days more than the longest window: time zones, and the visit that was going on when it began
    start = min(snapshots) - timedelta(days=LONGEST_WINDOW + 2)
    recent = tables.since(F.lit(start.isoformat()).cast("timestamp"))
    return recent.with_customers(lambda table: with_customer(table, txn.read("identity/map"), settings))


def features_as_of(inputs: Inputs, snapshots: Sequence[date], timezone: str, journey: Journey) -> DataFrame:
    """One row per customer and snapshot day, columns of models/features, for all snapshots in one pass.

    A customer is there who ever ordered or answered a survey, or did anything in the last 91 days. Windows end on the
    snapshot day itself: "last 28 days" is that day and the 27 before it. What cannot be known (no order yet, no
    answer) is empty.
    """
    return _features(_totals(known_on(all_facts(inputs, timezone, journey), snapshots)))


def known_on(facts: DataFrame, snapshots: Sequence[date]) -> DataFrame:
    """Facts as known at the end of each snapshot day, with `age` in days (0: that day itself).

    The only gate between facts and features. A fact passes if it happened by the snapshot day, had arrived by then, and
    had not been overtaken by a newer version by then.
    """
    days = F.array(*(F.lit(day.isoformat()).cast("date") for day in sorted(snapshots)))
    passes = [
        F.col("day") <= F.col("snapshot"),
        F.col("known_from") <= F.col("snapshot"),
        F.col("snapshot") < F.col("known_until"),
        F.col("fact").isin("order", "nps", "csat") | (F.date_diff("snapshot", "day") < LONGEST_WINDOW),
    ]
    exploded = facts.withColumn("snapshot", F.explode(days))
    for condition in passes:
        exploded = exploded.where(condition)
    return exploded.withColumn("age", F.date_diff("snapshot", "day"))


def _totals(known: DataFrame) -> DataFrame:
    """Whole numbers per customer and snapshot: sums that come out the same whatever the order of the rows.

    Counted per department first, so that a department counts once without a costly distinct count.
    """
    is_order = F.col("fact") == "order"
    sums = {f"orders_{days}d": _total("order", days) for days in (28, 84, 91)}
    sums |= {f"cents_{days}d": _total("order", days, "cents") for days in (28, 91)}
    sums |= {
        "orders_all": _total("order"),
        "cents_all": _total("order", column="cents"),
        "discount_91d": _total("order", 91, "discount_cents"),
        "web_orders_91d": _total("order", 91, "flagged"),
        "sessions_28d": _total("visit", 28),
        "sessions_91d": _total("visit", 91),
        "mobile_sessions_91d": _total("visit", 91, "flagged"),
        "product_views_28d": _total("product_view", 28),
        "carts_28d": _total("cart", 28),
        "conversations_91d": _total("conversation", 91),
        "negative_contacts_91d": _total("negative", 91),
        "clicks_91d": _total("click", 91),
    }
    highest = {
        "first_age": F.max(F.when(is_order, F.col("age"))),
        "nps_last": F.max(F.when(F.col("fact") == "nps", F.col("answer"))),
        "csat_last": F.max(F.when(F.col("fact") == "csat", F.col("answer"))),
    }
    lowest = {"last_age": F.min(F.when(is_order, F.col("age")))}
    per_label = known.groupBy("snapshot", "customer_id", "label").agg(
        *(column.alias(name) for name, column in {**sums, **highest, **lowest}.items())
    )
    return per_label.groupBy("snapshot", "customer_id").agg(
        *(F.sum(name).alias(name) for name in sums),
        *(F.max(name).alias(name) for name in highest),
        *(F.min(name).alias(name) for name in lowest),
        F.count("label").alias("departments_91d"),
    )


def _features(totals: DataFrame) -> DataFrame:
    columns = {
        "tenure_days": F.col("first_age"),
        "recency_days": F.col("last_age"),
        "revenue_28d": F.col("cents_28d") / 100,
        "revenue_91d": F.col("cents_91d") / 100,
        "revenue_all": F.col("cents_all") / 100,
        "basket_value_91d": ratio("cents_91d", "orders_91d * 100"),
        "gap_days": ratio("first_age - last_age", "orders_all - 1"),
        "overdue": ratio("last_age * (orders_all - 1)", "first_age - last_age"),
        "trend": ratio("orders_28d * 3", "orders_84d"),
        "discount_share_91d": ratio("discount_91d", "cents_91d + discount_91d"),
        "mobile_share_91d": ratio("mobile_sessions_91d", "sessions_91d"),
        "web_order_share_91d": ratio("web_orders_91d", "orders_91d"),
        "nps_last": F.col("nps_last.value"),
        "csat_last": F.col("csat_last.value"),
    }
    return totals.select(
        F.col("snapshot").alias("day"),
        "customer_id",
        *(columns.get(name, F.col(name)).cast("double").alias(name) for name in NAMES),
    )


def ratio(numerator: str, denominator: str) -> Column:
    """Quotient of two whole-number expressions to 6 digits, empty if the denominator is not positive.

    Rounded in whole numbers: engines differ in how they round a double that lies next to a tie.
    """
    quotient = f"(({numerator}) * 2000000L + ({denominator})) div (2L * ({denominator}))"
    return F.expr(f"case when ({denominator}) > 0 then cast({quotient} as double) / cast(1000000 as double) end")


def _total(fact: str, days: int | None = None, column: str = "n") -> Column:
    counts = F.col("fact") == fact
    if days:
        counts = counts & (F.col("age") < days)
    return F.coalesce(F.sum(F.when(counts, F.col(column))), F.lit(0).cast("bigint"))
