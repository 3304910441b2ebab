"""A yes or no about each customer, with its probability: trained, judged and scored. See `outcomes` for what from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import lightgbm as lgb
import numpy as np
import pandas as pd
import yaml

from jobs.config.models.classify import Classify
from jobs.config.settings import Settings
from jobs.config.traits import FEATURES
from jobs.lake.lake import Txn
from jobs.models import drift, gate, intervals, training
from jobs.models.classify import blend, classifier, classify_card, classify_gate, lapsed, line
from jobs.models.classify.beside import Beside
from jobs.models.classify.blend import Blend
from jobs.models.classify.chances import calibrated
from jobs.models.classify.classify_gate import CHAMPION, MODEL, Evidence
from jobs.models.classify.outcomes import LABEL, Split, about, is_active, split
from jobs.models.gate import Verdict
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry, Trained, Version

ANSWERS: tuple[str, ...] = ()
NOBODY = "nobody the model is about was there by that day"


@dataclass(frozen=True)
class Loaded:
    """A classifier read back from the registry, with what it remembers."""

    version: Version
    model: Blend
    among: str | None
    active_days: int | None
    active_within: str | None
    horizon_days: int
    beside: Beside
    calibration: tuple[float, float]
    reference: dict[str, dict[str, Any]]


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn, judge on a later period, register, and promote if better than the champion.

    The same day, data and configuration again change nothing. Too little history is no error: the decision is
    `waiting` and the reason says until when.
    """
    declared = _declared(name, settings)
    read, config = training.of_features([*settings.models.features, declared.label.about], declared, settings)
    txn = training.transaction(name, day, settings, read, config, __name__)
    return training.compared(
        name, day, settings, txn,
        lambda: split(txn, day, declared, settings),
        lambda rows: pd.concat([rows.learn, rows.judge, rows.beside]),
        load,
        lambda rows, champion: challenge(rows, declared, settings, champion, _today(txn, day)),
    )  # fmt: skip


def reads(name: str, settings: Settings) -> list[str]:
    """Nothing but the features."""
    return []


def _declared(name: str, settings: Settings) -> Classify:
    return cast(Classify, settings.learned[name])


def _today(txn: Txn, day: date) -> pd.DataFrame:
    """models/features of the day of training; without rows if traits were not computed for it."""
    return txn.arrow(FEATURES, day=day).to_pandas()


def challenge(
    rows: Split, declared: Classify, settings: Settings, champion: Loaded | None, today: pd.DataFrame | None = None
) -> tuple[Trained, Verdict]:
    """Fit a challenger and measure it, the champion and the baselines on the same held-out rows.

    `today` are the customers of the day of training: whoever comes to look otherwise than they drifted.
    """
    seed, baseline = settings.models.seed, declared.judged_by(settings.models)
    names = declared.learned_from(settings.models)
    learn, truth = rows.learn[names], rows.learn[LABEL].to_numpy()
    held, outcome = rows.judge[names], rows.judge[LABEL].to_numpy()
    people, learners = rows.judge["customer_id"].to_numpy(), rows.learn["customer_id"].to_numpy()
    classifier.check_trainable(learn, truth)
    classifier.check_trainable(held, outcome, "to judge on")
    model = blend.fit(learn, truth, learners, seed, declared.parameters)
    scores = {MODEL: model.predict(held)}
    if baseline:
        scores[baseline] = classifier.by_one_feature(rows.learn[baseline], truth, rows.judge[baseline])
    scores["logistic regression"] = line.probability(line.learn(classifier.shared(learn), truth, seed), held)
    if champion:
        scores[CHAMPION] = champion.model.predict(rows.judge)
    nil = np.zeros(len(outcome))
    halves = blend.fit_halves(learn, truth, learners, seed, model, declared.parameters)
    seen = Evidence(
        outcome=outcome,
        customers=people,
        scores=scores,
        probability=classifier.calibrated_by_others(outcome, scores[MODEL], people),
        features=held,
        halves=(halves[0].predict(held), halves[1].predict(held)) if halves else (nil, nil),
        coverage=(len(learn) + len(held)) / (len(learn) + len(held) + len(rows.beside)),
        attributes=rows.judge[declared.gate.fairness],
    )
    checks = classify_gate.checks(seen, declared.minimum_auc, declared.minimum_improvement, declared.gate)
    called = {"baseline": str(baseline), "logistic": "logistic regression", "champion": CHAMPION}
    reached = {key: intervals.auc(outcome, scores[name]).value for key, name in called.items() if name in scores}
    found = {
        **classifier.metrics(outcome, seen.probability),
        **gate.figures(checks),
        **{f"{key}_auc": value for key, value in reached.items()},
        "learned_rows": float(len(learn)),
        "judged_rows": float(len(held)),
        "trees": float(model.booster.num_trees()),
        "line_weight": model.weight,
    }
    judged = classify_card.Judged(model, classifier.calibration(outcome, scores[MODEL]), halves, seen, checks)
    days = (_days(rows.learn), _days(rows.judge))
    known = pd.concat([rows.learn, rows.judge, rows.beside])
    others = Beside.of(rows.beside, names, settings.models.recency, float(known[LABEL].mean()), seed)
    now = held if today is None or today.empty else _looked_at(about(today, declared.among), declared, settings)
    remembered = {
        "among": declared.among,
        "active_days": declared.active_days,
        "active_within": declared.active_within,
        "horizon_days": declared.label.horizon,
        "beside": others.to_dict(),
        "reference": drift.reference(now[names] if len(now) else held),
    }
    trained = classify_card.trained(judged, learn, days, declared, settings, found, remembered)
    return trained, gate.decide(checks)


