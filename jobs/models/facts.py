"""What is known about customers, as facts: who, on which day, and between which days we knew it.

Every fact carries the period in which it was the newest thing known: from the day it arrived until the day a newer
version of the same record arrived. Filtering facts by that period is what keeps the future out of features.

Grain of a fact frame: one customer, day, kind of fact and known period. Columns:
customer_id, fact, day (in the company's time zone), known_from, known_until, n, flagged, cents, discount_cents, label,
answer (struct of time, id and value; only for answers).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

NEVER = "9999-12-31"
MEASURES = ("n", "flagged", "cents", "discount_cents")
_ANSWER = "struct<at:timestamp,id:string,value:double>"
_WHO_AND_WHEN = ("customer_id", "fact", "day", "known_from", "known_until", "label")


@dataclass(frozen=True)
class Inputs:
    """Typed tables as published, each with `customer_id` but for lines and products."""

    orders: DataFrame
    order_lines: DataFrame
    products: DataFrame
    events: DataFrame
    conversations: DataFrame
    survey_responses: DataFrame
    campaign_events: DataFrame

    def since(self, moment: Column) -> Inputs:
        """Only what happened from `moment` on, for the tables of which only recent rows count."""
        return replace(
            self,
            order_lines=self.order_lines.where(F.col("ordered_at") >= moment),
            events=self.events.where(F.col("occurred_at") >= moment),
            campaign_events=self.campaign_events.where(F.col("occurred_at") >= moment),
        )


def all_facts(inputs: Inputs, timezone: str, gap_minutes: int) -> DataFrame:
    """Every fact features are made of."""
    orders = order_versions(inputs.orders, timezone)
    parts = [
        order_facts(orders),
        department_facts(inputs.order_lines, inputs.products, orders),
        *event_facts(inputs.events, timezone, gap_minutes),
        *conversation_facts(inputs.conversations, timezone),
        *survey_facts(inputs.survey_responses, timezone),
        *campaign_facts(inputs.campaign_events, timezone),
    ]
    return reduce(DataFrame.unionByName, parts)


def order_versions(orders: DataFrame, timezone: str) -> DataFrame:
    """One version of one order that was not cancelled, with its known period. A returned order earns nothing."""
    status = F.coalesce(F.lower("status"), F.lit("completed"))
    returned = (status == "returned").cast("bigint")
    return (
        with_known_period(orders, ["source", "order_id"])
        .where(status != "cancelled")
        .select(
            "customer_id",
            "source",
            "order_id",
            day_of("ordered_at", timezone).alias("day"),
            "known_from",
            "known_until",
            (F.coalesce(F.col("channel"), F.lit("store")) != "store").cast("bigint").alias("flagged"),
            ((1 - returned) * cents("total")).alias("cents"),
            ((1 - returned) * cents("discount")).alias("discount_cents"),
            returned.alias("returned"),
        )
    )


def order_facts(versions: DataFrame) -> DataFrame:
    """Orders of a day: n orders, of which `flagged` not placed in a store; a return is also a negative contact."""
    known = versions.where(F.col("customer_id").isNotNull())
    orders = known.withColumns({"fact": F.lit("order"), "n": F.lit(1).cast("bigint")})
    returns = known.where(F.col("returned") == 1).select("customer_id", "day", "known_from", "known_until")
    return _summed(orders).unionByName(_summed(_counted(returns, "negative")))


def department_facts(lines: DataFrame, products: DataFrame, versions: DataFrame) -> DataFrame:
    """Departments bought from on a day: `label` is the department, as the product list of that time had it."""
    bought = versions.where((F.col("returned") == 0) & F.col("customer_id").isNotNull()).select(
        "source", "order_id", "customer_id", "day", "known_from", "known_until"
    )
    listed = with_known_period(products, ["source", "product_id"]).select(
        "source",
        "product_id",
        F.col("department").alias("label"),
        F.col("known_from").alias("listed_from"),
        F.col("known_until").alias("listed_until"),
    )
    arrived = lines.groupBy("source", "order_id", "product_id").agg(F.min("arrived").alias("line_from"))
    joined = (
        arrived.join(bought, on=["source", "order_id"], how="inner")
        .join(listed, on=["source", "product_id"], how="inner")
        .where(F.col("label").isNotNull())
        .withColumns(
            {
                "known_from": F.greatest("known_from", "line_from", "listed_from"),
                "known_until": F.least("known_until", "listed_until"),
            }
        )
        .where(F.col("known_from") < F.col("known_until"))
    )
    return _summed(_counted(joined, "department"))


def event_facts(events: DataFrame, timezone: str, gap_minutes: int) -> list[DataFrame]:
    """Visits (flagged: by phone), product pages seen and products put in the basket."""
    seen = events.where(F.col("customer_id").isNotNull()).withColumn("day", day_of("occurred_at", timezone))
    kinds = F.when(F.col("type") == "product_view", "product_view").when(F.col("type") == "add_to_cart", "cart")
    actions = seen.withColumn("kind", kinds).where(F.col("kind").isNotNull())
    return [
        _summed(visit_starts(seen, gap_minutes)),
        _summed(_counted(_known_on_arrival(actions), F.col("kind"))),
    ]


def visit_starts(events: DataFrame, gap_minutes: int) -> DataFrame:
    """One start of one visit: an event with none of the same customer in the `gap_minutes` before it.

    An earlier event that arrives late joins two visits: from that day on, the later one is no start any more.
    """
    first = F.min(F.struct("arrived", "source", "event_id", (F.col("device") == "mobile").alias("mobile")))
    moments = (
        events.groupBy("customer_id", "day", "occurred_at")
        .agg(first.alias("first"))
        .withColumn("known_from", F.col("first.arrived"))
    )
    gap = gap_minutes * 60 * 1_000_000
    shortly_before = Window.partitionBy("customer_id").orderBy(F.unix_micros("occurred_at")).rangeBetween(-gap, -1)
    until = F.coalesce(F.min("known_from").over(shortly_before), F.lit(NEVER).cast("date"))
    return _counted(
        moments.withColumn("known_until", until).where(F.col("known_from") < F.col("known_until")), "visit"
    ).withColumn("flagged", F.coalesce(F.col("first.mobile"), F.lit(False)).cast("bigint"))


def conversation_facts(conversations: DataFrame, timezone: str) -> list[DataFrame]:
    """Conversations, the satisfaction asked after them on a scale of 5, and those that went badly (2 or less)."""
    known = (
        with_known_period(conversations, ["source", "conversation_id"])
        .where(F.col("customer_id").isNotNull())
        .withColumn("day", day_of("opened_at", timezone))
    )
    answer = F.struct(
        F.col("opened_at").alias("at"), F.col("conversation_id").alias("id"), F.col("csat").alias("value")
    )
    return [
        _summed(_counted(known, "conversation")),
        _summed(_counted(known.where(F.col("csat") <= 2), "negative")),
        _answers(known.where(F.col("csat").isNotNull()), F.lit("csat"), answer),
    ]


def survey_facts(responses: DataFrame, timezone: str) -> list[DataFrame]:
    """NPS answers (0 to 10) and CSAT answers (on a scale of 5); detractors and CSAT of 2 or less are negative."""
    scale = F.when(F.col("kind") == "csat", F.lit(5.0)).when(F.col("kind") == "nps", F.lit(10.0))
    value = F.round(F.col("score") * scale / F.coalesce(F.col("scale_max"), scale), 2)
    known = (
        _known_on_arrival(responses)
        .where(F.col("customer_id").isNotNull() & F.col("score").isNotNull() & F.col("kind").isin("nps", "csat"))
        .withColumns({"day": day_of("answered_at", timezone), "value": value})
    )
    unhappy = F.col("value") <= F.when(F.col("kind") == "nps", 6.0).otherwise(2.0)
    answer = F.struct(
        F.col("answered_at").alias("at"),
        F.concat_ws("|", "source", "response_id", "question_id").alias("id"),
        "value",
    )
    return [_answers(known, F.col("kind"), answer), _summed(_counted(known.where(unhappy), "negative"))]


def campaign_facts(campaign_events: DataFrame, timezone: str) -> list[DataFrame]:
    """Clicks and redemptions; complaints and unsubscribes are negative contacts."""
    kind = F.when(F.col("type").isin("click", "redeem"), "click").when(
        F.col("type").isin("complaint", "unsubscribe"), "negative"
    )
    known = (
        _known_on_arrival(campaign_events)
        .withColumns({"day": day_of("occurred_at", timezone), "kind": kind})
        .where(F.col("customer_id").isNotNull() & F.col("kind").isNotNull())
    )
    return [_summed(_counted(known, F.col("kind")))]


def with_known_period(versions: DataFrame, key: list[str]) -> DataFrame:
    """Adds known_from and known_until: the days between which a version was the newest one that had arrived.

    Versions overtaken before or on the day they arrived were never the newest and are left out.
    """
    newest_first = [F.desc("updated_at"), F.desc("arrived"), F.desc("file_id"), F.desc("line")]
    newer = Window.partitionBy(*key).orderBy(*newest_first).rowsBetween(Window.unboundedPreceding, -1)
    overtaken = F.coalesce(F.min("arrived").over(newer), F.lit(NEVER).cast("date"))
    return versions.withColumns({"known_from": F.col("arrived"), "known_until": overtaken}).where(
        F.col("known_from") < F.col("known_until")
    )


def day_of(moment: str, timezone: str) -> Column:
    """The calendar day of a UTC timestamp in the company's time zone."""
    return F.to_date(F.from_utc_timestamp(moment, timezone))


