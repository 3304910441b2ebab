"""What is looked at before a classifier is used, each with its interval where chance plays a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import norm, spearmanr

from jobs.config.models.limits import Limits
from jobs.models import gate, intervals
from jobs.models.classify import classifier
from jobs.models.gate import Check
from jobs.models.intervals import CONFIDENCE, Interval

MODEL, CHAMPION = "model", "champion"
LEAST = 50
"""Rows, and LEAST_FOUND rows with the outcome, from which a group of customers is compared with another."""
LEAST_FOUND = 20
LOOKED_AT = 50_000
"""Rows in which a feature that knows the answer is looked for."""
AGES = 4
"""Groups of equal size that a number, such as age, is divided in."""


@dataclass(frozen=True)
class Evidence:
    """What a challenger, the champion and the baselines did on the same held-out rows."""

    outcome: np.ndarray
    customers: np.ndarray
    scores: Mapping[str, np.ndarray]
    """MODEL, each baseline by its name in words, and CHAMPION if there is one."""

    probability: np.ndarray
    """What the model promises, made true by other customers."""

    features: pd.DataFrame
    halves: tuple[np.ndarray, np.ndarray]
    """Scores of two models, each learned from other customers."""

    coverage: float = 1.0
    attributes: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Columns whose groups must be found alike."""


def checks(seen: Evidence, minimum_auc: float, minimum_improvement: float, limits: Limits) -> list[Check]:
    """Every check of a classifier, in the order in which its reasons are told."""
    ours = intervals.auc(seen.outcome, seen.scores[MODEL], seen.customers)
    reached = {name: classifier.auc(seen.outcome, score) for name, score in seen.scores.items()}
    gains = {
        name: intervals.auc_gain(seen.outcome, seen.scores[MODEL], score, seen.customers)
        for name, score in seen.scores.items()
        if name != MODEL
    }
    baselines = {name: (reached[name], gain) for name, gain in gains.items() if name != CHAMPION}
    return [
        *suspicions(seen.features, seen.outcome, limits.suspicious_auc),
        gate.at_least("auc", "AUC", ours.value, minimum_auc),
        *gate.holds_against("AUC", ours.value, baselines),
        gate.beats_champion("AUC", ours.value, reached.get(CHAMPION), gains.get(CHAMPION), minimum_improvement),
        true_promises(seen.outcome, seen.probability, limits.maximum_calibration_error),
        gate.at_least(
            "stability",
            "rank correlation of scores learned from two halves of the customers",
            float(spearmanr(*seen.halves).statistic) if all(len(np.unique(one)) > 1 for one in seen.halves) else 0.0,
            limits.minimum_stability,
            "more history or fewer features would hold better",
        ),
        gate.at_least("coverage", "share of customers the model judges", seen.coverage, limits.minimum_coverage),
        *alike(seen.attributes, seen.outcome, seen.scores[MODEL], limits.minimum_fairness),
    ]


def suspicions(features: pd.DataFrame, outcome: np.ndarray, limit: float) -> list[Check]:
    """The feature that alone tells the outcome best, by its size or by being empty: one that knows the answer leaks."""
    some = np.random.default_rng(0).permutation(len(features))[:LOOKED_AT]
    alone = {name: _alone(features[name].iloc[some], outcome[some]) for name in features.columns}
    worst = max(alone, key=lambda name: (alone[name], name))
    passed = alone[worst] < limit
    told = (
        f"no feature alone knows the outcome (most: {worst}, AUC {alone[worst]:.4f}, below {limit:g})"
        if passed
        else f"feature {worst} alone reaches AUC {alone[worst]:.4f} (suspicious from {limit:g} on): it is the label, "
        "or is known only after the outcome; leave it out of `features`"
    )
    return [Check("best_feature_alone", passed, alone[worst], limit, told)]


def true_promises(outcome: np.ndarray, probability: np.ndarray, maximum: float) -> Check:
    """Whether promised and seen shares are alike, beyond what chance shows in so few customers."""
    error, by_chance = classifier.calibration_error(outcome, probability)
    beyond = max(0.0, error - by_chance)
    passed = beyond <= maximum
    told = (
        f"promised {probability.mean():.4f}, seen {outcome.mean():.4f}: calibration error {error:.4f}, of which chance "
        f"explains {by_chance:.4f}, {'within' if passed else 'over'} the limit {maximum:g}"
    )
    return Check("calibration_error_beyond_chance", passed, beyond, maximum, told)