def _looked_at(frame: pd.DataFrame, declared: Classify, settings: Settings) -> pd.DataFrame:
    return frame[is_active(frame, declared.active_days, declared.active_within, settings.models.recency)]


def _days(rows: pd.DataFrame) -> str:
    return " ".join(sorted({str(day) for day in rows["day"]}))


def score(asked: Asked) -> Scored:
    """Probability of the outcome of everybody the model tells something of, and what that rests on: the model, or, of
    who has been away for longer than it looks at, a line or a rule learned from others like them."""
    declared, settings, recency = _declared(asked.name, asked.settings), asked.settings, asked.settings.models.recency
    known = load(asked.registry, asked.version)
    people = about(asked.features, known.among)
    if people.empty:
        return Scored(pd.DataFrame(columns=ROWS), people, known.reference, {}, why_nobody=NOBODY)
    seen = is_active(people, known.active_days, known.active_within, recency)
    frame, others = people[seen].reset_index(drop=True), people[~seen].reset_index(drop=True)
    words, parts = training.meanings(settings), []
    if len(frame):
        rows = pd.DataFrame({"customer_id": frame["customer_id"], "basis": lapsed.MODEL})
        rows["score"] = calibrated(known.model.predict(frame), *known.calibration)
        rows["reasons"] = classifier.in_words(
            known.model.names, frame, known.model.contributions(frame), words, declared.outcome
        )
        parts.append(rows)
    if len(others):
        parts.append(known.beside.score(others, recency, words, declared.outcome))
    rows = pd.concat(parts, ignore_index=True)
    rows["score"] = rows["score"].astype(float).round(6)
    rows["label"] = band(rows["score"].to_numpy(), declared.bands)
    return Scored(rows, frame, known.reference, known.model.importance())


def band(scores: np.ndarray, bands: dict[str, float]) -> list[str]:
    """The label of the highest threshold each score reaches."""
    ordered = sorted(bands.items(), key=lambda item: -item[1])
    return [next(label for label, threshold in ordered if score >= threshold) for score in scores]


def load(registry: Registry, version: Version) -> Loaded:
    """A registered version, from its checked files."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    trees = next(data for name, data in files.items() if name.endswith(classify_card.MODEL_FILE))
    told = next((data for name, data in files.items() if name.endswith(classify_card.NUMBERS_FILE)), b"{}")
    model = Blend(lgb.Booster(model_str=trees.decode()), json.loads(told).get("line"))
    calibration = (metadata.get("slope", 1.0), metadata.get("intercept", 0.0))
    of_whom = metadata["among"], metadata["active_days"], metadata["active_within"], metadata["horizon_days"]
    others = Beside.from_dict(metadata["beside"])
    return Loaded(version, model, *of_whom, others, calibration, metadata["reference"])
