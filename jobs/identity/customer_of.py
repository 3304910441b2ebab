"""Whose record a row is: the customer behind the identifiers on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.identifiers import IDENTIFYING, ids_of, with_identifiers
from jobs.lake.lake import Lake
from jobs.validate.mapping.phone_countries import dialled_in

CUSTOMER_ID_LENGTH = 16
"""Characters of an identifier's hash that follow the `c` of the customer it names."""


def named_after(identifier: Column) -> Column:
    """The id of a customer of which this is the oldest identifier."""
    return F.concat(F.lit("c"), F.substring(identifier, 1, CUSTOMER_ID_LENGTH))


def customer_ids(identifiers: pd.Series) -> pd.Series:
    """The same for many identifiers at once."""
    return "c" + identifiers.str[:CUSTOMER_ID_LENGTH]


def newest_day(lake: Lake, name: str, day: date) -> date:
    """`day`, or the day the table already stands at if that is later: rerunning an old day loses nothing."""
    days = lake.arrow(name, columns=["as_of"])["as_of"]
    return max([day, *(found for found in days.unique().to_pylist() if found)])


def with_customer(
    df: DataFrame, identity_map: DataFrame, settings: Settings, unfilled: Collection[str] = ()
) -> DataFrame:
    """`df` with customer_id: that of the most telling identifier of the row that is known, or null.

    Rows of one person repeat the same few identifiers, so each distinct combination is looked up once.
    Columns that are known to be `unfilled` are not: that would take the engine as long.
    """
    given = _given([name for name in df.columns if name not in unfilled], settings)
    if not _identifying(given):
        return df.drop("customer_id").withColumn("customer_id", F.lit(None).cast("string"))
    combination = F.concat_ws("\x1f", *[F.coalesce(column, F.lit("\x00")) for column in given.values()])
    found = (
        df.select(*[column.alias(name) for name, column in given.items()], combination.alias("combination"))
        .distinct()
        .transform(_candidates, given, settings, "combination")
        .join(identity_map.select("identifier", "customer_id"), on="identifier", how="inner")
        .groupBy("combination")
        .agg(F.min_by("customer_id", "rank").alias("customer_id"))
    )
    return (
        df.drop("customer_id")
        .withColumn("combination", combination)
        .join(found, on="combination", how="left")
        .drop("combination")
    )


def known_customers(identity_map: DataFrame, set_aside: DataFrame) -> DataFrame:
    """`customer_id` of everybody of whom more than cookies is known; an identifier set aside is nobody's."""
    told = with_set_aside(identity_map, set_aside)
    return told.where(names_somebody()).select("customer_id").distinct()


def with_set_aside(identity_map: DataFrame, set_aside: DataFrame) -> DataFrame:
    """The map with `aside`, true for identifiers that link nobody."""
    nobodys = set_aside.select("identifier", F.lit(True).alias("aside")).distinct()
    return identity_map.join(nobodys, on="identifier", how="left")


def names_somebody() -> Column:
    """Whether an identifier of `with_set_aside` tells more than that somebody came by."""
    return (F.col("kind") == "contact") | ((F.col("kind") != "cookie") & F.col("aside").isNull())


def identifiers_of(df: DataFrame, settings: Settings, unfilled: Collection[str] = ()) -> DataFrame:
    """Every identifier that rows carry in columns that are not known to be `unfilled`: `identifier`, with repeats."""
    given = _given([name for name in df.columns if name not in unfilled], settings)
    if not _identifying(given):
        return df.select(F.lit(None).cast("string").alias("identifier")).where("false")
    distinct = df.select(*[column.alias(name) for name, column in given.items()]).distinct()
    return _candidates(distinct, given, settings).select("identifier")


def _given(columns: Collection[str], settings: Settings) -> dict[str, Column]:
    """What a row tells of whom it is about: its source, the country of its phone number, identifiers."""
    given = {name: F.col(name) for name in ("source", *(column for _, column in IDENTIFYING)) if name in columns}
    if "source" in columns:
        given["source"] = ids_of(columns, settings)
    if "phone" in columns:
        given["country"] = F.when(F.col("phone").isNotNull(), dialled_in(columns, settings))
    return given


def _identifying(given: Collection[str]) -> bool:
    """Whether any of these columns can tell whose a row is."""
    return any(column in given for _, column in IDENTIFYING)


def _candidates(rows: DataFrame, given: Collection[str], settings: Settings, *beside: str) -> DataFrame:
    """A row for each identifier that a row could have: `rank` and `identifier`, and the columns `beside` them.

    Rank 0 tells most about the person.
    """
    there = {f"_{rank}": (kind, column) for rank, (kind, column) in enumerate(IDENTIFYING) if column in given}
    spelled = with_identifiers(rows, there, settings, F.col("country") if "country" in given else None)
    told = F.array(*[F.struct(F.lit(int(name[1:])).alias("rank"), F.col(name).alias("identifier")) for name in there])
    return spelled.select(*beside, F.explode(told).alias("candidate")).select(*beside, "candidate.*")
