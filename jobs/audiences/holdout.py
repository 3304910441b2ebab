"""Who is kept apart to measure the effect of an audience."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_BUCKETS = 16**8


def arm(audience: str, share: float) -> Column:
    """`holdout` for `share` of the customers, else `treatment`.

    Decided by a hash of audience and customer_id: the same customer always gets the same arm of an audience, a
    larger share only moves customers into the holdout, and the arms of two audiences are independent.
    """
    bucket = F.substring(F.sha2(F.concat(F.lit(f"{audience}|"), F.col("customer_id")), 256), 1, 8)
    return F.when(bucket < F.lit(f"{round(share * _BUCKETS):08x}"), "holdout").otherwise("treatment")
