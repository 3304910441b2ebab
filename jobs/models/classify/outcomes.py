"""What came of customers: labelled rows to learn from, and those of a later time, or of others, to judge on.

Time runs one way. With a horizon of 28 days and training on day T, the model is judged on snapshots whose outcome is
complete by T, and learns from snapshots whose outcome was complete before the first of those::

    learn from ... S3  S2  S1 |-- 28 days: outcomes of S1 --| judge on E2  E1 |-- 28 days: outcomes of E1 --| T

Where there is no time, it is judged on a fifth of the customers, always the same, whom no version ever learned from.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.language import condition_of
from jobs.activity.on_days import values_on
from jobs.config.models.classify import Classify, Label, Value
from jobs.config.models.stage import Stage
from jobs.config.settings import Settings
from jobs.config.traits import feature_type, needed
from jobs.errors import NotTrainable
from jobs.lake.lake import Txn

LABEL = "outcome"
"""The column that says what came of a customer: 1 or 0."""
TOLD = "told"
"""The column with what the trait of a label says."""
TODAY = "today"
"""The column with who a customer of a past day is now."""
BEFORE = "told_before"
"""The column with what it said on the day itself, where it is asked later."""


class Labelled(Protocol):
    """What a model says of what it predicts, and among whom."""

    @property
    def label(self) -> Label: ...

    @property
    def among(self) -> str | None: ...


@dataclass(frozen=True)
class Split:
    """Labelled rows to learn from and others to judge on. Columns: day, customer_id, features, outcome."""

    learn: pd.DataFrame
    judge: pd.DataFrame
    beside: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Rows of the same days of customers the model does not look at, see `active_days`."""


def split(txn: Txn, day: date, declared: Classify, settings: Settings) -> Split:
    """What can be learned from on `day`. Raises NotTrainable, saying what is missing and until when."""
    known = Known.of_step(txn, [day], settings)
    if declared.split == "random":
        frame = known_outcomes(frame_of(told_on(known, known, declared)), declared.label)
        held = held_out(frame["customer_id"])
        return Split(frame[~held].reset_index(drop=True), frame[held].reset_index(drop=True))
    learned, judged = snapshots(day, declared, declared.label.horizon)
    usable = _usable(known, day, learned, declared)
    then = known.with_people_of(txn, usable + judged)
    found = labelled(then, known, declared) if declared.label.rows_of else told_on(then, known, declared)
    frame = known_outcomes(frame_of(found), declared.label)
    seen = is_active(frame, declared.active_days, declared.active_within, settings.models.recency)
    return Split(
        frame[seen & frame["day"].isin(usable)].reset_index(drop=True),
        frame[seen & frame["day"].isin(judged)].reset_index(drop=True),
        frame[~seen].reset_index(drop=True),
    )


def snapshots(day: date, declared: Classify | Stage, days: int) -> tuple[list[date], list[date]]:
    """Days to learn from and days to judge on, oldest first; no outcome of the former, which is known so many `days`
    later, reaches into the latter."""
    step, horizon = timedelta(days=declared.snapshot_step_days), timedelta(days=days)
    judged = [day - horizon - i * step for i in range(declared.evaluation_snapshots)]
    learned = [min(judged) - horizon - i * step for i in range(declared.training_snapshots)]
    return sorted(learned), sorted(judged)


def held_out(customer_ids: pd.Series) -> np.ndarray:
    """A fifth of the customers, always the same ones: chosen by a hash of their id."""
    return np.array([hashlib.sha256(str(one).encode()).digest()[0] % 5 == 0 for one in customer_ids], dtype=bool)


def about(frame: pd.DataFrame, among: str | None) -> pd.DataFrame:
    """The customers a model tells something of."""
    return (frame[frame[among] == 1] if among else frame).reset_index(drop=True)


def is_active(frame: pd.DataFrame, days: int | None, within: str | None, recency: str) -> np.ndarray:
    """Per row whether the model itself looks at it: away for less than `days`, or than the customer's own number."""
    if not days:
        return np.ones(len(frame), dtype=bool)
    patience = np.full(len(frame), float(days))
    if within:
        patience = np.fmax(patience, frame[within].to_numpy(dtype=float))
    return np.asarray(frame[recency].to_numpy(dtype=float) < patience)


def labelled(known: Known, now: Known, declared: Labelled) -> DataFrame:
    """Features of customers on each day of `known`, with LABEL: whether a row of the label followed, or none.

    Outcomes count the rows known on `as_of` of whoever a customer is `now`; features only what was known on the
    snapshot day, of who was one customer then.
    """
    settings, label = known.settings, declared.label
    names = settings.models.features
    wanted = {name: settings.traits[name] for name in needed(names, settings.traits)}
    found = traits.as_features(values_on(known, wanted), names, wanted).withColumnRenamed("snapshot", "day")
    found = _about(found, declared)
    own = F.lit(label.horizon)
    if label.within:
        own = F.least(own, F.greatest(F.lit(1), F.coalesce(F.ceil(label.within), own)))
    followed = (
        _rows(now, label.about)
        .select(F.col("customer_id").alias(TODAY), F.col("day").alias("happened_on"))
        .withColumn("day", F.explode(F.array(*(F.lit(day) for day in known.days))))
        .withColumn("after", F.date_diff("happened_on", "day"))
        .where(F.col("after").between(1, label.horizon))
        .groupBy("day", TODAY)
        .agg(F.min("after").alias("after"))
    )
    happened = F.coalesce(F.col("after") <= own, F.lit(False))
    return (
        as_today(found, known, "day")
        .join(followed, on=["day", TODAY], how="left")
        .withColumn(LABEL, F.when(happened, int(label.happens)).otherwise(int(not label.happens)))
        .drop("after", TODAY)
    )


