"""A yes or no about each customer: whether something happens, or stays away, in the days after a day.

Time runs one way. With a horizon of 28 days and training on day T, the model is judged on snapshots whose outcome is
complete by T, and learns from snapshots whose outcome was complete before the first of those::

    learn from ... S3  S2  S1 |-- 28 days: outcomes of S1 --| judge on E2  E1 |-- 28 days: outcomes of E1 --| T
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast

import lightgbm as lgb
import numpy as np
import pandas as pd
import yaml
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.language import condition_of
from jobs.activity.on_days import values_on
from jobs.config.models.classify import Classify
from jobs.config.settings import Settings
from jobs.config.traits import needed
from jobs.errors import NotTrainable
from jobs.lake.lake import Lake, Txn
from jobs.models import classifier, classify_card, classify_gate, gate, intervals, training
from jobs.models.chances import calibrated
from jobs.models.classify_gate import CHAMPION, MODEL, Evidence
from jobs.models.gate import Verdict
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry, Trained, Version

ANSWERS: tuple[str, ...] = ()
NOBODY = "nobody has been active by that day, so there is nobody to look at"
LABEL = "outcome"
"""The column that says what came of a customer: 1 or 0."""


@dataclass(frozen=True)
class Split:
    """Labelled rows to learn from and, of a later period, to judge on. Columns: day, customer_id, features, outcome."""

    learn: pd.DataFrame
    judge: pd.DataFrame


@dataclass(frozen=True)
class Loaded:
    """A classifier read back from the registry, with what it remembers."""

    version: Version
    booster: lgb.Booster
    active_days: int | None
    within_days: int
    calibration: tuple[float, float]
    reference: dict[str, dict[str, Any]]


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn, judge on a later period, register, and promote if better than the champion.

    The same day, data and configuration again change nothing. Too little history is no error: the decision is
    `waiting` and the reason says until when.
    """
    registry, lake, declared = Registry(settings), Lake.of(settings), _declared(name, settings)
    learned = [
        settings.traits[one] for one in needed([*settings.models.features, declared.label.rows_of], settings.traits)
    ]
    config = [settings.models, declared, *traits.configuration(settings)]
    txn = lake.transaction(f"train_{name}", day, reads=traits.reads(learned), config=config, code=__name__)
    answered = training.done_before(txn, registry, name) or training.overtaken(registry, name, day)
    if answered:
        return answered
    try:
        split = _split(txn, day, declared, settings)
        rows = pd.concat([split.learn, split.judge])
        found = training.fingerprint(rows, training.configuration(declared, settings))
        version = training.judged(
            registry,
            name,
            day,
            found,
            txn,
            lambda champion: challenge(split, declared, settings, load(registry, champion) if champion else None),
        )
    except NotTrainable as why:
        return training.waiting(registry, name, day, why)
    return training.record(lake, txn, registry, version)


def reads(name: str, settings: Settings) -> list[str]:
    """Nothing but the features."""
    return []


def _declared(name: str, settings: Settings) -> Classify:
    return cast(Classify, settings.learned[name])


def snapshots(day: date, declared: Classify) -> tuple[list[date], list[date]]:
    """Days to learn from and days to judge on, oldest first; no outcome of the former reaches into the latter."""
    step, horizon = timedelta(days=declared.snapshot_step_days), timedelta(days=declared.label.within_days)
    judged = [day - horizon - i * step for i in range(declared.evaluation_snapshots)]
    learned = [min(judged) - horizon - i * step for i in range(declared.training_snapshots)]
    return sorted(learned), sorted(judged)


def labelled(known: Known, as_of: date, declared: Classify) -> DataFrame:
    """Features of the customers the model is about on each day of `known`, with LABEL: 1 for the outcome.

    Outcomes count the rows known on `as_of`; features only what was known on the snapshot day.
    """
    settings, label = known.settings, declared.label
    models = settings.models
    followed = (
        _rows(replace(known, days=[as_of]), label.rows_of)
        .select("customer_id", F.col("day").alias("happened_on"))
        .withColumn("day", F.explode(F.array(*(F.lit(day) for day in known.days))))
        .where(F.date_diff("happened_on", "day").between(1, label.within_days))
        .groupBy("day", "customer_id")
        .agg(F.lit(int(label.happens)).alias(LABEL))
    )
    wanted = {name: settings.traits[name] for name in needed(models.features, settings.traits)}
    found = traits.as_features(values_on(known, wanted), models.features, wanted).withColumnRenamed("snapshot", "day")
    if declared.active_days:
        found = found.where(F.col(models.recency) < declared.active_days)
    return found.join(followed, on=["day", "customer_id"], how="left").withColumn(
        LABEL, F.coalesce(F.col(LABEL), F.lit(int(not label.happens)))
    )


def _rows(known: Known, trait: str) -> DataFrame:
    """The rows a trait counts, of any age, as known on the only day: customer_id and day among their columns."""
    counted = known.settings.traits[trait]
    rows = known.on_each_day(known.rows(str(counted.over), None), None)
    return rows.where(F.expr(condition_of(counted)))


