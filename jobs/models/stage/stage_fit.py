"""How likely each stage is later: trees, what they are compared with, and the checks before they are used.

Two baselines do without a model: the rules, by which a customer stays in the stage it is in, and the moves, which say
how often customers of a stage were in each stage later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from jobs.errors import NotTrainable
from jobs.models import gate, intervals
from jobs.models.classify import classifier
from jobs.models.classify.chances import prepared
from jobs.models.classify.classify_gate import true_promises
from jobs.models.gate import Check

DEFAULTS: dict[str, Any] = {
    **classifier.DEFAULTS,
    "objective": "multiclass",
    "metric": "multi_logloss",
    "learning_rate": 0.1,
}
MODEL, RULES, MOVES, CHAMPION = "model", "the rules", "the moves", "champion"
LEAST_CHANCE = 1e-6


@dataclass(frozen=True)
class Stages:
    """Trees that tell the probability of each of `names`."""

    booster: lgb.Booster
    names: tuple[str, ...]

    def chances(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per row of features, one column per stage; each row adds up to 1."""
        inputs = prepared(frame[self.booster.feature_name()])
        return pd.DataFrame(np.asarray(self.booster.predict(inputs, num_threads=1)), columns=list(self.names))


def fit(frame: pd.DataFrame, stage: pd.Series, groups: pd.Series, seed: int, parameters: Mapping[str, Any]) -> Stages:
    """Gradient-boosted trees; how many is found by cross-validation that keeps each customer in one fold.

    Stages of fewer than `MINIMUM_PER_CLASS` rows are not learned. Raises NotTrainable, saying what is missing.
    """
    counts = stage.value_counts()
    names = tuple(sorted(counts[counts >= classifier.MINIMUM_PER_CLASS].index))
    if len(names) < 2:
        seen = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        raise NotTrainable(
            f"of the rows to learn from, {seen or 'none'}; at least {classifier.MINIMUM_PER_CLASS} of each of two "
            "stages are needed: load more history. Until then each day tries again"
        )
    kept = stage.isin(names).to_numpy()
    frame, groups = prepared(classifier.shared(frame[kept])), groups[kept]
    label = stage[kept].map({name: number for number, name in enumerate(names)}).to_numpy()
    if not classifier.varying(frame):
        raise NotTrainable("every feature is constant or empty; there is nothing to learn from")
    asked = {**DEFAULTS, "num_class": len(names), "seed": seed, **parameters}
    folds = list(GroupKFold(n_splits=classifier.FOLDS).split(frame, label, groups=pd.factorize(groups)[0]))
    stop = lgb.early_stopping(classifier.PATIENCE, verbose=False)
    data = lgb.Dataset(frame, label, free_raw_data=False)
    history = lgb.cv(asked, data, classifier.MAX_ROUNDS, folds=folds, callbacks=[stop])
    rounds = len(np.asarray(history["valid multi_logloss-mean"]))
    return Stages(lgb.train(asked, lgb.Dataset(frame, label), rounds), names)


def stays(now: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    """What the rules say: everybody stays where it is; who has no stage yet may go anywhere."""
    return _filled(pd.DataFrame({name: (now == name).astype(float) for name in names}, index=now.index))


def moves(learned_now: pd.Series, learned_later: pd.Series, now: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    """What usually came after the stage a customer is in, of the rows learned from, half a customer added to each."""
    counts = pd.crosstab(learned_now.fillna(""), learned_later).reindex(columns=list(names), fill_value=0) + 0.5
    everybody = counts.sum() / counts.to_numpy().sum()
    shares = counts.div(counts.sum(axis=1), axis=0)
    found = shares.reindex(now.fillna("")).reset_index(drop=True)
    return found.fillna(everybody)


def told(chances: pd.DataFrame) -> np.ndarray:
    """The likeliest stage of each row; of equals the first by name."""
    return chances.columns.to_numpy()[chances.to_numpy().argmax(axis=1)]


def right(chances: pd.DataFrame, stage: pd.Series) -> np.ndarray:
    """1 where the likeliest stage is the one that came."""
    return np.asarray((told(chances) == stage.to_numpy()).astype(float))


def promised(chances: pd.DataFrame) -> np.ndarray:
    """The probability of the likeliest stage."""
    return np.asarray(chances.to_numpy().max(axis=1))


def surprise(chances: pd.DataFrame, stage: pd.Series) -> np.ndarray:
    """Minus the logarithm of the probability that was given to what came (log loss), per row."""
    columns = {name: number for number, name in enumerate(chances.columns)}
    place = stage.map(columns)
    given = np.zeros(len(stage))
    named = place.notna().to_numpy()
    given[named] = chances.to_numpy()[np.flatnonzero(named), place[named].astype(int)]
    return -np.log(np.clip(given, LEAST_CHANCE, 1.0))


def checks(
    given: Mapping[str, pd.DataFrame], stage: pd.Series, customers: pd.Series, minimum: float, calibration: float
) -> list[Check]:
    """Every check of a stage model, in the order in which its reasons are told.

    `given` are chances by MODEL, RULES, MOVES and, if there is one, CHAMPION, of the same rows. The rules must be
    beaten beyond noise: a model that is as good as they are is not worth explaining.
    """
    who = customers.to_numpy()
    hits = {name: right(chances, stage) for name, chances in given.items()}
    reached = {name: float(hit.mean()) for name, hit in hits.items()}
    gains = {name: intervals.mean(hits[MODEL] - hit, who) for name, hit in hits.items() if name != MODEL}
    lost = {name: surprise(given[name], stage) for name in (MODEL, MOVES)}
    better = intervals.mean(lost[MOVES] - lost[MODEL], who)
    gain = gains[RULES]
    beats = "beats" if gain.above_zero else "does not beat"
    told_of_rules = f"accuracy {reached[MODEL]:.4f} {beats} the rules ({reached[RULES]:.4f}, a difference of {gain})"
    holds = "is worse than" if better.below_zero else "holds against"
    told_of_moves = (
        f"log loss {lost[MODEL].mean():.4f} {holds} what usually follows a stage "
        f"({lost[MOVES].mean():.4f}, a difference of {better})"
    )
    return [
        Check("gain_over_the_rules", gain.above_zero, gain.value, 0.0, told_of_rules, gain),
        Check("gain_over_the_moves", not better.below_zero, better.value, 0.0, told_of_moves, better),
        gate.beats_champion("accuracy", reached[MODEL], reached.get(CHAMPION), gains.get(CHAMPION), minimum),
        true_promises(hits[MODEL], promised(given[MODEL]), calibration),
    ]


def confusion(chances: pd.DataFrame, stage: pd.Series) -> pd.DataFrame:
    """Customers by the stage that came and the stage that was told. Columns: came, told, rows."""
    table = pd.DataFrame({"came": stage.to_numpy(), "told": told(chances)})
    return table.groupby(["came", "told"]).size().rename("rows").reset_index()


def _filled(chances: pd.DataFrame) -> pd.DataFrame:
    """Rows that name no stage share 1 among all."""
    total = chances.sum(axis=1)
    return chances.where(total > 0, 1 / chances.shape[1]).reset_index(drop=True)
