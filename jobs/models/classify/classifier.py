"""A yes/no classifier for any table of numbers and categories: fitting, metrics, baselines, and reasons in words.

Deterministic: the same rows in the same order give the same model, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold

from jobs.errors import NotTrainable
from jobs.models.classify.chances import calibrated, log_odds, prepared, texts

DEFAULTS: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.03,
    "num_leaves": 8,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    # categories of few customers say little
    "cat_smooth": 30.0,
    "cat_l2": 20.0,
    # the rest makes runs repeatable: sums depend on how rows are split over threads, so there is one
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
MAX_ROUNDS = 5000
"""Never reached where there is anything to stop for: early stopping decides how many trees there are."""
PATIENCE = 50
FOLDS = 4
HALF = 50_000
"""Rows at most from which either of two models is learned that are to agree."""
MINIMUM_PER_CLASS = 10
MINIMUM_OF_CATEGORY = 5
MANY = 200_000
"""Rows from which on one tenth kept aside says how many trees there are, and nothing is learned twice."""
ASIDE = 10


@dataclass(frozen=True)
class Aside:
    """Rows kept aside, by their places, those learned from without them, and what was then said of them (log odds)."""

    learned: np.ndarray
    held: np.ndarray
    odds: np.ndarray


@dataclass(frozen=True)
class Grown:
    """Trees, and what trees that knew nothing of them said of rows kept aside."""

    booster: lgb.Booster
    aside: list[Aside]


def fit(
    frame: pd.DataFrame,
    label: np.ndarray,
    groups: np.ndarray,
    seed: int,
    parameters: Mapping[str, Any] | None = None,
) -> lgb.Booster:
    """Gradient-boosted trees; their number is found by cross-validation that keeps each of `groups` in one fold.

    Columns of texts are categories. Empty values are a value of their own. Raises
    NotTrainable, saying what is missing, if there is nothing to learn.
    """
    return grown(frame, label, groups, seed, parameters).booster


def grown(
    frame: pd.DataFrame,
    label: np.ndarray,
    groups: np.ndarray,
    seed: int,
    parameters: Mapping[str, Any] | None = None,
) -> Grown:
    """As `fit`, with what was said of rows kept aside. Of MANY rows one tenth is, and the trees are those that stopped
    where it was told best: a fold more or less changes nothing there, and costs as much as all the rest."""
    check_trainable(frame, label)
    frame = prepared(shared(frame))
    settings = {**DEFAULTS, "seed": seed, **(parameters or {})}
    data = lgb.Dataset(frame, label, free_raw_data=False)
    folds = GroupKFold(n_splits=FOLDS if len(frame) < MANY else ASIDE).split(
        frame, label, groups=pd.factorize(groups)[0]
    )
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    others: list[lgb.Booster]
    if len(frame) < MANY:
        parts = list(folds)
        asked: dict[str, Any] = {"folds": parts, "callbacks": [stop], "return_cvbooster": True}
        found: Any = lgb.cv(settings, data, MAX_ROUNDS, **asked)["cvbooster"]
        booster, others = lgb.train(settings, lgb.Dataset(frame, label), found.best_iteration), found.boosters
    else:
        parts = [next(folds)]
        learn, held = (data.subset(np.sort(rows).tolist()) for rows in parts[0])
        best = lgb.train(settings, learn, MAX_ROUNDS, valid_sets=[held], callbacks=[stop])
        booster = lgb.Booster(model_str=best.model_to_string(num_iteration=best.best_iteration))
        others = [booster]
    aside = [
        Aside(learned, kept, log_odds(predict(one, frame.iloc[kept])))
        for one, (learned, kept) in zip(others, parts, strict=True)
    ]
    return Grown(booster, aside)


def halves(rows: int, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are those of one half of the customers, and of the other; of HALF rows at most each."""
    keys, found = pd.factorize(groups)
    drawn = np.random.default_rng(seed).permutation(len(found))
    kept = (drawn < max(1, round(len(found) * min(1.0, 2 * HALF / rows))))[keys]
    return kept & (drawn[keys] % 2 == 0), kept & (drawn[keys] % 2 == 1)


