"""Who said yes to a purpose, for what is done with data rather than sent: whatever the channel."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def agreed(consent: DataFrame, purpose: str, day: date) -> DataFrame:
    """Customers who said yes to the purpose on any channel and no on none: `customer_id`. No answer is no yes."""
    lasts = F.col("expires_at").isNull() | (F.to_date("expires_at") > F.lit(day))
    yes = F.coalesce((F.col("status") == "granted") & lasts, F.lit(False))
    asked = consent.where(F.col("purpose") == purpose).groupBy("customer_id").agg(F.min(yes).alias("agreed"))
    return asked.where("agreed").select("customer_id")
