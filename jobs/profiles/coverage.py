"""Which attribute of the golden record is filled from where: shares, wins, conflicts, sources that deliver nothing."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.identity import GOLDEN_ATTRIBUTES
from jobs.config.settings import Settings
from jobs.identity.identifiers import normalised, trimmed
from jobs.profiles.golden import CONTACT_POINTS

GOLDEN = "golden"
COUNTS = ("records", "filled", "wins", "conflicts")
ATTRIBUTES = tuple(name for name in GOLDEN_ATTRIBUTES if name != "attributes")


def coverage(counts: DataFrame, as_of: date, settings: Settings) -> DataFrame:
    """profiles/coverage from `counted`, or from `moved_on`.

    A source is there for every attribute that its configuration maps or that one of its records has.
    """
    mapped = counts.sparkSession.createDataFrame(mapped_attributes(settings), "attribute string, source string")
    joined = counts.join(mapped.withColumn("mapped", F.lit(True)), on=["attribute", "source"], how="full")
    numbers = {name: F.coalesce(name, F.lit(0).cast("bigint")) for name in COUNTS}
    shown = joined.withColumns({**numbers, "mapped": F.coalesce("mapped", F.lit(False))})
    share = F.expr("cast((filled * 20000 + records) div (2 * records) as double) / 10000")  # halves round up everywhere
    return shown.where((F.col("mapped")) | (F.col("filled") > 0) | (F.col("source") == GOLDEN)).withColumns(
        {"filled_share": F.when(F.col("records") > 0, share), "as_of": F.lit(as_of)}
    )


def counted(contacts: DataFrame, golden: DataFrame, points: DataFrame, settings: Settings) -> DataFrame:
    """Per attribute and source (or GOLDEN) `COUNTS` and last_updated, of the customers of all three.

    From `current_contacts`, profiles/customers and profiles/contact_points.
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
    both = per_source.unionByName(whole.withColumn("source", F.lit(GOLDEN)))
    return both.join(wins, on=["attribute", "source"], how="left").withColumn("wins", F.coalesce("wins", F.lit(0)))


def moved_on(stored: DataFrame, then: DataFrame, now: DataFrame) -> DataFrame | None:
    """`counted` of everybody, from profiles/coverage and what touched customers counted for then and count for now.

    None if that does not tell: the newest value of a source may be gone, or a source is new. Of one that shows no value
    at all nothing is stored; every attribute of a source has the same number of records.
    """
    parts = [
        rows.select("attribute", "source", *[(F.col(name) * sign).alias(name) for name in COUNTS], _dated(n))
        for n, (rows, sign) in enumerate(((stored, 1), (then, -1), (now, 1)))
    ]
    per_side = [F.max(F.when(F.col("side.of") == n, F.col("side.at"))).alias(f"at_{n}") for n in range(3)]
    summed = [F.sum(name).alias(name) for name in COUNTS]
    listed = F.max((F.col("side.of") == 0).cast("int")).alias("listed")
    changed = reduce(DataFrame.unionByName, parts).groupBy("attribute", "source").agg(*summed, *per_side, listed)
    known = stored.groupBy("source").agg(F.max("records").alias("hidden"))
    found = changed.join(known, on="source", how="left").withColumns(
        {
            "records": F.col("records") + F.when(F.col("listed") == 1, 0).otherwise(F.col("hidden")),
            "last_updated": F.greatest("at_0", "at_2"),
        }
    )
    lost = (F.col("at_1") == F.col("at_0")) & ~F.coalesce(F.col("at_2") >= F.col("at_0"), F.lit(False))
    if not found.where(F.col("hidden").isNull() | F.coalesce(lost, F.lit(False))).isEmpty():
        return None
    return found.select("attribute", "source", *COUNTS, "last_updated")


def _dated(side: int) -> Column:
    return F.struct(F.lit(side).alias("of"), F.col("last_updated").alias("at")).alias("side")


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
