"""By which channel a customer is best contacted: allowed, reachable, and answered most."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.identity import ContactChannel
from jobs.config.settings import Settings
from jobs.identity.customer_of import with_customer
from jobs.profiles.consent import GRANTED

DAYS = 365
CONTACTED = ("delivered", "impression")
RESPONDED = ("open", "click", "redeem")


def channels(
    consents: DataFrame,
    points: DataFrame,
    addresses: DataFrame,
    engaged: DataFrame | None,
    settings: Settings,
) -> DataFrame:
    """profiles/channels: a row per customer and channel of a purpose about which anything is known.

    First the channels with consent for some purpose and an address or number, of these those the customer responded to
    most, then most recently, then in the order of the alphabet. `engaged` is what `engagement` says;
    None if nobody was ever contacted.
    """
    known = settings.identity.contact_channels
    allowed = consents.groupBy("customer_id", "channel").agg(
        F.array_sort(F.collect_set(F.when(F.col("status") == GRANTED, F.col("purpose")))).alias("purposes")
    )
    kinds = points.select("customer_id", "kind").unionByName(
        addresses.select("customer_id", F.lit("address").alias("kind"))
    )
    reachable = kinds.groupBy("customer_id").agg(F.collect_set("kind").alias("kinds"))
    answered = _with_engagement(allowed, engaged).join(reachable, on="customer_id", how="left")
    none = F.array().cast("array<string>")
    seen = answered.where(F.col("channel").isin(*known) if known else F.lit(False)).select(
        "customer_id",
        "channel",
        F.coalesce("purposes", none).alias("purposes"),
        _reachable(known, F.coalesce("kinds", none)).alias("reachable"),
        *[F.coalesce(name, F.lit(0)).cast("bigint").alias(name) for name in ("contacted", "responded")],
        "last_responded",
    )
    usable = F.when(F.col("reachable") & (F.size("purposes") > 0), 1).otherwise(0)
    best_first = Window.partitionBy("customer_id").orderBy(
        F.desc("usable"), F.desc("responded"), F.col("last_responded").desc_nulls_last(), "channel"
    )
    return seen.withColumn("usable", usable).withColumn(
        "preference", F.when(F.col("usable") == 1, F.row_number().over(best_first)).cast("int")
    )


def _with_engagement(allowed: DataFrame, engaged: DataFrame | None) -> DataFrame:
    if engaged is not None:
        return allowed.join(engaged, on=["customer_id", "channel"], how="full")
    never = {name: F.lit(None).cast("bigint") for name in ("contacted", "responded")}
    return allowed.withColumns(never | {"last_responded": F.lit(None).cast("date")})


def met(events: DataFrame, identity_map: DataFrame, settings: Settings, unfilled: Collection[str] = ()) -> DataFrame:
    """Messages and responses of customers, with `day`, `kind` and the channel of config/identity.yaml.

    Columns `unfilled` have no value in any row of `events`.
    """
    known = settings.identity.contact_channels
    day = F.to_date(F.from_utc_timestamp("occurred_at", settings.general.timezone))
    kind = F.lower(F.trim("type"))
    named_ones = events.withColumns({"day": day, "kind": kind, "channel": named(known, F.lower(F.trim("channel")))})
    counted = named_ones.where(F.col("kind").isin(*CONTACTED, *RESPONDED) & F.col("channel").isNotNull())
    return with_customer(counted, identity_map, settings, unfilled).where("customer_id is not null")


def engagement(met: DataFrame, as_of: date) -> DataFrame:
    """Messages and responses per customer and channel in the last `DAYS` days, from rows of `met`."""
    recent = met.where((F.col("day") <= F.lit(as_of)) & (F.col("day") > F.lit(as_of - timedelta(days=DAYS))))
    return recent.groupBy("customer_id", "channel").agg(
        F.sum(F.col("kind").isin(*CONTACTED).cast("int")).alias("contacted"),
        F.sum(F.col("kind").isin(*RESPONDED).cast("int")).alias("responded"),
        F.max(F.when(F.col("kind").isin(*RESPONDED), F.col("day"))).alias("last_responded"),
    )


def named(known: dict[str, ContactChannel], called: Column) -> Column:
    """The channel of config/identity.yaml that a campaign tool means; null for one nobody is asked about."""
    meant = F.lit(None).cast("string")
    for name, channel in known.items():
        meant = F.when(called.isin(name, *channel.also_called), name).otherwise(meant)
    return meant


def _reachable(known: dict[str, ContactChannel], kinds: Column) -> Column:
    found = F.lit(False)
    for name, channel in known.items():
        met = F.lit(True) if not channel.reached_by else F.arrays_overlap(kinds, F.lit(list(channel.reached_by)))
        found = F.when(F.col("channel") == name, met).otherwise(found)
    return found
