"""The items that the messages of an action show each customer: the first of the newest list that is fresh enough."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from pyspark.sql import functions as F

from jobs.activation.channel import Item
from jobs.config.actions.recommended import RecommendedInMessages
from jobs.lake.lake import Txn

TABLE = "models/recommendations"
NO_ITEMS = "no_recommendations"


def shown_items(txn: Txn, asked: RecommendedInMessages, day: date) -> dict[str, tuple[Item, ...]]:
    """By customer the items to show on `day`; who has no list of these days is left out.

    All lists are those of one day: what may not be recommended any more is in none of the newest.
    """
    fresh = txn.read(TABLE).where(
        (F.col("model") == asked.model)
        & F.col("day").between(F.lit(day - timedelta(days=asked.within_days - 1)), F.lit(day))
        & (F.col("rank") <= asked.top)
    )
    rows = fresh.select("day", "customer_id", "rank", "item", "name", "reason").toArrow().to_pylist()
    newest = max((row["day"] for row in rows), default=day)
    found = sorted((row for row in rows if row["day"] == newest), key=lambda row: (row["customer_id"], row["rank"]))
    return {
        customer: tuple(Item(row["item"], row["name"], row["reason"]) for row in mine)
        for customer, mine in groupby(found, key=lambda row: row["customer_id"])
    }
