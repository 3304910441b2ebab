"""Arms belong to the person: by which id each is drawn, through merges and splits. The older arm wins.

A person first comes into an action under one id; the hash of that id decides the arm from then on, whatever the person
is called later. Whoever was merged is drawn by the id that was in the action first, and whoever was split off by that
of whom it was part of, if that was in it before. The same holds live and in a backfill, day by day.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.identity.customer_of import named_after
from jobs.identity.over_time.spells import spells
from jobs.lake.engine import get_spark

TABLE, EVENTS, MAP = "decisions/arms", "identity/events", "identity/map"
MOVED = "audience string, customer_id string, first_customer_id string"


def moved(arms: DataFrame, events: DataFrame, identity_map: DataFrame, day: date) -> DataFrame:
    """Who is drawn by another id than the own one on a day: audience, customer_id, first_customer_id.

    `arms` are the rows of TABLE; those of the day itself, and later ones, do not count.
    """
    inside = _spells(events, day)
    if not inside.num_rows:
        return get_spark().createDataFrame([], MOVED)
    within = get_spark().createDataFrame(inside)
    before = arms.where(F.col("since") < F.lit(day)).select("audience", "customer_id", "since", "first_customer_id")
    own = before.withColumn("part", F.col("customer_id"))
    as_part = (
        before.withColumnRenamed("since", "drawn_on")
        .join(within, on=F.col("customer_id") == F.col("host"), how="inner")
        .where(F.col("drawn_on") <= F.col("until"))
        .select("audience", "customer_id", F.greatest("drawn_on", "since").alias("since"), "first_customer_id", "part")
    )
    homes = identity_map.select(named_after(F.col("identifier")).alias("part"), F.col("customer_id").alias("home"))
    oldest = F.min(F.struct("since", "first_customer_id")).alias("oldest")
    found = (
        own.unionByName(as_part)
        .join(homes.distinct(), on="part", how="left")
        .groupBy("audience", F.coalesce("home", "part").alias("customer_id"))
        .agg(oldest)
        .select("audience", "customer_id", F.col("oldest.first_customer_id").alias("first_customer_id"))
    )
    return found.where(F.col("first_customer_id") != F.col("customer_id"))


def begun(there: DataFrame, moved: DataFrame, arms: DataFrame, identity_map: DataFrame, day: date) -> DataFrame:
    """Rows of TABLE for a day: who (audience, customer_id, with arm, share, propensity and context) is there for the
    first time, drawn by another id now, or `redrawn`."""
    before = arms.where(F.col("since") < F.lit(day)).groupBy("audience", "customer_id")
    known = before.agg(F.max_by("first_customer_id", "since").alias("was"))
    homes = identity_map.select(
        named_after(F.col("identifier")).alias("first_customer_id"), F.col("customer_id").alias("home")
    )
    keys = ["audience", "customer_id"]
    changed = (
        there.join(moved, on=keys, how="left")
        .withColumn("first_customer_id", F.coalesce("first_customer_id", "customer_id"))
        .join(known, on=keys, how="left")
        .where(F.col("redrawn") | F.col("was").isNull() | (F.col("was") != F.col("first_customer_id")))
        .join(homes.distinct(), on="first_customer_id", how="left")
    )
    part_of_it = F.coalesce(F.col("home") == F.col("customer_id"), F.lit(False))
    because = (
        F.when(F.col("redrawn"), "redrawn")
        .when(F.col("first_customer_id") == F.col("customer_id"), "drawn")
        .when(part_of_it, "merged")
        .otherwise("split")
    )
    return changed.select(
        *keys,
        F.lit(day).alias("since"),
        "first_customer_id",
        because.alias("because"),
        *("arm", "share", "propensity", "context"),
    )


def _spells(events: DataFrame, day: date) -> pa.Table:
    known = events.where(F.col("type").isin("merged", "split") & (F.col("day") <= F.lit(day)))
    return spells(known.toArrow())