def told_on(known: Known, now: Known, declared: Labelled) -> DataFrame:
    """Features of customers on each day of `known`, with what the trait of the label said (TOLD), so many days later.

    Asked later, it comes with what the trait said on the day itself (BEFORE).
    """
    settings, label = known.settings, declared.label
    own = label.about
    wanted = {name: settings.traits[name] for name in needed([*settings.models.features, own], settings.traits)}
    if not label.horizon:
        names = [name for name in settings.models.features if name != own]  # of another model it may be a feature
        found = traits.as_features(values_on(known, wanted), [*names, own], wanted)
        return _about(found, declared).withColumnsRenamed({"snapshot": "day", own: TOLD})
    both = values_on(known, wanted)
    found = _about(traits.as_features(both, settings.models.features, wanted), declared)
    asked = {name: settings.traits[name] for name in needed([own], settings.traits)}
    later = replace(now, days=[day + timedelta(days=label.horizon) for day in known.days])
    kept, nobody = feature_type(settings.traits[own]), F.lit(traits.of_nobody(settings.traits[own]))

    def told(values: DataFrame, name: str) -> DataFrame:
        return values.select("snapshot", "customer_id", F.col(own).cast(kept).alias(name))

    after = told(values_on(later, asked), TOLD).withColumn("snapshot", F.date_sub("snapshot", label.horizon))
    joined = found.join(told(both, BEFORE), on=["snapshot", "customer_id"], how="left")
    joined = as_today(joined, known, "snapshot").join(
        after.withColumnRenamed("customer_id", TODAY), on=["snapshot", TODAY], how="left"
    )
    said = {name: F.coalesce(name, nobody.cast(kept)) for name in (BEFORE, TOLD)}
    return joined.withColumns(said).withColumnRenamed("snapshot", "day").drop(TODAY)


def as_today(found: DataFrame, known: Known, day: str) -> DataFrame:
    """Customers of past days with TODAY, who they are now."""
    if known.then is None:
        return found.withColumn(TODAY, F.col("customer_id"))
    who = known.then.select(F.col("snapshot").alias(day), F.col("person").alias("customer_id"), TODAY).distinct()
    joined = found.join(F.broadcast(who), on=[day, "customer_id"], how="left")
    return joined.withColumn(TODAY, F.coalesce(TODAY, "customer_id"))


def outcomes(told: pd.Series, label: Label) -> pd.Series:
    """1 where a trait says what the label names, 0 where it says another thing, empty where nothing is known.

    Raises NotTrainable if several other values are there and the label does not say which of them mean no.
    """
    yes, no = told.isin(_spelled(label.values)), told.isin(_spelled(label.others))
    if not label.others:
        several = told[~yes].dropna().nunique()
        if several > 1:
            raise NotTrainable(
                f"trait {label.trait!r} has {several} values besides {', '.join(map(str, label.values))}; say in "
                "`label.others` which of them mean that the outcome did not come"
            )
        no = ~yes & told.notna()
    return pd.Series(np.where(yes, 1.0, np.where(no, 0.0, np.nan)), index=told.index)


def _spelled(values: list[Value]) -> list[str | float]:
    """Values as features have them: numbers, of true and false 1 and 0, and texts."""
    return [value if isinstance(value, str) else float(value) for value in values]


def frame_of(found: DataFrame) -> pd.DataFrame:
    """The rows in memory, by day and customer."""
    frame: pd.DataFrame = found.toPandas()  # type: ignore[assignment]
    frame["day"] = pd.to_datetime(frame["day"]).dt.date
    return frame.sort_values(["day", "customer_id"], ignore_index=True)


def _about(found: DataFrame, declared: Labelled) -> DataFrame:
    """The customers a model is about, as `about`."""
    return found.where(F.col(declared.among) == 1) if declared.among else found


def known_outcomes(frame: pd.DataFrame, label: Label) -> pd.DataFrame:
    """The rows whose outcome is known, with LABEL."""
    if LABEL in frame.columns:
        return frame
    outcome = outcomes(frame[TOLD], label)
    known = outcome.notna()
    if BEFORE in frame.columns:  # who is so already cannot become so
        known &= ~frame[BEFORE].isin(_spelled(label.values))
    frame = frame.assign(**{LABEL: outcome})[known].astype({LABEL: int})
    return frame.drop(columns=[TOLD, BEFORE], errors="ignore").reset_index(drop=True)


def _usable(known: Known, day: date, learned: list[date], declared: Classify) -> list[date]:
    """The days to learn from that have enough history before them."""
    traits_of = known.settings.traits
    counted = next(name for name in needed([declared.label.about], traits_of) if traits_of[name].over)
    rows = traits_of[counted].over
    first = _rows(known, counted).agg(F.min("day").alias("day")).collect()[0]["day"]
    if first is None:
        raise NotTrainable(
            f"there are no {rows}, which {declared.label.about!r} and what is predicted count; it waits for the first"
        )
    before = declared.active_days or declared.label.horizon
    usable = [snapshot for snapshot in learned if (snapshot - first).days >= before]
    if not usable:
        ready = day + (timedelta(days=before) - (learned[-1] - first))
        raise NotTrainable(
            f"{rows} begin on {first}; with {before} days before a day to learn from, training can start on {ready}"
        )
    return usable


def _rows(known: Known, trait: str) -> DataFrame:
    """The rows a trait counts, of any age, as known on the only day: customer_id and day among their columns."""
    counted = known.settings.traits[trait]
    rows = known.on_each_day(known.rows(str(counted.over), None), None)
    return rows.where(F.expr(condition_of(counted)))