def cents(amount: str) -> Column:
    """A decimal amount as whole cents, 0 when empty, so that sums are exact on every engine."""
    return F.coalesce((F.col(amount) * 100).cast("bigint"), F.lit(0).cast("bigint"))


def _known_on_arrival(records: DataFrame) -> DataFrame:
    return records.withColumns({"known_from": F.col("arrived"), "known_until": F.lit(NEVER).cast("date")})


def _counted(records: DataFrame, fact: str | Column) -> DataFrame:
    kind = F.lit(fact) if isinstance(fact, str) else fact
    return records.withColumns({"fact": kind, "n": F.lit(1).cast("bigint")})


def _summed(records: DataFrame) -> DataFrame:
    """Facts of the same customer, day and known period added up, in the columns every fact frame has."""
    missing = {name: F.lit(0).cast("bigint") for name in MEASURES if name not in records.columns}
    if "label" not in records.columns:
        missing["label"] = F.lit(None).cast("string")
    return (
        records.withColumns(missing)
        .groupBy(*_WHO_AND_WHEN)
        .agg(*(F.sum(name).alias(name) for name in MEASURES))
        .withColumn("answer", F.lit(None).cast(_ANSWER))
    )


def _answers(records: DataFrame, fact: Column, answer: Column) -> DataFrame:
    """One fact per answer, because the newest one counts and not their sum."""
    nothing = F.lit(0).cast("bigint")
    return records.withColumns(
        {"fact": fact, "label": F.lit(None).cast("string"), "answer": answer.cast(_ANSWER)}
        | dict.fromkeys(MEASURES, nothing)
    ).select(*_WHO_AND_WHEN, *MEASURES, "answer")
