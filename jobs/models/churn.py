"""Who is about to leave: no order in the `horizon_days` after a day, among customers active before it.

Time runs one way. With a horizon of 28 days and training on day T, the model is judged on snapshots whose outcome is
complete by T, and learns from snapshots whose outcome was complete before the first of those::

    learn from ... S3  S2  S1 |-- 28 days: outcomes of S1 --| judge on E2  E1 |-- 28 days: outcomes of E1 --| T
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import yaml
from mlflow.models import infer_signature
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.activity import traits
from jobs.activity.known_rows import Known
from jobs.activity.language import condition_of
from jobs.activity.on_days import values_on
from jobs.config.models import Churn
from jobs.config.settings import Settings
from jobs.config.traits import needed
from jobs.errors import NotTrainable
from jobs.lake.lake import Lake, Txn
from jobs.models import classifier, drift, plots, training
from jobs.models.models import ROWS, Scored
from jobs.models.registry import Registry, Trained, Verdict, Version, judge

NAME = "churn"
MODEL_FILE = "model.lgb"


@dataclass(frozen=True)
class Split:
    """Labelled rows to learn from and, of a later period, to judge on. Columns: day, customer_id, features, churned."""

    learn: pd.DataFrame
    judge: pd.DataFrame


@dataclass(frozen=True)
class Loaded:
    """A churn model read back from the registry, with what it remembers."""

    version: Version
    booster: lgb.Booster
    active_days: int
    horizon_days: int
    reference: dict[str, dict[str, Any]]


def train(day: date, settings: Settings) -> dict[str, Any]:
    """Learn, judge on a later period, register, and promote if better than the champion.

    The same day, data and configuration again change nothing. Too little history is no error: the decision is
    `waiting` and the reason says until when.
    """
    registry, lake = Registry(settings), Lake.of(settings)
    learned = [settings.traits[name] for name in needed(settings.models.features, settings.traits)]
    config = [settings.models, *traits.configuration(settings)]
    txn = lake.transaction("train_churn", day, reads=traits.reads(learned), config=config, code=__name__)
    answered = training.done_before(txn, registry, NAME) or training.overtaken(registry, NAME, day)
    if answered:
        return answered
    try:
        split = _split(txn, day, settings)
        found = training.fingerprint(
            pd.concat([split.learn, split.judge]), settings.models.churn.model_dump() | {"seed": settings.models.seed}
        )
        version = training.judged(
            registry,
            NAME,
            day,
            found,
            txn,
            lambda champion: challenge(split, settings, load(registry, champion) if champion else None),
        )
    except NotTrainable as why:
        return training.waiting(registry, NAME, day, why)
    return training.record(lake, txn, registry, version)


def snapshots(day: date, churn: Churn) -> tuple[list[date], list[date]]:
    """Days to learn from and days to judge on, oldest first; no outcome of the former reaches into the latter."""
    step, horizon = timedelta(days=churn.snapshot_step_days), timedelta(days=churn.horizon_days)
    judged = [day - horizon - i * step for i in range(churn.evaluation_snapshots)]
    learned = [min(judged) - horizon - i * step for i in range(churn.training_snapshots)]
    return sorted(learned), sorted(judged)


def labelled(known: Known, as_of: date) -> DataFrame:
    """Features of customers active on each day of `known`, with `churned`: 1 if no order followed within the horizon.

    Outcomes count the orders known on `as_of`; features only what was known on the snapshot day. An order is what the
    trait counts that config/models.yaml names as `recency`.
    """
    settings = known.settings
    churn, models = settings.models.churn, settings.models
    followed = (
        _orders(replace(known, days=[as_of]))
        .select("customer_id", F.col("day").alias("ordered_on"))
        .withColumn("day", F.explode(F.array(*(F.lit(day) for day in known.days))))
        .where(F.date_diff("ordered_on", "day").between(1, churn.horizon_days))
        .groupBy("day", "customer_id")
        .agg(F.lit(0).alias("churned"))
    )
    wanted = {name: settings.traits[name] for name in needed(models.features, settings.traits)}
    found = values_on(known, wanted)
    return (
        traits.as_features(found, models.features, wanted)
        .withColumnRenamed("snapshot", "day")
        .where(F.col(models.recency) < churn.active_days)
        .join(followed, on=["day", "customer_id"], how="left")
        .withColumn("churned", F.coalesce(F.col("churned"), F.lit(1)))
    )


def _orders(known: Known) -> DataFrame:
    """Rows of what customers should keep doing, as known on the only day: customer_id and day among their columns."""
    recency = known.settings.traits[known.settings.models.recency]
    rows = known.on_each_day(known.rows(str(recency.over), None), None)
    return rows.where(F.expr(condition_of(recency)))


def challenge(split: Split, settings: Settings, champion: Loaded | None) -> tuple[Trained, Verdict]:
    """Fit a challenger and measure it, the champion and the baselines on the same held-out rows."""
    churn, seed = settings.models.churn, settings.models.seed
    names = churn.features or settings.models.features
    learn, truth = split.learn[names], split.learn["churned"].to_numpy()
    held, outcome = split.judge[names], split.judge["churned"].to_numpy()
    classifier.check_trainable(held, outcome)
    booster = classifier.fit(learn, truth, split.learn["customer_id"].to_numpy(), seed, churn.parameters)
    scores = {"model": classifier.predict(booster, held)}
    scores["days since last order"] = split.judge[settings.models.recency].to_numpy()
    scores["logistic regression"] = classifier.logistic(seed).fit(learn, truth).predict_proba(held)[:, 1]
    if champion:
        scores["champion"] = classifier.predict(champion.booster, split.judge)
    found = classifier.metrics(outcome, scores["model"]) | {
        "baseline_auc": classifier.auc(outcome, scores["days since last order"]),
        "logistic_auc": classifier.auc(outcome, scores["logistic regression"]),
        "learned_rows": float(len(learn)),
        "judged_rows": float(len(held)),
        "churn_share": float(outcome.mean()),
        "trees": float(booster.num_trees()),
    }
    if champion:
        found["champion_auc"] = classifier.auc(outcome, scores["champion"])
    verdict = judge(
        "AUC", found["auc"], found.get("champion_auc"), churn.minimum_auc, churn.minimum_improvement,
        found["baseline_auc"],
    )  # fmt: skip
    return _trained(booster, split, settings, found, scores), verdict


def score(frame: pd.DataFrame, registry: Registry, version: Version, settings: Settings) -> Scored:
    """Risk of the customers who ordered within the active days the model was trained for; others have left already."""
    model = load(registry, version)
    active = frame[frame[settings.models.recency] < model.active_days].reset_index(drop=True)
    if active.empty:
        return Scored(pd.DataFrame(columns=ROWS), active, model.reference, {})
    risks = np.round(classifier.predict(model.booster, active), 6)
    rows = pd.DataFrame(
        {
            "customer_id": active["customer_id"],
            "score": risks,
            "label": band(risks, settings.models.churn.bands),
            "reasons": classifier.reasons(model.booster, active, training.meanings(settings), "the risk"),
        }
    )
    return Scored(rows, active, model.reference, classifier.importance(model.booster))


def band(scores: np.ndarray, bands: dict[str, float]) -> list[str]:
    """The label of the highest threshold each score reaches."""
    ordered = sorted(bands.items(), key=lambda item: -item[1])
    return [next(label for label, threshold in ordered if score >= threshold) for score in scores]


def load(registry: Registry, version: Version) -> Loaded:
    """A registered version, from its checked files."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    booster = lgb.Booster(model_str=files[MODEL_FILE].decode())
    return Loaded(version, booster, metadata["active_days"], metadata["horizon_days"], metadata["reference"])


