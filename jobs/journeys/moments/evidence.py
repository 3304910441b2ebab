"""What micro-moments are made of beside events: records as known on a day, and what customers said to being located."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import day_of
from jobs.config.journey.journey import Journey
from jobs.config.journey.moments import RECURRENCES
from jobs.config.settings import Settings
from jobs.identity.customer_of import with_customer
from jobs.identity.fresh import Fresh, Unknown
from jobs.journeys.moments.nearby import HISTORY
from jobs.lake.exchange import differing
from jobs.lake.lake import Txn
from jobs.lake.tables import catalogue


def known_records(txn: Txn, name: str, as_of: date, settings: Settings) -> DataFrame | None:
    """All rows of a table that are known on a day, with their customer; None if there is no table."""
    if txn.pins[name] is None:
        return None
    if name == RECURRENCES:
        return expected_before(txn.read(name), txn.read("identity/map"), as_of)
    contract, rows = catalogue.get(name), txn.read(name).where(F.col("arrived") <= F.lit(as_of))
    if contract.moment and not contract.versions:
        rows = rows.where(day_of(contract.moment, settings.general.timezone) <= F.lit(as_of))
    return with_customer(rows, txn.read("identity/map"), settings, txn.unfilled(name))


def expected_before(recurrences: DataFrame, identity_map: DataFrame, as_of: date) -> DataFrame:
    """What models told on days before of what customers come back for, like rows of a dataset.

    The models of a day are asked after its journeys. Who goes by another id now is told of anew by that id.
    """
    today = identity_map.select("customer_id").distinct()
    told = recurrences.where(F.col("day") < F.lit(as_of)).join(today, "customer_id", "left_semi")
    return told.withColumns(
        {
            "source": F.concat_ws(":", "model", "customer_id"),
            "arrived": F.col("day"),
            "file_id": F.lit(""),
            "line": F.lit(0).cast("bigint"),
        }
    )


def consent_history(txn: Txn, journey: Journey) -> DataFrame | None:
    """What customers were known to have said yes to, where moments ask where they are."""
    return txn.read(HISTORY) if journey.location and txn.pins[HISTORY] is not None else None


def answered_differently(fresh: Fresh) -> DataFrame | None:
    """Customers of whom something else is known about being located than the last run knew: `customer_id`."""
    location = fresh.settings.journey.location
    if location is None or fresh.before.pins[HISTORY] == fresh.txn.pins[HISTORY]:
        return None
    if not fresh.lake.readable(HISTORY, fresh.before.pins[HISTORY]):
        raise Unknown(f"vacuum deleted {HISTORY} as the last run read it")
    files = fresh.lake.differing_files(HISTORY, fresh.before.pins[HISTORY], fresh.txn.pins[HISTORY])
    then, now = (fresh.lake.read_files(HISTORY, some).where(F.col("purpose") == location.purpose) for some in files)
    return fresh.keep(differing(then, now).select("customer_id").distinct())


def as_if_new(stored: DataFrame, customers: DataFrame) -> DataFrame:
    """Sessions of these customers as if their events were new, so that they are made again."""
    theirs = stored.join(customers.select("customer_id").dropna().distinct(), "customer_id", "left_semi")
    return theirs.select(
        "customer_id",
        F.lit(None).cast("string").alias("before"),
        F.col("started_at").alias("low"),
        F.col("ended_at").alias("high"),
        F.coalesce("tracker_session", F.lit("")).alias("tracker_session"),
    )
