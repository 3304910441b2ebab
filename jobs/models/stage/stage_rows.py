"""In which stage customers were, and in which they were some time later: rows to learn from and to judge on.

Features are those known on a day, of who was one customer then. Stages are those of `journeys/stages` as it stands: it
knows of the past what came late, too, so that the rules the model is compared with are, if anything, told too well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.on_days import values_on
from jobs.config.models.stage import Stage
from jobs.config.settings import Settings
from jobs.config.traits import needed
from jobs.errors import NotTrainable
from jobs.lake.lake import Txn
from jobs.models.classify.outcomes import TODAY, as_today, frame_of, snapshots

STAGES = "journeys/stages"
NOW, LATER = "stage_now", "stage_later"
"""The stage on the day, which a customer may not have had, and so many days later."""


@dataclass(frozen=True)
class Split:
    """Rows to learn from and rows of later days to judge on. Columns: day, customer_id, features, NOW, LATER."""

    learn: pd.DataFrame
    judge: pd.DataFrame


def split(txn: Txn, day: date, declared: Stage, settings: Settings) -> Split:
    """What can be learned from on `day`. Raises NotTrainable, saying what is missing and until when."""
    if txn.pins.get(STAGES) is None:
        raise NotTrainable("no customer has a stage yet; the step journeys gives them one")
    stays = txn.read(STAGES).select("customer_id", "stage", "valid_from", "valid_to")
    first = stays.agg(F.min("valid_from").alias("day")).collect()[0]["day"]
    if first is None:
        raise NotTrainable("no customer has a stage yet; the step journeys gives them one")
    learned, judged = snapshots(day, declared, declared.within_days)
    usable = [snapshot for snapshot in learned if snapshot >= first]
    if not usable:
        ready = day + (first - learned[-1])
        raise NotTrainable(
            f"stages begin on {first}; with {declared.within_days} days until an outcome is known, to learn from and "
            f"to judge on, training can start on {ready}"
        )
    known = Known.of_step(txn, [day], settings).with_people_of(txn, usable + judged)
    frame = frame_of(labelled(known, stays, declared))
    frame = frame[frame[LATER].notna()]
    learn, judge = (frame[frame["day"].isin(days)].reset_index(drop=True) for days in (usable, judged))
    return Split(learn, judge)


def labelled(known: Known, stays: DataFrame, declared: Stage) -> DataFrame:
    """Features of customers on each day of `known`, with the stage then and later of whoever they are today.

    `stays` are rows of `journeys/stages`: customer_id, stage, valid_from, valid_to.
    """
    settings = known.settings
    names = settings.models.features
    wanted = {name: settings.traits[name] for name in needed(names, settings.traits)}
    found = traits.as_features(values_on(known, wanted), names, wanted).withColumnRenamed("snapshot", "day")
    found = as_today(found, known, "day").withColumn("ahead", F.date_add("day", declared.within_days))
    for column, asked in ((NOW, "day"), (LATER, "ahead")):
        days = [day + timedelta(days=declared.within_days if asked == "ahead" else 0) for day in known.days]
        on_days = stays.withColumn(asked, F.explode(F.array(*(F.lit(day) for day in days))))
        held = F.col(asked).between(F.col("valid_from"), F.coalesce("valid_to", asked))
        stood = on_days.where(held).select(F.col("customer_id").alias(TODAY), asked, F.col("stage").alias(column))
        found = found.join(stood, on=[TODAY, asked], how="left")
    return found.drop(TODAY, "ahead")
