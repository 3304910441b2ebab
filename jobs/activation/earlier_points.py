"""Addresses that customers had: who was put on a list under one must be taken off it when nobody tells it any more.

A contact that its source deleted, or that changed its address, has none of them in profiles/contact_points, and what
was sent is kept nowhere but as a hash. The records that told it are in valid/contacts, every version of them.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.config.settings import Settings
from jobs.identity.customer_of import with_customer
from jobs.identity.identifiers import normalised
from jobs.lake.lake import Txn

READS = ("valid/contacts",)
_TOLD = ("source", "contact_id", "email", "phone", "country")


def of(people: DataFrame, txn: Txn, settings: Settings) -> DataFrame | None:
    """Every address that contact records of these customers ever told: customer_id, kind, value, each once.

    Whose a record is, its contact id says: an address may be another customer's by now. None if there are no records.
    """
    if txn.pins["valid/contacts"] is None:
        return None
    told = txn.read("valid/contacts").select(*_TOLD)
    whose = with_customer(told.select("source", "contact_id").distinct(), txn.read("identity/map"), settings)
    theirs = whose.join(people.select("customer_id").distinct(), on="customer_id", how="left_semi")
    records = told.join(theirs, on=["source", "contact_id"], how="inner")
    # A contact lives where the company is if it does not say where.
    country = F.coalesce("country", F.lit(settings.general.country))
    values = {kind: normalised(kind, F.col(kind), settings, country=country) for kind in ("email", "phone")}
    points = F.array(*[F.struct(F.lit(kind).alias("kind"), value.alias("value")) for kind, value in values.items()])
    told = records.select("customer_id", F.explode(points).alias("point")).select("customer_id", "point.*")
    return told.where("value is not null").distinct()
