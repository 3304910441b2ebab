"""Which attribute of the golden record is filled from where: shares, wins, conflicts, sources that deliver nothing."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.identity import GOLDEN_ATTRIBUTES
from jobs.config.settings import Settings
from jobs.identity.identifiers import normalised, trimmed
from jobs.profiles.golden import CONTACT_POINTS

GOLDEN = "golden"
ATTRIBUTES = tuple(name for name in GOLDEN_ATTRIBUTES if name != "attributes")


def coverage(contacts: DataFrame, golden: DataFrame, points: DataFrame, as_of: date, settings: Settings) -> DataFrame:
    """profiles/coverage from `current_contacts`, profiles/customers and profiles/contact_points.

    A source is there for every attribute that its configuration maps or that one of its records has.
    """
    best = _golden_values(golden, points)
    given = _values(contacts, {name: _spelled(contacts, name, settings) for name in ATTRIBUTES}, "source", "updated_at")
    met = given.join(best.select("customer_id", "attribute", "best"), on=["customer_id", "attribute"], how="left")
    filled = F.col("value").isNotNull()
    per_source = met.groupBy("attribute", "source").agg(
        F.count("*").alias("records"),
        F.count("value").alias("filled"),
        F.count(F.when(F.col("value") != F.col("best"), 1)).alias("conflicts"),
        F.max(F.when(filled, F.col("updated_at"))).alias("last_updated"),
    )
    wins = (
        best.where("told_by is not null")
        .groupBy("attribute", F.col("told_by").alias("source"))
        .agg(F.count("*").alias("wins"))
    )
    whole = best.groupBy("attribute").agg(
        F.count("*").alias("records"),
        F.count("best").alias("filled"),
        F.lit(0).cast("bigint").alias("conflicts"),
        F.lit(None).cast("timestamp").alias("last_updated"),
    )
    counted = per_source.unionByName(whole.withColumn("source", F.lit(GOLDEN)))
    mapped = golden.sparkSession.createDataFrame(mapped_attributes(settings), "attribute string, source string")
    joined = counted.join(wins, on=["attribute", "source"], how="left").join(
        mapped.withColumn("mapped", F.lit(True)), on=["attribute", "source"], how="full"
    )
    counts = {name: F.coalesce(name, F.lit(0).cast("bigint")) for name in ("records", "filled", "wins", "conflicts")}
    shown = joined.withColumns({**counts, "mapped": F.coalesce("mapped", F.lit(False))})
    share = F.expr("cast((filled * 20000 + records) div (2 * records) as double) / 10000")  # halves round up everywhere
    return shown.where((F.col("mapped")) | (F.col("filled") > 0) | (F.col("source") == GOLDEN)).withColumns(
        {"filled_share": F.when(F.col("records") > 0, share), "as_of": F.lit(as_of)}
    )


def mapped_attributes(settings: Settings) -> list[tuple[str, str]]:
    """(attribute, source) for every attribute of contacts that the configuration of a source fills."""
    return [
        (attribute, name)
        for name, source in settings.sources.items()
        if "contacts" in source.datasets
        for attribute in ATTRIBUTES
        if attribute in source.datasets["contacts"].columns
    ]


def _golden_values(golden: DataFrame, points: DataFrame) -> DataFrame:
    """Customers with contact records: customer_id, attribute, best value and the source it came from."""
    own = [name for name in ATTRIBUTES if name not in CONTACT_POINTS]
    values = {name: F.col(name).cast("string") for name in own}
    told_by = {
        name: F.when(F.col(name).isNotNull(), F.get_json_object("provenance", f"$.{name}.source")) for name in own
    }
    known = golden.where("contact_records > 0")
    from_records = _values(known, values, told_by=told_by).withColumnRenamed("value", "best")
    preferred = points.where("preference = 1").select(
        "customer_id", F.col("kind").alias("attribute"), F.col("value").alias("best"), F.col("source").alias("told_by")
    )
    kinds = F.explode(F.array(*map(F.lit, CONTACT_POINTS))).alias("attribute")
    of_points = known.select("customer_id", kinds).join(preferred, on=["customer_id", "attribute"], how="left")
    return from_records.unionByName(of_points)


def _values(
    rows: DataFrame, values: dict[str, Column], *kept: str, told_by: dict[str, Column] | None = None
) -> DataFrame:
    """One row per row and attribute."""
    entries = []
    for name, value in values.items():
        also = [told_by[name].alias("told_by")] if told_by else []
        entries.append(F.struct(F.lit(name).alias("attribute"), value.alias("value"), *also))
    return rows.select("customer_id", *kept, F.explode(F.array(*entries)).alias("entry")).select(
        "customer_id", *kept, "entry.*"
    )


def _spelled(contacts: DataFrame, name: str, settings: Settings) -> Column:
    """The value of a record as the golden record spells it."""
    if name in CONTACT_POINTS:
        return normalised(name, F.col(name), settings, country=F.col("country"))
    return trimmed(F.col(name)) if dict(contacts.dtypes)[name] == "string" else F.col(name).cast("string")
