"""The stage each customer will be in: trained, judged against the rules of stages on a later period, and scored."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import lightgbm as lgb
import numpy as np
import pandas as pd
import yaml

from jobs.config.models.stage import Stage
from jobs.config.settings import Settings
from jobs.errors import NotTrainable
from jobs.models import drift, gate, training
from jobs.models.classify import classifier
from jobs.models.gate import Verdict
from jobs.models.models import ROWS, Asked, Scored
from jobs.models.registry import Registry, Trained, Version
from jobs.models.stage import stage_card, stage_fit
from jobs.models.stage.stage_fit import CHAMPION, MODEL, MOVES, RULES, Stages
from jobs.models.stage.stage_rows import LATER, NOW, STAGES, Split, split

ANSWERS: tuple[str, ...] = ()


def train(name: str, day: date, settings: Settings) -> dict[str, Any]:
    """Learn, judge on a later period, register, and promote if better than the rules and the champion.

    The same day, data and configuration again change nothing. Too little history is no error: the decision is
    `waiting` and the reason says until when.
    """
    declared = _declared(name, settings)
    read, config = training.of_features(settings.models.features, declared, settings)
    read = [*read, STAGES]
    txn = training.transaction(name, day, settings, read, config, __name__)
    return training.compared(
        name, day, settings, txn,
        lambda: split(txn, day, declared, settings),
        lambda rows: pd.concat([rows.learn, rows.judge]),
        lambda registry, version: load(registry, version)[0],
        lambda rows, champion: challenge(rows, declared, settings, champion),
    )  # fmt: skip


def reads(name: str, settings: Settings) -> list[str]:
    """Nothing but the features."""
    return []


def _declared(name: str, settings: Settings) -> Stage:
    return cast(Stage, settings.learned[name])


def challenge(rows: Split, declared: Stage, settings: Settings, champion: Stages | None) -> tuple[Trained, Verdict]:
    """Fit a challenger and measure it, the champion, the rules and the moves on the same held-out rows."""
    learn, judge, names = rows.learn, rows.judge, declared.learned_from(settings.models)
    if judge.empty:
        raise NotTrainable("no customer of the days to judge on has a stage later; there is nothing to judge on")
    model = stage_fit.fit(learn[names], learn[LATER], learn["customer_id"], settings.models.seed, declared.parameters)
    known = sorted({*model.names, *learn[LATER]})
    given = {
        MODEL: model.chances(judge),
        RULES: stage_fit.stays(judge[NOW], known),
        MOVES: stage_fit.moves(learn[NOW], learn[LATER], judge[NOW], known),
    }
    if champion:
        given[CHAMPION] = champion.chances(judge)
    came = judge[LATER]
    checks = stage_fit.checks(
        given, came, judge["customer_id"], declared.minimum_improvement, declared.maximum_calibration_error
    )
    found = {
        "accuracy": float(stage_fit.right(given[MODEL], came).mean()),
        "log_loss": float(stage_fit.surprise(given[MODEL], came).mean()),
        "accuracy_of_the_rules": float(stage_fit.right(given[RULES], came).mean()),
        "accuracy_of_the_moves": float(stage_fit.right(given[MOVES], came).mean()),
        **gate.figures(checks),
        "learned_rows": float(len(learn)),
        "judged_rows": float(len(judge)),
        "trees": float(model.booster.num_trees()),
    }
    remembered = {"stages": list(model.names), "reference": drift.reference(judge[names])}
    days = (_days(learn), _days(judge))
    trained = stage_card.trained(model, learn[names], given, came, days, declared, settings, found, checks, remembered)
    return trained, gate.decide(checks)


def _days(rows: pd.DataFrame) -> str:
    return " ".join(sorted({str(day) for day in rows["day"]}))


def score(asked: Asked) -> Scored:
    """The likeliest stage of everybody (label), how likely it is (score), and what speaks for it."""
    frame, settings = asked.features, asked.settings
    model, reference = load(asked.registry, asked.version)
    if frame.empty:
        return Scored(pd.DataFrame(columns=ROWS), frame, reference, {}, why_nobody="no customer has features yet")
    chances = model.chances(frame)
    rows = pd.DataFrame({"customer_id": frame["customer_id"], "label": stage_fit.told(chances)})
    rows["score"] = stage_fit.promised(chances).round(6)
    rows["reasons"] = _reasons(model, frame, chances, training.meanings(settings))
    return Scored(rows[list(ROWS)], frame, reference, classifier.importance(model.booster))


def _reasons(model: Stages, frame: pd.DataFrame, chances: pd.DataFrame, words: Any) -> list[list[str]]:
    """The features that speak most for or against the stage that is told."""
    parts = classifier.contributions(model.booster, frame, stages=len(model.names))
    chosen = chances.to_numpy().argmax(axis=1)
    of_told = parts[np.arange(len(frame)), chosen]
    return classifier.in_words(model.booster.feature_name(), frame, of_told, words, "this stage")


def load(registry: Registry, version: Version) -> tuple[Stages, dict[str, dict[str, Any]]]:
    """A registered version, from its checked files, and the customers it knows (`drift.reference`)."""
    files = registry.files(version)
    metadata = yaml.safe_load(files["MLmodel"])["metadata"]
    trees = next(data for name, data in files.items() if name.endswith(stage_card.MODEL_FILE))
    return Stages(lgb.Booster(model_str=trees.decode()), tuple(metadata["stages"])), metadata["reference"]
