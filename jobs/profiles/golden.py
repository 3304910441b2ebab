"""The golden record: of each attribute the best value any contact record of a customer has, and where it came from."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.config_models import GOLDEN_ATTRIBUTES, GoldenRule
from jobs.normalise.identifiers import trimmed
from jobs.profiles.identity import with_customer
from jobs.settings import Settings

NEWEST = GoldenRule()
CONTACT_POINTS = ("email", "phone")
"""Of these a customer keeps every value, best first: profiles/contact_points."""


def current_contacts(contacts: DataFrame, identity_map: DataFrame, settings: Settings) -> DataFrame:
    """The latest version of each contact record, with customer_id."""
    versions = Window.partitionBy("source", "contact_id").orderBy(
        F.col("updated_at").desc_nulls_last(), F.desc("arrived"), F.desc("file_id"), F.desc("line")
    )
    latest = contacts.withColumn("place", F.row_number().over(versions)).where("place = 1").drop("place")
    return with_customer(latest, identity_map, settings).where("customer_id is not null")


def golden_records(contacts: DataFrame, identity_map: DataFrame, as_of: date, settings: Settings) -> DataFrame:
    """One row per customer of the map, as profiles/customers. `contacts` are those of `current_contacts`."""
    known = identity_map.groupBy("customer_id").agg(
        F.max(F.col("kind") != "cookie").alias("known"),
        F.array_sort(F.array_distinct(F.flatten(F.collect_list("sources")))).alias("sources"),
        F.min("first_seen").alias("customer_since"),
    )
    merged = best_values(contacts, settings)
    return (
        known.join(merged, on="customer_id", how="left")
        .withColumn("contact_records", F.coalesce("contact_records", F.lit(0)).cast("int"))
        .withColumn("provenance", F.coalesce("provenance", F.lit("{}")))
        .withColumn("as_of", F.lit(as_of))
    )


def best_values(contacts: DataFrame, settings: Settings) -> DataFrame:
    """One row per customer with contact records: its attributes, contact_records and provenance."""
    rules = settings.identity.golden_record
    followers = {name: leader for leader, rule in rules.items() for name in rule.together}
    leaders = [name for name in GOLDEN_ATTRIBUTES if name not in (*followers, *CONTACT_POINTS)]
    filled = contacts.withColumns({name: _filled(contacts, name) for name in (*leaders, *followers)})
    best = (
        _with_frequencies(filled, rules)
        .groupBy("customer_id")
        .agg(
            F.count("*").alias("contact_records"),
            *[_best(name, rules.get(name, NEWEST)).alias(f"best_{name}") for name in leaders],
        )
    )
    found = {name: F.col(f"best_{followers.get(name, name)}") for name in (*leaders, *followers)}
    zone = settings.general.timezone
    origins = [
        F.when(F.col(f"best_{name}").isNotNull(), _origin(F.col(f"best_{name}"), zone)).alias(name) for name in leaders
    ]
    return best.select(
        "customer_id",
        "contact_records",
        *[record[name].alias(name) for name, record in found.items()],
        F.to_json(F.struct(*origins)).alias("provenance"),
    )


def trust(rule: GoldenRule) -> Column:
    """0 for the most trusted source of a rule, 1 for the next, ...; sources it does not name come last."""
    ranks = [(F.col("source") == source, rank) for rank, source in enumerate(rule.sources)]
    named = reduce(lambda chain, rank: chain.when(*rank), ranks[1:], F.when(*ranks[0])) if ranks else F.lit(None)
    return F.coalesce(named, F.lit(len(rule.sources))).cast("int")


def age(moment: str) -> Column:
    """A number that is smaller for a newer moment and largest for an unknown one."""
    return -F.coalesce(F.unix_micros(F.col(moment)), F.lit(0))


def _filled(contacts: DataFrame, name: str) -> Column:
    """The value, or null if it says nothing."""
    if dict(contacts.dtypes)[name] != "string":
        return F.col(name)
    value = trimmed(F.col(name))
    return F.when(value != "{}", value) if name == "attributes" else value


def _with_frequencies(contacts: DataFrame, rules: dict[str, GoldenRule]) -> DataFrame:
    """How many equally trusted records of the customer agree on a value, for the rules that ask."""
    counted = {
        f"records_{name}": F.count("*").over(Window.partitionBy("customer_id", trust(rule), name))
        for name, rule in rules.items()
        if rule.then == "most_frequent"
    }
    return contacts.withColumns(counted) if counted else contacts


def _best(name: str, rule: GoldenRule) -> Column:
    """The record with the best value of an attribute, as a struct whose order is the order of preference."""
    preference = {
        "newest": F.lit(0),
        "longest": -F.length(F.col(name).cast("string")),
        "most_frequent": -F.col(f"records_{name}"),
    }
    record = F.struct(
        trust(rule).alias("trust"),
        preference[rule.then].alias("preference"),
        age("updated_at").alias("age"),
        "source",
        "contact_id",
        "updated_at",
        *dict.fromkeys([name, *rule.together]),
    )
    return F.min(F.when(F.col(name).isNotNull(), record))


def _origin(record: Column, zone: str) -> Column:
    return F.struct(
        record["source"].alias("source"),
        record["contact_id"].alias("record"),
        F.to_date(F.from_utc_timestamp(record["updated_at"], zone)).alias("date"),
    )