def alike(attributes: pd.DataFrame, outcome: np.ndarray, score: np.ndarray, minimum: float) -> list[Check]:
    """Per attribute: of those with the outcome, the share found in the group found least against the one found most.

    As many are called found as have the outcome. A difference that the groups' sizes can explain is none.
    """
    checks = []
    for name in attributes.columns:
        table = found_by_group(attributes[name], outcome, score)
        if len(table) < 2:
            told = f"{name}: fewer than two groups are large enough to compare"
            checks.append(Check(f"fairness_{name}", True, 1.0, minimum, told))
            continue
        least, most = table.loc[table["found"].idxmin()], table.loc[table["found"].idxmax()]
        ratio = _ratio(least, most)
        passed = ratio.high >= minimum
        told = (
            f"{name}: of customers with the outcome, {least['found']:.1%} of {least['group']} are found and "
            f"{most['found']:.1%} of {most['group']}, a ratio of {ratio}; "
            f"{'within' if passed else 'beyond the noise below'} the limit {minimum:g}"
        )
        checks.append(Check(f"fairness_{name}", passed, ratio.value, minimum, told, ratio))
    return checks


def found_by_group(attribute: pd.Series, outcome: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    """Per group of an attribute: rows, those with_outcome, the share of these that is found, and the share flagged."""
    threshold = np.quantile(score, 1 - outcome.mean())
    rows = pd.DataFrame({"group": _groups(attribute), "outcome": outcome, "flagged": score >= threshold})
    table = rows.groupby("group").agg(rows=("outcome", "size"), with_outcome=("outcome", "sum"))
    table["found"] = rows[rows["outcome"] == 1].groupby("group")["flagged"].mean()
    table["flagged"] = rows.groupby("group")["flagged"].mean()
    large = (table["rows"] >= LEAST) & (table["with_outcome"] >= LEAST_FOUND)
    return table[large].reset_index()


def _ratio(least: pd.Series, most: pd.Series) -> Interval:
    """Ratio of two shares with its interval, half a customer added so that none is zero."""
    shares = [(one["found"] * one["with_outcome"] + 0.5) / (one["with_outcome"] + 1) for one in (least, most)]
    sizes = [one["with_outcome"] for one in (least, most)]
    error = np.sqrt(sum((1 - share) / (share * size) for share, size in zip(shares, sizes, strict=True)))
    reach = np.exp(norm.ppf((1 + CONFIDENCE) / 2) * error)
    ratio = shares[0] / shares[1]
    return Interval(float(ratio), float(ratio / reach), float(ratio * reach))


def _groups(attribute: pd.Series) -> pd.Series:
    if not pd.api.types.is_numeric_dtype(attribute) or attribute.nunique() <= 2 * AGES:
        return attribute.astype(object).where(attribute.notna(), "unknown").astype(str)
    edges = np.unique(attribute.quantile(np.linspace(0, 1, AGES + 1)))
    return pd.cut(attribute, edges, include_lowest=True).astype(str).replace("nan", "unknown")


def _alone(values: pd.Series, outcome: np.ndarray) -> float:
    """How well one feature tells the outcome, whichever way round; empty values first, or last, or alone."""
    if not pd.api.types.is_numeric_dtype(values):
        shares = pd.Series(outcome, index=values.index).groupby(values.astype(str)).transform("mean")
        seen = values.astype(str).map(values.astype(str).value_counts()) >= LEAST_FOUND
        shares = shares.where(seen, float(np.mean(outcome)))  # a value of one customer tells that customer's outcome
        return classifier.auc(outcome, shares.to_numpy())
    number = values.to_numpy(dtype=float)
    empty = np.isnan(number)
    spread = np.nanmax(np.abs(number)) + 1 if not empty.all() else 1.0
    forms = [np.where(empty, -spread, number)]
    if empty.any():
        forms += [np.where(empty, spread, number), empty.astype(float)]
    reached = [classifier.auc(outcome, one) for one in forms]
    return max(max(one, 1 - one) for one in reached)