def challenge(split: Split, declared: Classify, settings: Settings, champion: Loaded | None) -> tuple[Trained, Verdict]:
    """Fit a challenger and measure it, the champion and the baselines on the same held-out rows."""
    seed, baseline = settings.models.seed, declared.baseline or settings.models.recency
    names = [name for name in declared.features or settings.models.features if name not in declared.gate.fairness]
    learn, truth = split.learn[names], split.learn[LABEL].to_numpy()
    held, outcome = split.judge[names], split.judge[LABEL].to_numpy()
    people, learners = split.judge["customer_id"].to_numpy(), split.learn["customer_id"].to_numpy()
    classifier.check_trainable(held, outcome)
    booster = classifier.fit(learn, truth, learners, seed, declared.parameters)
    scores = {MODEL: classifier.predict(booster, held)}
    scores[baseline] = _sided(split.judge[baseline], split.learn[baseline], truth)
    scores["logistic regression"] = classifier.logistic(seed).fit(learn, truth).predict_proba(held)[:, 1]
    if champion:
        scores[CHAMPION] = classifier.predict(champion.booster, split.judge)
    trees, nil = booster.num_trees(), np.zeros(len(outcome))
    halves = classifier.fit_halves(learn, truth, learners, seed, trees, declared.parameters)
    seen = Evidence(
        outcome=outcome,
        customers=people,
        scores=scores,
        probability=classifier.calibrated_by_others(outcome, scores[MODEL], people),
        features=held,
        halves=(classifier.predict(halves[0], held), classifier.predict(halves[1], held)) if halves else (nil, nil),
        attributes=split.judge[declared.gate.fairness],
    )
    checks = classify_gate.checks(seen, declared.minimum_auc, declared.minimum_improvement, declared.gate)
    called = {"baseline": baseline, "logistic": "logistic regression", "champion": CHAMPION}
    reached = {key: intervals.auc(outcome, scores[name]).value for key, name in called.items() if name in scores}
    found = {
        **classifier.metrics(outcome, seen.probability),
        **gate.figures(checks),
        **{f"{key}_auc": value for key, value in reached.items()},
        "learned_rows": float(len(learn)),
        "judged_rows": float(len(held)),
        "trees": float(trees),
    }
    judged = classify_card.Judged(booster, classifier.calibration(outcome, scores[MODEL]), halves, seen, checks)
    days = (_days(split.learn), _days(split.judge))
    remembered = {"active_days": declared.active_days, "within_days": declared.label.within_days}
    trained = classify_card.trained(judged, learn, days, declared, settings, found, remembered)
    return trained, gate.decide(checks, declared.approval)


def _days(rows: pd.DataFrame) -> str:
    return " ".join(sorted({str(day) for day in rows["day"]}))


def _sided(held: pd.Series, learn: pd.Series, truth: np.ndarray) -> np.ndarray:
    """A feature as a rule: the side on which the outcome was found before, empty values with the most."""
    direction = 1.0 if classifier.auc(truth, learn.fillna(learn.max()).to_numpy()) >= 0.5 else -1.0
    return direction * held.fillna(learn.max()).to_numpy()


def score(asked: Asked) -> Scored:
    """Probability of the outcome for customers the model was trained for: those active, where it is about these."""
    declared, settings, frame = _declared(asked.name, asked.settings), asked.settings, asked.features
    model = load(asked.registry, asked.version)
    if model.active_days:
        frame = frame[frame[settings.models.recency] < model.active_days].reset_index(drop=True)
    if frame.empty:
        return Scored(pd.DataFrame(columns=ROWS), frame, model.reference, {}, why_nobody=NOBODY)
    chances = np.round(calibrated(classifier.predict(model.booster, frame), *model.calibration), 6)
    rows = pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "score": chances,
            "label": band(chances, declared.bands),
            "reasons": classifier.reasons(model.booster, frame, training.meanings(settings), declared.outcome),
        }
    )
    return Scored(rows, frame, model.reference, classifier.importance(model.booster))


def band(scores: np.ndarray, bands: dict[str, float]) -> list[str]:
    """The label of the highest threshold each score reaches."""
    ordered = sorted(bands.items(), key=lambda item: -item[1])
    return [next(label for label, threshold in ordered if score >= threshold) for score in scores]


def load(registry: Registry, version: Version) -> Loaded:
    """A registered version, from its checked files."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    trees = next(data for name, data in files.items() if name.endswith(classify_card.MODEL_FILE))
    booster = lgb.Booster(model_str=trees.decode())
    calibration = (metadata.get("slope", 1.0), metadata.get("intercept", 0.0))
    active, within = metadata["active_days"], metadata["within_days"]
    return Loaded(version, booster, active, within, calibration, metadata["reference"])


def _split(txn: Txn, day: date, declared: Classify, settings: Settings) -> Split:
    learned, judged = snapshots(day, declared)
    known = Known.of_step(txn, [day], settings)
    counted = settings.traits[declared.label.rows_of].over
    first = _rows(known, declared.label.rows_of).agg(F.min("day").alias("day")).collect()[0]["day"]
    if first is None:
        raise NotTrainable(f"there are no {counted}, and the model is about {declared.label.rows_of}")
    before = declared.active_days or declared.label.within_days
    usable = [snapshot for snapshot in learned if (snapshot - first).days >= before]
    if not usable:
        ready = day + (timedelta(days=before) - (learned[-1] - first))
        raise NotTrainable(
            f"{counted} begin on {first}; with {before} days before a snapshot, training can start on {ready}"
        )
    found = labelled(replace(known, days=usable + judged), day, declared)
    frame: pd.DataFrame = found.toPandas()  # type: ignore[assignment]
    frame["day"] = pd.to_datetime(frame["day"]).dt.date
    ordered = frame.sort_values(["day", "customer_id"], ignore_index=True)
    return Split(
        ordered[ordered["day"].isin(usable)].reset_index(drop=True),
        ordered[ordered["day"].isin(judged)].reset_index(drop=True),
    )
