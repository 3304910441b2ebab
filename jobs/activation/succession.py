"""Which of today's customers a customer id of the past stands for, through all merges and splits.

The ledger keeps the ids that customers had when something was done for them. An id is a part: it may have been a
customer of its own, then part of another one, and one of its own again. Whatever was done for a customer was done for
all its parts, and the parts belong to the customers that identity/map has today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.identity.customer_of import CUSTOMER_ID_LENGTH, named_after
from jobs.identity.over_time.spells import spells
from jobs.lake.engine import get_spark
from jobs.lake.lake import Lake


def with_parts(done: DataFrame, events: DataFrame, identity_map: DataFrame) -> DataFrame:
    """What was done for customers (own_id, day, action, ...), once per part it concerned: part, customer_id (of today).

    A removal does not count for what joined on that very day: it may have been done just before.
    """
    own = done.withColumn("part", F.col("own_id"))
    found = spells(events.where(F.col("type").isin("merged", "split")).toArrow())
    if found.num_rows:
        there = F.col("day").between(F.col("since"), F.col("until"))
        removed_before = (F.col("action") == "remove") & (F.col("day") == F.col("since"))
        as_part = (
            done.join(get_spark().createDataFrame(found), on=F.col("own_id") == F.col("host"), how="inner")
            .where(there & ~removed_before)
            .select(*done.columns, "part")
        )
        own = own.unionByName(as_part)
    homes = identity_map.select(named_after(F.col("identifier")).alias("part"), F.col("customer_id").alias("home"))
    return own.join(homes, on="part", how="left").withColumn("customer_id", F.coalesce("home", "part")).drop("home")


def now(lake: Lake, customer_id: str, day: date) -> pa.Array:
    """Today's customers that are made of what this customer was on that day."""
    return pa.array(sorted(all_now(lake, [(customer_id, day)])[customer_id, day]), pa.string())


def all_now(lake: Lake, asked: Iterable[tuple[str, date]]) -> dict[tuple[str, date], set[str]]:
    """`now` of many customers and days, from one look at the tables."""
    inside: dict[str, list[tuple[str, date, date]]] = defaultdict(list)
    for row in spells(lake.arrow("identity/events")).to_pylist():
        inside[row["host"]].append((row["part"], row["since"], row["until"]))
    parts = {
        (customer, day): {customer, *(part for part, since, until in inside[customer] if since <= day <= until)}
        for customer, day in asked
    }
    wanted = pa.array(sorted(set().union(*parts.values())), pa.string())
    table = lake.arrow("identity/map", columns=["identifier", "customer_id"])
    named_after = pc.binary_join_element_wise(
        "c", pc.utf8_slice_codeunits(table["identifier"], 0, CUSTOMER_ID_LENGTH), ""
    )
    mine = table.append_column("part", named_after).filter(pc.is_in(named_after, wanted))
    homes: dict[str, set[str]] = defaultdict(set)
    for part, home in zip(mine["part"].to_pylist(), mine["customer_id"].to_pylist(), strict=True):
        homes[part].add(home)
    return {key: own.union(*(homes[part] for part in own)) for key, own in parts.items()}
