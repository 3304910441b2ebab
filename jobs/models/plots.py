"""The pictures logged with a model: how well it orders customers, whether its promises are true, what it looks at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score, roc_curve


def roc(label: np.ndarray, scores: Mapping[str, np.ndarray]) -> Figure:
    """ROC curve of the model and of everything it is compared with."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    for name, score in scores.items():
        wrong, right, _ = roc_curve(label, score)
        axes.plot(wrong, right, label=f"{name} (AUC {roc_auc_score(label, score):.3f})")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="chance")
    axes.set(
        xlabel="share flagged of those without the outcome",
        ylabel="share found of those with it",
        title="Held-out period",
    )
    axes.legend(loc="lower right")
    return figure


def calibration(label: np.ndarray, probability: np.ndarray) -> Figure:
    """Promised against seen share in ten equal groups, with the number of customers per group."""
    order = np.argsort(probability, kind="stable")
    groups = [part for part in np.array_split(order, 10) if len(part)]
    promised = [float(probability[part].mean()) for part in groups]
    seen = [float(label[part].mean()) for part in groups]
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfect")
    axes.plot(promised, seen, marker="o", label=f"{len(groups)} groups of {len(groups[0])} customers")
    axes.set(xlabel="promised probability", ylabel="share with the outcome", title="Calibration on the held-out period")
    axes.legend(loc="upper left")
    return figure


def bars(values: Mapping[str, float], title: str, unit: str) -> Figure:
    """One bar per name, largest on top."""
    ordered = sorted(values.items(), key=lambda item: item[1])
    figure = Figure(figsize=(8, max(3.0, 0.3 * len(ordered))), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in ordered], [value for _, value in ordered])
    axes.set(xlabel=unit, title=title)
    return figure


def told_and_seen(seen: np.ndarray, told: Mapping[str, np.ndarray]) -> Figure:
    """Told against seen mean in ten equal groups, of the model and of everything it is compared with."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    for name, values in told.items():
        order = np.argsort(values, kind="stable")
        groups = [part for part in np.array_split(order, 10) if len(part)]
        means = [[float(of[part].mean()) for part in groups] for of in (values, seen)]
        axes.plot(*means, marker="o", label=name)
    axes.axline((0, 0), slope=1, linestyle=":", color="grey", label="perfect")
    axes.set(xlabel="told, mean of a tenth of the customers", ylabel="seen", title="Held-out period")
    axes.legend(loc="upper left")
    return figure
