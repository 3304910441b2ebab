"""Touchpoints of what we send ourselves, from the ledger of activation.

A message of the plan of a day is a contact of that day. The ledger is written after the journeys of its day, so it is
known from the next day on (`known_before`): the same day run again is the same, and so are days one by one and all at
once. Customers are those of today, through all merges and splits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.contact_rows import contact_rows
from jobs.config.settings import Settings
from jobs.identity.customer_of import named_after
from jobs.lake.lake import Lake

LEDGER = "activation/ledger"
TEMPORARY = "temporary"
"""How the reason of a refusal begins that was not final: nothing arrived, and it was tried again."""


def channels(settings: Settings) -> dict[str, str]:
    """Destination to channel, of those whose sends are counted from the ledger: no source reports them."""
    return {name: one.channel for name, one in settings.destinations.items() if not one.reported_by}


def known_before(ledger: DataFrame, as_of: date) -> DataFrame:
    """What the journeys of a day know of the ledger: sends of the plans of earlier days."""
    return ledger.where((F.col("action") == "send") & (F.col("day") < F.lit(as_of)))


def rows_before(lake: Lake, as_of: date) -> int:
    """How many rows of the ledger the journeys of a day know; it only grows, so the number tells which."""
    if not lake.exists(LEDGER):
        return 0
    found: ds.Dataset = lake.dataset(LEDGER)
    return found.count_rows(filter=(pc.field("action") == "send") & (pc.field("day") < as_of))


def own_sends(ledger: DataFrame, channels: Mapping[str, str], timezone: str) -> DataFrame:
    """One row for each message that was sent, delivered, or refused for good, from rows of the ledger.

    `sent`: it was handed over, also when nobody knows whether it arrived. `delivered`: the destination accepted it.
    `bounce`: it was refused for good, and no other try of it was accepted. What was only refused for the time being was
    not sent. `ledger` has its `customer_id`; the source is the destination, the subject the audience.
    """
    refused_at = _at(F.col("state") == "rejected")
    tries = ledger.groupBy("operation_id", "attempt").agg(
        *[F.max(name).alias(name) for name in ("customer_id", "destination", "audience", "day")],
        F.min("updated_at").alias("sent_at"),
        _at(F.col("state").isin("accepted", "partial")).alias("accepted_at"),
        refused_at.alias("refused_at"),
        F.max(F.when(F.col("state") == "rejected", F.col("reason"))).alias("reason"),
    )
    only_waited = F.col("accepted_at").isNull() & F.coalesce(F.col("reason").startswith(TEMPORARY), F.lit(False))
    sends = (
        tries.where(~only_waited)
        .groupBy("operation_id")
        .agg(
            *[F.max(name).alias(name) for name in ("customer_id", "destination", "audience", "day")],
            *[F.min(name).alias(name) for name in ("sent_at", "accepted_at", "refused_at")],
        )
    )
    happened = {
        "sent": F.col("sent_at"),
        "delivered": F.col("accepted_at"),
        "bounce": F.when(F.col("accepted_at").isNull(), F.col("refused_at")),
    }
    each = [
        F.when(at.isNotNull(), F.struct(F.lit(type_).alias("type"), at.alias("at"))) for type_, at in happened.items()
    ]
    known = sends.where(F.col("destination").isin(sorted(channels)))
    exploded = known.withColumn("one", F.explode(F.array_compact(F.array(*each)))).select("*", "one.type", "one.at")
    # In a backfill the clock is years after the day of the plan, and a run of the night is after its midnight.
    begins, ends = (F.to_utc_timestamp(F.date_add("day", n).cast("timestamp"), timezone) for n in (0, 1))
    within = F.greatest(F.least("at", ends - F.expr("interval 1 second")), begins)
    channel = F.coalesce(*[F.when(F.col("destination") == name, F.lit(to)) for name, to in sorted(channels.items())])
    rows = exploded.withColumns({"occurred_at": within, "source": F.col("destination")})
    return contact_rows(
        rows, F.col("type"), "occurred_at", "operation_id", None, channel=channel, subject=F.col("audience")
    )


def with_customer_of_today(ledger: DataFrame, identity_map: DataFrame) -> DataFrame:
    """Rows of the ledger with the customer that has, by this map, the identifier its customer was named after."""
    homes = identity_map.select(named_after(F.col("identifier")).alias("own_id"), F.col("customer_id").alias("home"))
    own = ledger.withColumnRenamed("customer_id", "own_id").join(homes.dropDuplicates(["own_id"]), "own_id", "left")
    return own.withColumn("customer_id", F.coalesce("home", "own_id")).drop("home", "own_id")


def _at(condition: Column) -> Column:
    return F.min(F.when(condition, F.col("updated_at")))
