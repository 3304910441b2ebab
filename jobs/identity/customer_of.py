"""Whose record a row is: the customer behind the identifiers on it."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.identifiers import PERSON_COLUMNS, identifier_column
from jobs.lake.lake import Lake

CUSTOMER_ID_LENGTH = 16
"""Characters of an identifier's hash that follow the `c` of the customer it names."""


def newest_day(lake: Lake, name: str, day: date) -> date:
    """`day`, or the day the table already stands at if that is later: rerunning an old day loses nothing."""
    days = lake.arrow(name, columns=["as_of"])["as_of"]
    return max([day, *(found for found in days.unique().to_pylist() if found)])


def with_customer(df: DataFrame, identity_map: DataFrame, settings: Settings) -> DataFrame:
    """`df` with customer_id: that of the most telling identifier of the row that is known, or null.

    Rows of one person repeat the same few identifiers, so each distinct combination is looked up once.
    """
    columns = [name for name in ("source", "country", *PERSON_COLUMNS.values()) if name in df.columns]
    combination = _combination(columns)
    found = (
        df.select(*columns, combination.alias("combination"))
        .dropDuplicates(["combination"])
        .select("combination", F.explode(_candidates(columns, settings)).alias("candidate"))
        .select("combination", "candidate.*")
        .join(identity_map.select("identifier", "customer_id"), on="identifier", how="inner")
        .groupBy("combination")
        .agg(F.min(F.struct("rank", "customer_id")).alias("best"))
        .select("combination", F.col("best.customer_id").alias("customer_id"))
    )
    return (
        df.drop("customer_id")
        .withColumn("combination", combination)
        .join(found, on="combination", how="left")
        .drop("combination")
    )


def identifiers_of(df: DataFrame, settings: Settings) -> DataFrame:
    """Every identifier that rows carry: `identifier`, with repeats."""
    columns = [name for name in ("source", "country", *PERSON_COLUMNS.values()) if name in df.columns]
    distinct = df.select(*columns).distinct()
    return distinct.select(F.explode(_candidates(columns, settings)).alias("candidate")).select("candidate.identifier")


def _combination(columns: list[str]) -> Column:
    """One text per combination of values; a missing value differs from an empty one."""
    return F.concat_ws("\x1f", *[F.coalesce(F.col(name), F.lit("\x00")) for name in columns])


def _candidates(columns: list[str], settings: Settings) -> Column:
    """The identifiers a row carries, with their rank: 0 tells most about the person."""
    country = F.col("country") if "country" in columns else None
    return F.array(
        *[
            F.struct(
                F.lit(rank).alias("rank"),
                identifier_column(kind, column, settings, country=country).alias("identifier"),
            )
            for rank, (kind, column) in enumerate(PERSON_COLUMNS.items())
            if column in columns
        ]
    )
