"""Who lives together: customers a source declares one household, or with one address and one family name."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.lake.keyed import keyed_hash
from jobs.profiles.contact_points import address_key, plain

DECLARED, SAME, JOINED, TOO_MANY = "declared", "address_and_name", "joined", "too_many"
_ID_LENGTH = 16


def households(customers: DataFrame, settings: Settings) -> DataFrame:
    """profiles/households from profiles/customers.

    A household is named after what it rests on, not after its members, so its id stays when people come and go. Who
    declares nothing but shares address and family name with one declared household belongs to that one; with several,
    to none of them. More customers than `households.size_cap` are no household (an office, a home, a junk address):
    they are listed with reason `too_many` and without an id.
    """
    declared_here = F.collect_set("declared").over(Window.partitionBy("shared"))
    joins = F.col("declared").isNull() & (F.size("declared_here") == 1)
    between = F.col("declared").isNull() & (F.size("declared_here") > 1)
    placed = (
        _keyed(customers)
        .withColumn("declared_here", F.when(F.col("shared").isNotNull(), declared_here))
        .withColumn(
            "key",
            F.when(joins, F.element_at("declared_here", 1))
            .when(F.coalesce(between, F.lit(False)), F.lit(None))
            .otherwise(F.coalesce("declared", "shared")),
        )
        .where("key is not null")
        .withColumn("size", F.count("*").over(Window.partitionBy("key")).cast("int"))
    )
    too_many = F.col("size") > settings.identity.households.size_cap
    by_rule = F.when(F.col("declared").isNotNull(), DECLARED).when(joins, JOINED).otherwise(SAME)
    told = F.when(F.col("declared").isNotNull(), F.concat(F.lit("household_id of "), "told_by"))
    return placed.select(
        "customer_id",
        F.when(~too_many, _id(F.col("key"), settings)).alias("household"),
        "size",
        F.when(too_many, TOO_MANY).otherwise(by_rule).alias("reason"),
        F.coalesce(told, F.lit("country, postcode, house number, street and family name")).alias("evidence"),
    )


def _keyed(customers: DataFrame) -> DataFrame:
    """Customers with what a source declares and with address and family name, in one spelling, or null.

    An id of a household means something only within its source.
    """
    told_by = F.coalesce(F.get_json_object("provenance", "$.household_id.source"), F.lit(""))
    name = F.nullif(plain("last_name"), F.lit(""))
    address = address_key()
    return customers.select(
        "customer_id",
        told_by.alias("told_by"),
        F.concat(F.lit("declared|"), told_by, F.lit("|"), F.trim("household_id")).alias("declared"),
        F.concat(F.lit("shared|"), address, F.lit("|"), name).alias("shared"),
    )


def _id(key: Column, settings: Settings) -> Column:
    hashed = keyed_hash(settings.hash_key(), F.concat(F.lit("|household:"), key))
    return F.concat(F.lit("h"), F.substring(hashed, 1, _ID_LENGTH))
