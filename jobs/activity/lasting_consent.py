"""Whether what a customer said yes to still holds: asked by whoever sends, tells or looks."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity.conditions import midnight
from jobs.profiles.consent import GRANTED


def says_yes(until: Column) -> Column:
    """Whether a row of profiles/consent, or of its history, is a yes that ends at that instant or later, or never."""
    lasts = F.col("expires_at").isNull() | (F.col("expires_at") >= until)
    return F.coalesce((F.col("status") == GRANTED) & lasts, F.lit(False))


def says_yes_in(rows: pa.Table, until: datetime) -> pa.ChunkedArray:
    """`says_yes` without the engine, of rows of profiles/consent."""
    lasts = pc.fill_null(pc.greater_equal(rows["expires_at"], pa.scalar(until)), True)
    return pc.and_(pc.fill_null(pc.equal(rows["status"], GRANTED), False), lasts)


def through(day: date, timezone: str) -> Column:
    """The end of a day in the company's time zone: what ends sooner does not last through the day."""
    return F.lit(midnight(day + timedelta(days=1), timezone))


def agreed(consent: DataFrame, purpose: str, until: Column, *of: str) -> DataFrame:
    """Who said yes to a purpose on some channel and no on none: `customer_id`, with the other columns `of`.

    No answer is no yes.
    """
    asked = (
        consent.where(F.col("purpose") == purpose)
        .groupBy("customer_id", *of)
        .agg(F.min(says_yes(until)).alias("agreed"))
    )
    return asked.where("agreed").drop("agreed")
