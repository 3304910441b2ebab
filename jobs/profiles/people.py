"""Profiles for steps that need no identifiers: rules and models look at these, never at names or addresses."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

PLAIN = ("known", "gender", "city", "country", "language", "sources", "contact_records", "customer_since")


def people(customers: DataFrame, households: DataFrame, channels: DataFrame, as_of: date) -> DataFrame:
    """profiles/people from profiles/customers, profiles/households and profiles/channels."""
    preferred = channels.where("preference = 1").select("customer_id", F.col("channel").alias("preferred_channel"))
    housed = households.where("household is not null").select(
        "customer_id", "household", F.col("size").alias("household_size")
    )
    return (
        customers.select("customer_id", *PLAIN, _age(as_of).alias("age"))
        .join(housed, on="customer_id", how="left")
        .join(preferred, on="customer_id", how="left")
    )


def _age(day: date) -> Column:
    """Whole years on the day."""
    had_birthday = F.month("birth_date") * 100 + F.dayofmonth("birth_date") <= day.month * 100 + day.day
    years = day.year - F.year("birth_date") - F.when(had_birthday, 0).otherwise(1)
    return F.when(F.col("birth_date").isNotNull(), years)
