"""Pictures of a classifier for whoever decides about it: how many it finds, at what price, and what it looks at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, precision_recall_curve

from jobs.models import intervals
from jobs.models.classify.classifier import shared_by_ties

SHARES = np.linspace(0.05, 1, 20)
DRAWS = 100


def precision_recall(label: np.ndarray, scores: Mapping[str, np.ndarray]) -> Figure:
    """Of those pointed out, the share with the outcome, against the share of all with the outcome that is found."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    for name, score in scores.items():
        precision, recall, _ = precision_recall_curve(label, score)
        axes.plot(recall, precision, label=f"{name} (average {average_precision_score(label, score):.3f})")
    axes.axhline(np.mean(label), linestyle=":", color="grey", label="chance")
    axes.set(xlabel="share of outcomes found", ylabel="share of those pointed out that have it", title="Held-out rows")
    axes.legend(loc="upper right")
    return figure


def gains(label: np.ndarray, score: np.ndarray, customers: np.ndarray) -> pd.DataFrame:
    """Per share of customers approached, highest scores first: share of outcomes found and lift, each with interval.

    Columns: share, found, found_low, found_high, lift, lift_low, lift_high.
    """
    order = np.argsort(-score, kind="stable")
    seen, who = shared_by_ties(label, score)[order], customers[order]
    value = _found(seen, np.ones(len(seen)))
    drawn = np.array([_found(seen, often.astype(float)) for often in intervals.draws(len(seen), who, DRAWS)])
    rows = []
    for number, share in enumerate(SHARES):
        one = intervals.of_draws(value[number], drawn[:, number])
        parts = {"": one.value, "_low": one.low, "_high": one.high}
        row = {"share": round(float(share), 4)}
        row |= {f"found{side}": round(part, 6) for side, part in parts.items()}
        row |= {f"lift{side}": round(part / float(share), 6) for side, part in parts.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def _found(seen: np.ndarray, often: np.ndarray) -> np.ndarray:
    """Share of outcomes among the first rows, per share of SHARES; each row counts so often."""
    reached, found = np.cumsum(often) / often.sum(), np.cumsum(often * seen)
    return np.interp(SHARES, np.append(0, reached), np.append(0, found / max(found[-1], 1e-9)))


def gain(table: pd.DataFrame) -> Figure:
    """`gains` as two curves with their bands."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, name, chance in ((left, "found", table["share"]), (right, "lift", np.ones(len(table)))):
        axes.fill_between(table["share"], table[f"{name}_low"], table[f"{name}_high"], alpha=0.25, label="95 %")
        axes.plot(table["share"], table[name], label="model")
        axes.plot(table["share"], chance, linestyle=":", color="grey", label="chance")
        axes.set(xlabel="share of customers approached")
        axes.legend()
    left.set(ylabel="share of outcomes found", title="Gain")
    right.set(ylabel="times as many as by chance", title="Lift")
    return figure


def profit(table: pd.DataFrame) -> Figure:
    """What approaching everybody from each threshold on would have brought; see `classify_card.thresholds`."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot(table["threshold"], table["profit"])
    best = table.loc[table["profit"].idxmax()]
    axes.axvline(best["threshold"], linestyle=":", color="grey", label=f"most from {best['threshold']:g} on")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="approached from this probability on", ylabel="margin minus cost of contact", title="Cost curve")
    axes.legend()
    return figure


def contributions(table: pd.DataFrame) -> Figure:
    """How far each feature moves scores on average, and which way; see `classify_card.contributions`."""
    shown = table.head(15).iloc[::-1]
    figure = Figure(figsize=(8, max(3.0, 0.32 * len(shown))), layout="constrained")
    axes = figure.subplots()
    colours = ["#b5483a" if value > 0 else "#2a7f62" for value in shown["direction"]]
    axes.barh(shown["feature"], shown["contribution"], color=colours)
    axes.set(
        xlabel="mean contribution to the log odds; red: much of it raises the probability, green: lowers it",
        title="What moves the scores",
    )
    return figure
