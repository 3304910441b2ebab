"""E-mail addresses and phone numbers at which a customer can be reached, best first."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.normalise.identifiers import normalised
from jobs.profiles.golden import CONTACT_POINTS, NEWEST, age, trust
from jobs.settings import Settings


def contact_points(contacts: DataFrame, settings: Settings) -> DataFrame:
    """One row per customer, kind and normalised value, as profiles/contact_points. Invalid and junk values are out.

    `contacts` are those of `current_contacts`: an address someone has replaced is no longer used. Preference follows
    the golden record rule of the kind: source in order of trust, then the newest.
    """
    given = [_given(contacts, kind, settings) for kind in CONTACT_POINTS]
    every = given[0].unionByName(given[1])
    same_value = Window.partitionBy("customer_id", "kind", "value")
    by_trust = same_value.orderBy("trust", age("updated_at"), "source", "record")
    of_kind = Window.partitionBy("customer_id", "kind").orderBy("trust", age("observed_at"), "value")
    return (
        every.withColumn("observed_at", F.max("updated_at").over(same_value))
        .withColumn("place", F.row_number().over(by_trust))
        .where("place = 1")
        .withColumn("preference", F.row_number().over(of_kind).cast("int"))
        .drop("trust", "updated_at", "place")
    )


def _given(contacts: DataFrame, kind: str, settings: Settings) -> DataFrame:
    rule = settings.identity.golden_record.get(kind, NEWEST)
    value = normalised(kind, F.col(kind), settings, country=F.col("country"))
    return contacts.select(
        "customer_id",
        F.lit(kind).alias("kind"),
        value.alias("value"),
        trust(rule).alias("trust"),
        "source",
        F.col("contact_id").alias("record"),
        "updated_at",
    ).where("value is not null")
