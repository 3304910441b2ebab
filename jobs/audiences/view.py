"""The customer view: everything a rule can ask about a customer at the end of a day, on one row.

People, their stage, every trait, and the score and label of every model. What is counted about a customer is a trait:
nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.activity import objections
from jobs.activity.known_rows import Known
from jobs.activity.on_days import values_on
from jobs.activity.traits import reads
from jobs.audiences.view_columns import view_of
from jobs.config.journey.moments import Moment
from jobs.config.settings import Settings
from jobs.config.traits import TABLE
from jobs.journeys.moments.in_visits import lasting
from jobs.lake.lake import Txn


def tables(settings: Settings) -> list[str]:
    """The tables the view is made of; those behind the traits for a day before that of profiles/traits."""
    own = ("profiles/people", TABLE, "journeys/stages", "journeys/moments", "models/scores")
    return sorted({*own, *reads(settings.traits.values()), *objections.tables(settings)})


def customer_view(txn: Txn, day: date, settings: Settings) -> DataFrame:
    """One row per customer with the columns of the view. What identifies a person is not read."""
    parts = [
        stage_on(txn.read("journeys/stages"), day),
        moments_until(txn.read("journeys/moments"), day, settings.general.timezone),
        _traits(txn, day, settings),
    ]
    if settings.learned:
        scores = newest_scores(txn.read("models/scores"), day, settings.learned)
        parts.append(objections.without(scores, txn, day, settings))
    view = people(txn.read("profiles/people"), day)
    for part in parts:
        view = view.join(part, on="customer_id", how="left")
    return view.select(*(F.col(c.name).cast(c.type).alias(c.name) for c in view_of(settings).columns))


def people(profiles: DataFrame, day: date) -> DataFrame:
    """Customers seen by the end of the day."""
    return profiles.where(F.col("customer_since") <= F.lit(day)).select(
        F.lit(day).alias("today"),
        *("customer_id", "known", "language", "country", "city", "gender", "age"),
        days_since("customer_since", day).alias("days_known"),
    )


def stage_on(stages: DataFrame, day: date) -> DataFrame:
    """The stage each customer is in at the end of the day."""
    today = F.lit(day)
    holds = (F.col("valid_from") <= today) & (F.col("valid_to").isNull() | (F.col("valid_to") >= today))
    return stages.where(holds).select(
        "customer_id", "stage", "state", "previous_stage", days_since("since", day).alias("days_in_stage")
    )


def moments_until(moments: DataFrame, day: date, timezone: str, served_since: bool = False) -> DataFrame:
    """One customer with a micro-moment that lasts into the day, see `jobs.journeys.moments.in_visits.lasting`.

    Columns: customer_id, and for each type when the last of them expires.
    """
    until = [
        F.max(F.when(F.col("type") == kind, F.col("expires_at"))).alias(f"{kind}_until") for kind in get_args(Moment)
    ]
    return lasting(moments, day, timezone, served_since).groupBy("customer_id").agg(*until)


def newest_scores(scores: DataFrame, day: date, models: Iterable[str]) -> DataFrame:
    """The newest score and label of each of these models up to the day; `models` names at least one."""
    known = scores.where(F.col("day") <= F.lit(day))
    newest = known.groupBy("model").agg(F.max("day").alias("day"))
    told = [
        F.max(F.when(F.col("model") == model, F.col(what))).alias(f"{what}_{model}")
        for model in models
        for what in ("score", "label")
    ]
    return known.join(newest, on=["model", "day"], how="inner").groupBy("customer_id").agg(*told)


def _traits(txn: Txn, day: date, settings: Settings) -> DataFrame:
    """The traits of the day: those of profiles/traits, or computed anew if that has gone on to a later day."""
    later = [found for found in txn.arrow(TABLE, columns=["as_of"])["as_of"].unique().to_pylist() if found > day]
    if not later or not settings.traits:
        return txn.read(TABLE).drop("as_of")
    known = Known.of_step(txn, [day], settings)
    return values_on(known, settings.traits, known.identity_map).drop("snapshot")


def days_since(column: str, day: date) -> Column:
    return F.datediff(F.lit(day), F.col(column))