def _split(txn: Txn, day: date, settings: Settings) -> Split:
    churn = settings.models.churn
    learned, judged = snapshots(day, churn)
    known = Known.of_step(txn, [day], settings)
    first = _orders(known).agg(F.min("day").alias("day")).collect()[0]["day"]
    if first is None:
        raise NotTrainable("there are no orders; churn is about customers who stop ordering")
    usable = [snapshot for snapshot in learned if (snapshot - first).days >= churn.active_days]
    if not usable:
        ready = day + (timedelta(days=churn.active_days) - (learned[-1] - first))
        raise NotTrainable(
            f"orders begin on {first}; with {churn.active_days} active days, training can start on {ready}"
        )
    found = labelled(replace(known, days=usable + judged), day)
    frame: pd.DataFrame = found.toPandas()  # type: ignore[assignment]
    frame["day"] = pd.to_datetime(frame["day"]).dt.date
    ordered = frame.sort_values(["day", "customer_id"], ignore_index=True)
    return Split(
        ordered[ordered["day"].isin(usable)].reset_index(drop=True),
        ordered[ordered["day"].isin(judged)].reset_index(drop=True),
    )


def _trained(
    booster: lgb.Booster, split: Split, settings: Settings, found: dict[str, float], scores: dict[str, np.ndarray]
) -> Trained:
    names, outcome = booster.feature_name(), split.judge["churned"].to_numpy()
    example = classifier.typical_row(split.learn, names)
    shares = classifier.importance(booster)
    churn = settings.models.churn

    def log_model() -> Any:
        return mlflow.lightgbm.log_model(
            booster,
            name="model",
            signature=infer_signature(example, classifier.predict(booster, example)),
            input_example=example,
            pip_requirements=["lightgbm"],
            metadata={
                "active_days": churn.active_days,
                "horizon_days": churn.horizon_days,
                "reference": drift.reference(split.learn[names]),
            },
        )

    return Trained(
        log_model,
        parameters={
            **churn.model_dump(exclude={"features", "parameters", "bands"}),
            **classifier.DEFAULTS,
            **churn.parameters,
            "seed": settings.models.seed,
            "feature_count": len(names),
            "learned_from": " ".join(sorted({str(day) for day in split.learn["day"]})),
            "judged_on": " ".join(sorted({str(day) for day in split.judge["day"]})),
        },
        metrics=found,
        figures={
            "roc.png": plots.roc(outcome, scores),
            "calibration.png": plots.calibration(outcome, scores["model"]),
            "importance.png": plots.bars(shares, "What the model looks at", "share of gain"),
        },
        tables={"importance.csv": "".join(f"{name},{share:.6f}\n" for name, share in shares.items())},
    )
