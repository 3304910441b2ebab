"""What customers said at a touchpoint, put beside it: sentiment, tone, intent and theme of the text there.

Of a record the newest text counts; of a conversation the sentiment is the mean of what the customer wrote in it, and
intent and theme are the first it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.config.texts import SAYS
from jobs.validate.versions.counting import PERIOD, period_of

OF_TOUCHPOINTS = {
    "survey_responses": "survey_responses",
    "reviews": "reviews",
    "social_posts": "social_posts",
    "notes": "notes",
    "conversations": "messages",
    "tickets": "messages",
}
"""Datasets whose rows become touchpoints, and the dataset with the text that is beside them."""
THREADS = ("conversations", "tickets")
"""Datasets whose texts are those of a thread; they stand beside its begin, and the rating beside its end."""
CLEAR = 0.2
"""Mean sentiment of a conversation from which its tone is positive, and below minus which it is negative."""


def with_said(parts: list[DataFrame], dataset: str, texts: DataFrame | None, days: Sequence[date]) -> list[DataFrame]:
    """Touchpoints made of a dataset with what was said there, as known on each of `days`.

    Those with a period get one for each of the days, where there is a text on any; for those without, `days` is one.
    """
    if texts is None or dataset not in OF_TOUCHPOINTS:
        return parts
    of_dataset = texts.where(F.col("dataset") == OF_TOUCHPOINTS[dataset])
    said = reduce(
        DataFrame.unionByName,
        [
            _known(of_dataset.where(F.col("arrived") <= F.lit(day)), dataset).withColumn("on", F.lit(day))
            for day in days
        ],
    )
    spoken = F.col("type") == "conversation" if dataset in THREADS else F.lit(True)
    return [_beside(part, said, days, spoken) for part in parts]


def spoken_in(texts: DataFrame, dataset: str, key: str) -> DataFrame:
    """The records of a dataset of threads that these texts are part of: source and `key`."""
    found = texts.where((F.col("dataset") == OF_TOUCHPOINTS[dataset]) & F.col("thread").isNotNull())
    return found.select("source", F.col("thread").alias(key))


def _known(texts: DataFrame, dataset: str) -> DataFrame:
    """One row per record: source, reference and SAYS."""
    if dataset in THREADS:
        return _of_threads(texts.where(F.col("thread").isNotNull()))
    newest = F.max(F.struct("written_at", *SAYS)).alias("newest")
    found = texts.groupBy("source", "reference").agg(newest)
    return found.select("source", "reference", *(F.col(f"newest.{name}").alias(name) for name in SAYS))


def _of_threads(texts: DataFrame) -> DataFrame:
    whole = F.round(F.col("sentiment") * 1000).cast("bigint")  # sums of whole numbers do not depend on their order
    firsts = [
        F.min(F.when(F.col(name).isNotNull(), F.struct("written_at", "reference", name))).alias(f"first_{name}")
        for name in ("intent", "theme")
    ]
    mean = F.round(F.sum(whole) / F.nullif(F.count(whole), F.lit(0)) / 1000, 3).alias("sentiment")
    found = texts.groupBy("source", "thread").agg(mean, *firsts)
    told = {name: F.col(f"first_{name}.{name}") for name in ("intent", "theme")}
    return found.withColumns({"reference": F.col("thread"), "tone": _tone(F.col("sentiment")), **told}).select(
        "source", "reference", *SAYS
    )


def _tone(sentiment: Column) -> Column:
    clear = F.when(sentiment >= CLEAR, "positive").when(sentiment <= -CLEAR, "negative")
    return clear.when(sentiment.isNotNull(), "neutral")


def _beside(part: DataFrame, said: DataFrame, days: Sequence[date], spoken_at: Column) -> DataFrame:
    columns, key = part.columns, ["source", "reference"]
    bare = part.drop(*SAYS)
    if not period_of(part):
        told = bare.join(said.drop("on"), key, "left")
        return told.withColumns({name: F.when(spoken_at, F.col(name)) for name in SAYS}).select(*columns)
    spoken = said.select(*key).distinct()
    silent = part.join(spoken, key, "left_anti").select(*columns)
    known = [F.when((F.col(PERIOD[0]) <= F.lit(day)) & (F.lit(day) < F.col(PERIOD[1])), F.lit(day)) for day in days]
    daily = bare.join(spoken, key, "left_semi").withColumn("on", F.explode(F.array_compact(F.array(*known))))
    told = daily.join(said, [*key, "on"], "left")
    told = told.withColumns({name: F.when(spoken_at, F.col(name)) for name in SAYS})
    of_day = told.withColumns({PERIOD[0]: F.col("on"), PERIOD[1]: F.date_add("on", 1)})
    return silent.unionByName(of_day.select(*columns))
