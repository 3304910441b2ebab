"""Lines that hold none of the rows their dataset has of something, such as an order edited to an empty list.

Where a line has all rows of something (`all_rows_of` of config/sources/, with `each`), such a line ends those there
were: it is one row, deleted and without a name of its own, of the delivery. Where there were none it is left out.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.lake.tables.contract import Dataset
from jobs.validate.mapping.inner_rows import EMPTY, ITEM

MEASURE = "empty||"
"""The name under which a tally counts lines that hold no row and end those there were."""


def measure() -> dict[str, Column]:
    """What a tally adds up."""
    return {MEASURE: F.sum((F.col(ITEM) == EMPTY).cast("bigint"))}


def ended(rows: DataFrame, dataset: Dataset, published: Callable[[], DataFrame]) -> DataFrame:
    """Mapped rows without the empty lines of what had no rows up to the day they arrived; the others end their whole.

    `published` gives the rows of the valid table.
    """
    if not dataset.whole:
        return rows
    empty, whole = F.col(ITEM) == EMPTY, [dataset.whole]
    before = published().groupBy(*whole).agg(F.min("arrived").alias("before_"))
    here = F.min(F.when(~empty, F.col("arrived"))).over(Window.partitionBy(*whole))
    dated = rows.join(before, on=whole, how="left").withColumn("first_", F.least("before_", here))
    named = F.col(dataset.whole).isNotNull() & F.coalesce(F.col("first_") <= F.col("arrived"), F.lit(False))
    names = {name: F.when(empty, F.lit("")).otherwise(F.col(name)) for name in dataset.record if name != dataset.whole}
    kept = dated.where(~empty | named).select(*rows.columns)
    return kept.withColumns({**names, "deleted": F.when(empty, F.lit(True)).otherwise(F.col("deleted"))})
