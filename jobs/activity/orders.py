"""What an order means: one word for each kind of order document, used by touchpoints, traits and KPIs alike.

Systems write several things down as orders: what was bought, what was called off, the credit note that gives money
back as a document of its own, what a voucher paid, a try-out by the web team. `outcome` tells them apart,
so that revenue, orders, average value and repeat buyers are counted over the same ones everywhere.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

UNDONE = {"returned": "return", "cancelled": "cancellation"}
"""Outcomes of orders that were bought and then undone, and the touchpoint that undoes them."""
BOUGHT_NOTHING = ("test", "cancelled", "credit")
"""Outcomes of orders that are no purchase; all others are."""


def outcome(total: Column) -> Column:
    """What became of an order, by `status` of its newest version and its total as it was paid.

    `test`: never happened. `cancelled`: called off, nothing was bought. `credit`: a negative total, or it names the
    order that it credits: money given back for something bought before. `free`: bought for a total of 0, such as with a
    voucher. `returned`: bought and sent back. `open`: bought, not yet paid or delivered. `completed`: bought; also when
    the source tells no status.
    """
    status = F.coalesce(F.lower("status"), F.lit("completed"))
    return (
        F.when(status.isin("test", "cancelled"), status)
        .when((total < 0) | F.coalesce(F.trim("credits") != "", F.lit(False)), "credit")
        .when((total == 0) & (status != "returned"), "free")
        .otherwise(status)
    )