def of_rounds(
    frame: pd.DataFrame, label: np.ndarray, seed: int, rounds: int, parameters: Mapping[str, Any] | None = None
) -> lgb.Booster:
    """As many trees as are asked for."""
    settings = {**DEFAULTS, "seed": seed, **(parameters or {})}
    return lgb.train(settings, lgb.Dataset(prepared(frame), label), rounds)


def shared(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the categories of a few rows: they teach nothing, and a model keeps the names of those it knows."""
    few = {name: frame[name].map(frame[name].value_counts()) < MINIMUM_OF_CATEGORY for name in texts(frame)}
    return frame.assign(**{name: frame[name].mask(rare, None) for name, rare in few.items()})


def check_trainable(frame: pd.DataFrame, label: np.ndarray, purpose: str = "to learn from") -> None:
    """Raises NotTrainable with what is wrong, what to do and until when it waits; the rows are there for `purpose`."""
    yes, no = int(np.sum(label == 1)), int(np.sum(label == 0))
    if yes + no != len(label):
        raise NotTrainable("the label has values other than 0 and 1; fill or leave out rows without an outcome")
    if min(yes, no) < MINIMUM_PER_CLASS:
        raise NotTrainable(
            f"of the rows {purpose}, {yes} rows have the outcome and {no} have not; at least {MINIMUM_PER_CLASS} of "
            "each are needed: load more history or change how the outcome is defined. Until then each day tries again"
        )
    numbers = frame.drop(columns=texts(frame))
    infinite = np.isinf(numbers.to_numpy(dtype=float))
    if infinite.any():
        wrong = [name for name, bad in zip(numbers.columns, infinite.any(axis=0), strict=True) if bad]
        raise NotTrainable(f"features {', '.join(wrong)} are infinite in some rows; a ratio divides by zero")
    if not varying(frame):
        raise NotTrainable("every feature is constant or empty; there is nothing to learn from")


def varying(frame: pd.DataFrame) -> list[str]:
    """Names of the columns that have at least two different values."""
    return [name for name in frame.columns if frame[name].nunique(dropna=True) > 1]


def predict(model: lgb.Booster, frame: pd.DataFrame) -> np.ndarray:
    """Probability of the outcome per row, from the columns the model was trained on."""
    return np.asarray(model.predict(prepared(frame[model.feature_name()]), num_threads=DEFAULTS["num_threads"]))


def by_one_feature(learned: pd.Series, label: np.ndarray, judged: pd.Series) -> np.ndarray:
    """The rule without a model: customers in the order of one number, the way round that suits those learned from.

    Who has no such number stands where the outcome came more often, or less often, than with all others.
    """
    empty = learned.isna().to_numpy()
    if empty.all():
        return np.zeros(len(judged))
    number = learned.to_numpy(dtype=float)
    sides = label[~empty].min() < label[~empty].max()
    way = -1.0 if sides and auc(label[~empty], number[~empty]) < 0.5 else 1.0
    values = way * judged.to_numpy(dtype=float)
    first = empty.any() and label[empty].mean() > label[~empty].mean()
    edge = np.nanmax(np.append(values, 0.0)) + 1 if first else np.nanmin(np.append(values, 0.0)) - 1
    return np.where(np.isnan(values), edge, values)


def metrics(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """How well probabilities order customers (auc, lift) and how true they are (log loss, Brier, calibration error).

    `lift_top_decile` is the share of outcomes in the 10 % with the highest probability against the share in all.
    `calibration_error` is the mean distance of promised and seen share over ten equal groups.
    """
    return {
        "auc": auc(label, probability),
        "average_precision": float(average_precision_score(label, probability)),
        "log_loss": float(log_loss(label, np.clip(probability, 1e-6, 1 - 1e-6))),
        "brier": float(brier_score_loss(label, probability)),
        "lift_top_decile": lift(label, probability, 0.1),
        "calibration_error": calibration_error(label, probability)[0],
        "promised_share": float(np.mean(probability)),
        "outcome_share": float(np.mean(label)),
    }


def shared_by_ties(label: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The outcome of each row as the mean of all rows with its score: which of them comes first must not matter."""
    _, same = np.unique(score, return_inverse=True)
    return (np.bincount(same, weights=np.asarray(label, dtype=float)) / np.bincount(same))[same]


def lift(label: np.ndarray, score: np.ndarray, share: float) -> float:
    """How many times as many outcomes the `share` of rows with the highest scores holds, as any rows would."""
    order = np.argsort(-np.asarray(score), kind="stable")[: max(1, int(len(label) * share))]
    return float(shared_by_ties(label, score)[order].mean() / np.mean(label))


def calibration_error(label: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """Mean distance of promised and seen share over ten equal groups, and what true promises would show by chance."""
    seen, order = shared_by_ties(label, probability), np.argsort(-probability, kind="stable")
    groups = [part for part in np.array_split(order, 10) if len(part)]
    promised = np.array([probability[part].mean() for part in groups])
    sizes = np.array([len(part) for part in groups])
    errors = np.abs(promised - np.array([seen[part].mean() for part in groups]))
    by_chance = np.sqrt(2 / np.pi * promised * (1 - promised) / sizes)
    return float((errors * sizes).sum() / sizes.sum()), float((by_chance * sizes).sum() / sizes.sum())


def calibration(label: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """Slope and intercept that make promises true (Platt scaling of the log odds); see `chances.calibrated`.

    Nothing is changed where the outcome does not rise with what was promised: that is for the gate to say.
    """
    odds = log_odds(probability).reshape(-1, 1)
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(odds, label)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (round(slope, 6), round(intercept, 6)) if slope > 0 else (1.0, 0.0)


def calibrated_by_others(label: np.ndarray, probability: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Probabilities, each made true by customers other than its own: what an honest judgement may look at."""
    found = np.array(probability, dtype=float)
    folds = GroupKFold(n_splits=FOLDS).split(found, label, groups=pd.factorize(groups)[0])
    for others, mine in folds:
        if len(np.unique(label[others])) == 2:
            found[mine] = calibrated(found[mine], *calibration(label[others], probability[others]))
    return found


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Chance that a random row with the outcome scores higher than a random row without it."""
    return float(roc_auc_score(label, score))


def importance(model: lgb.Booster) -> dict[str, float]:
    """Share of the total gain each feature brought, largest first; adds up to 1."""
    gains = model.feature_importance(importance_type="gain")
    total = gains.sum() or 1.0
    shares = {name: float(gain / total) for name, gain in zip(model.feature_name(), gains, strict=True)}
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def contributions(model: lgb.Booster, frame: pd.DataFrame, stages: int = 1) -> np.ndarray:
    """What each feature adds to the log odds of each row: exact Shapley values of the trees, by row and feature.

    Of a model that tells several `stages` apart, by row, stage and feature.
    """
    inputs = prepared(frame[model.feature_name()])
    found = np.asarray(model.predict(inputs, pred_contrib=True, num_threads=DEFAULTS["num_threads"]))
    if stages > 1:
        return found.reshape(len(frame), stages, -1)[:, :, :-1]
    return found[:, :-1]


def in_words(
    names: Sequence[str], frame: pd.DataFrame, parts: np.ndarray, words: Mapping[str, str], outcome: str, top: int = 3
) -> list[list[str]]:
    """Per row the features with the largest of `parts`, what each of `names` contributes, as sentences, the strongest
    first; `outcome` is what is scored."""
    strongest = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :top]
    values = frame[list(names)].to_numpy(dtype=object)
    return [
        [_reason(words.get(names[i], names[i]), values[row, i], parts[row, i], outcome) for i in strongest[row]]
        for row in range(len(frame))
    ]


def _reason(words: str, value: Any, contribution: float, outcome: str) -> str:
    shown = "none" if pd.isna(value) else value if isinstance(value, str) else f"{round(float(value), 2):g}"
    return f"{words}: {shown} ({'raises' if contribution > 0 else 'lowers'} {outcome})"


def typical_row(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """One row of medians and of the most frequent categories: an input example that is nobody's data."""
    categories = texts(frame[list(columns)])
    row = {
        name: frame[name].value_counts().index[:1].tolist() or [""] if name in categories else [frame[name].median()]
        for name in columns
    }
    return pd.DataFrame(row).fillna(0.0)
