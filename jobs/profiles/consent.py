"""What a customer may be contacted for, by which channel. No row means no."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.normalise.identifiers import PERSON_COLUMNS
from jobs.profiles.golden import age
from jobs.profiles.identity import with_customer
from jobs.settings import Settings

GRANTED, EXPIRED, WITHDRAWN = "granted", "expired", "withdrawn"


def consent(answers: DataFrame, identity_map: DataFrame, as_of: date, settings: Settings) -> DataFrame:
    """One row per customer, purpose and channel, as profiles/consent.

    Of each record the newest answer counts. Of the records of a customer, also of records that were merged, the
    strictest answer counts: withdrawn before granted before one that has expired, which only counts if it stands alone.
    Anything that is not plainly `granted` is a withdrawal.
    """
    newest = newest_answers(with_customer(answers, identity_map, settings).where("customer_id is not null"))
    dated = newest.withColumn("status", _status(as_of, settings.general.timezone))
    strictness = F.when(F.col("status") == WITHDRAWN, 0).when(F.col("status") == GRANTED, 1).otherwise(2)
    strictest = Window.partitionBy("customer_id", "purpose", "channel").orderBy(
        strictness, age("changed_at"), "source", "consent_id"
    )
    return (
        dated.withColumn("place", F.row_number().over(strictest))
        .where("place = 1")
        .select("customer_id", "purpose", "channel", "status", "changed_at", "expires_at", "source", "proof")
        .withColumn("as_of", F.lit(as_of))
    )


def newest_answers(answers: DataFrame) -> DataFrame:
    """The last answer of each record about each purpose and channel; of answers given at once the strictest."""
    person = F.coalesce(*[F.concat(F.lit(f"{kind}:"), F.col(column)) for kind, column in PERSON_COLUMNS.items()])
    asked = ("customer_id", "source", "person", "purpose", "channel")
    given = answers.withColumns(
        {"person": person, **{name: F.lower(F.trim(name)) for name in ("purpose", "channel", "status")}}
    )
    order = Window.partitionBy(*asked).orderBy(
        age("changed_at"), F.col("status") == GRANTED, F.desc("arrived"), "file_id", "line"
    )
    return given.withColumn("place", F.row_number().over(order)).where("place = 1").drop("place", "person")


def _status(as_of: date, zone: str) -> Column:
    """A consent that ends on a day no longer counts in what is prepared on that day."""
    ended = F.to_date(F.from_utc_timestamp("expires_at", zone)) <= F.lit(as_of)
    return (
        F.when(F.coalesce(F.col("status") != GRANTED, F.lit(True)), WITHDRAWN)
        .when(F.coalesce(ended, F.lit(False)), EXPIRED)
        .otherwise(GRANTED)
    )
