"""Rows whose contact ids are those of contacts but for leading zeros: a tool lost them in one of two files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.identifiers import normalised
from jobs.lake.database import database_of

NUMBER = "^0*[1-9][0-9]*$"
"""An id of digits only, that leading zeros may have been lost of."""


def names_nobody(sightings: pa.Table, since: date | None) -> bool:
    """Whether rows name contacts that are not there, and a row or a contact came after `since`.

    `sightings` are rows of identity/sightings.
    """
    with database_of(sightings=sightings) as con:
        found = con.execute(
            "SELECT count(*) > 0 FROM sightings WHERE contact IS NOT NULL AND contact NOT IN "
            "(SELECT contact FROM sightings WHERE described AND contact IS NOT NULL) "
            "AND ($since IS NULL OR (SELECT max(first_seen) FROM sightings WHERE contact IS NOT NULL) > $since)",
            {"since": since},
        ).fetchall()
    return bool(found[0][0])


def lost_zeros(rows: Mapping[str, DataFrame], contacts: DataFrame, since: date | None, settings: Settings) -> pa.Table:
    """Datasets of which ids of contacts have other leading zeros than the contacts.

    Columns: source, dataset, kept (whether the contacts have the zeros), ids, length (that of all ids with zeros, 0 if
    they have several). `rows` are tables of valid/ by name, `contacts` valid/contacts. With `since` only pairs are
    looked at of which one came after that day.
    """
    parts = [_ids(some, settings).withColumn("dataset", F.lit(name.split("/")[1])) for name, some in rows.items()]
    known = _ids(contacts, settings).groupBy("name", "space", "bare", "length").agg(F.min("came").alias("known"))
    named = reduce(DataFrame.unionByName, parts).join(known.select("name"), on="name", how="left_anti")
    both = named.join(
        known.select("space", "bare", "known", F.col("length").alias("whole")), on=["space", "bare"], how="inner"
    )
    new = both if since is None else both.where(F.greatest("came", "known") > F.lit(since))
    kept = F.col("whole") > F.col("length")
    shown = F.greatest("whole", "length")
    length = F.when(F.min(shown) == F.max(shown), F.max(shown)).otherwise(0)
    told = new.groupBy("source", "dataset", kept.alias("kept"))
    counted = told.agg(F.countDistinct("name").alias("ids"), length.alias("length"))
    return counted.orderBy("source", "dataset", "kept").toArrow()


def _ids(rows: DataFrame, settings: Settings) -> DataFrame:
    """The ids of contacts that rows have: source, name (source of the ids, and id), space, bare, length, came."""
    first = rows.groupBy("source", "contact_id").agg(F.min("arrived").alias("came"))
    name = normalised("contact", F.col("contact_id"), settings, F.col("source"))
    named = first.select("source", "came", name.alias("name"))
    apart = named.withColumns(
        {"space": F.substring_index("name", ":", 1), "id": F.expr("substring(name, locate(':', name) + 1)")}
    )
    digits = apart.where(F.col("id").rlike(NUMBER))
    return digits.select(
        "source",
        "name",
        "space",
        F.regexp_replace("id", "^0+", "").alias("bare"),
        F.length("id").alias("length"),
        "came",
    )
