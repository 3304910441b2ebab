"""What is known about customers, as facts: who, on which day, and between which days we knew it.

Every fact carries the period in which it was the newest thing known: from the day it arrived until the day a newer
version of the same record arrived. Filtering facts by that period is what keeps the future out of features.

Grain of a fact frame: one customer, day, kind of fact and known period. Columns:
customer_id, fact, day (in the company's time zone), known_from, known_until, n, flagged, cents, discount_cents, label,
answer (struct of time, id and value; only for answers).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.activity import touchpoints
from jobs.activity.conditions import day_of, first_true
from jobs.config.journey import Journey

NEVER = "9999-12-31"
PERIOD = "@known@"
"""Stands between an id and the two days of its known period."""
FACT_OF_TYPE = {
    "conversation": "conversation",
    "resolution": "csat",
    "csat": "csat",
    "nps": "nps",
    "click": "click",
    "redeem": "click",
}
"""What a type of contact counts as."""
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
    tickets: DataFrame
    survey_responses: DataFrame
    campaign_events: DataFrame

    def with_customers(self, of_table: Callable[[DataFrame], DataFrame]) -> Inputs:
        """The tables that are about people, with `customer_id` added by `of_table`."""
        people = [name for name in self.__dataclass_fields__ if name not in ("order_lines", "products")]
        return replace(self, **{name: of_table(getattr(self, name)) for name in people})

    def since(self, moment: Column) -> Inputs:
        """Only what happened from `moment` on, for the tables of which only recent rows count."""
        return replace(
            self,
            order_lines=self.order_lines.where(F.col("ordered_at") >= moment),
            events=self.events.where(F.col("occurred_at") >= moment),
            campaign_events=self.campaign_events.where(F.col("occurred_at") >= moment),
        )


def all_facts(inputs: Inputs, timezone: str, journey: Journey) -> DataFrame:
    """Every fact features are made of."""
    orders = order_versions(inputs.orders, timezone)
    parts = [
        _summed(order_facts(orders)),
        department_facts(inputs.order_lines, inputs.products, orders),
        event_facts(inputs.events, timezone, journey.session_gap_minutes),
        contact_facts(known_contacts(inputs, timezone, journey)),
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
    """One order each, `flagged` if not placed in a store."""
    return _counted(versions.where(F.col("customer_id").isNotNull()), "order")


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


def event_facts(events: DataFrame, timezone: str, gap_minutes: int) -> DataFrame:
    """Visits (flagged: by phone), product pages seen and products put in the basket.

    An event starts a visit if none of the same customer and browser came in the `gap_minutes` before it. An earlier
    event that arrives late joins two visits: from that day on, the later one is no start any more. Of events of the
    same moment the one known first stands for all.
    """
    seen = events.where(F.col("customer_id").isNotNull()).withColumns(
        {
            "day": day_of("occurred_at", timezone),
            "browser": F.coalesce("cookie_id", "device", F.lit("")),
            "known_as": F.concat_ws("|", "arrived", "source", "event_id"),
        }
    )
    never = F.lit(NEVER).cast("date")
    of_visitor = Window.partitionBy("customer_id", "browser").orderBy(F.unix_micros("occurred_at"))
    gap = gap_minutes * 60 * 1_000_000
    shortly_before, same_moment = of_visitor.rangeBetween(-gap, -1), of_visitor.rangeBetween(0, 0)
    marked = seen.withColumns(
        {
            "joined_on": F.coalesce(F.min("arrived").over(shortly_before), never),
            "stands_for_all": F.col("known_as") == F.min("known_as").over(same_moment),
        }
    )
    starts = F.col("stands_for_all") & (F.col("arrived") < F.col("joined_on"))
    action = F.when(F.col("type") == "product_view", "product_view").when(F.col("type") == "add_to_cart", "cart")
    by_phone = (F.col("device") == "mobile") & (F.col("fact") == "visit")
    return _summed(
        _counted(marked, F.explode(F.array(F.when(starts, "visit"), action)))
        .where(F.col("fact").isNotNull())
        .withColumns(
            {
                "known_from": F.col("arrived"),
                "known_until": F.when(F.col("fact") == "visit", F.col("joined_on")).otherwise(
                    F.lit(NEVER).cast("date")
                ),
                "flagged": F.coalesce(by_phone, F.lit(False)).cast("bigint"),
            }
        )
    )


def known_contacts(inputs: Inputs, timezone: str, journey: Journey) -> DataFrame:
    """Contacts as the journey step defines them, but one per version of a record, each with its known period.

    Only those features look at: negative ones, conversations, answers and clicks. Visits are not among them. Columns
    of journeys/touchpoints but `nth`, and known_from and known_until. The period travels in the id of the record,
    which the journey step hands on as `reference`: joining it back would cost more than all the rest.
    """
    orders = with_known_period(inputs.orders, ["source", "order_id"])
    conversations = with_known_period(inputs.conversations, ["source", "conversation_id"])
    tickets = with_known_period(inputs.tickets, ["source", "ticket_id"])
    answers = _known_on_arrival(inputs.survey_responses)
    campaigns = _known_on_arrival(inputs.campaign_events)
    contacts = [
        *touchpoints.orders(_with_period_in(orders, "order_id"), timezone),
        *touchpoints.conversations(_with_period_in(conversations, "conversation_id"), timezone),
        *touchpoints.tickets(_with_period_in(tickets, "ticket_id"), timezone),
        touchpoints.answers(_with_period_in(answers, "question_id"), timezone),
        touchpoints.campaign_contacts(_with_period_in(campaigns, "event_id"), timezone, journey.click_days),
    ]
    valence = first_true([(rule.when, rule.valence) for rule in journey.valence], "neutral")
    looked_at = (F.col("valence") == "negative") | F.col("type").isin(*FACT_OF_TYPE)
    known = reduce(DataFrame.unionByName, contacts).withColumn("valence", valence)
    return known.where(looked_at & F.col("customer_id").isNotNull() & F.col("day").isNotNull()).withColumns(
        {
            "known_from": F.element_at(F.split("reference", PERIOD), -2).cast("date"),
            "known_until": F.element_at(F.split("reference", PERIOD), -1).cast("date"),
        }
    )


def contact_facts(contacts: DataFrame) -> DataFrame:
    """A contact counts as what its type says and, if it was negative, as that too; answers carry their score."""
    of_type = F.coalesce(*(F.when(F.col("type") == type_, fact) for type_, fact in FACT_OF_TYPE.items()))
    negative = F.when(F.col("valence") == "negative", "negative")
    answer = F.struct(
        F.col("occurred_at").alias("at"),
        F.concat_ws("|", "source", "reference").alias("id"),
        F.col("score").cast("double").alias("value"),
    )
    answered = F.col("fact").isin("nps", "csat")
    nothing = F.lit(0).cast("bigint")
    return (
        _counted(contacts, F.explode(F.array(of_type, negative)))
        .where(F.col("fact").isNotNull() & (~answered | F.col("score").isNotNull()))
        .withColumns({name: nothing for name in MEASURES if name != "n"})
        .withColumns({"label": F.lit(None).cast("string"), "answer": F.when(answered, answer).cast(_ANSWER)})
        .select(*_WHO_AND_WHEN, *MEASURES, "answer")
    )


def _with_period_in(records: DataFrame, key: str) -> DataFrame:
    """Records whose id ends in their known period; versions of one record become records of their own."""
    return records.withColumn(key, F.concat_ws(PERIOD, key, "known_from", "known_until"))


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
