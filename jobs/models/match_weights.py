"""The picture of a matching model: how much each level of agreement speaks for or against one person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from jobs.identity.matching.model import Model

FOR, AGAINST = "#2a7f62", "#b5483a"
MEANING = "log2(m / u): each step of 1 doubles the odds that two records are one person; below 0 it halves them"


@dataclass(frozen=True)
class Weight:
    """One level of one comparison: `m` is its share among pairs of one person, `u` among pairs of two people."""

    slot: str
    level: str
    m: float
    u: float

    @property
    def weight(self) -> float:
        return math.log2(self.m / self.u)


def weights(model: Model) -> list[Weight]:
    """Every level of every comparison, best first. Holds no value of any record."""
    return [Weight(c.slot, level.label, level.m, level.u) for c in model.comparisons for level in c.levels]


def figure(model: Model, slots: Sequence[str] | None = None) -> Figure:
    """A bar per level, grouped by what is compared; of `slots` only, if given."""
    shown = [one for one in weights(model) if slots is None or one.slot in slots]
    drawn = Figure(figsize=(9, max(2.5, 0.24 * len(shown) + 1.2)), layout="constrained")
    axes = drawn.subplots()
    axes.barh(range(len(shown)), [w.weight for w in shown], color=[FOR if w.weight > 0 else AGAINST for w in shown])
    axes.set_yticks(range(len(shown)), [f"{one.slot}: {one.level}" for one in shown], fontsize=8)
    for place in range(1, len(shown)):
        if shown[place].slot != shown[place - 1].slot:
            axes.axhline(place - 0.5, color="lightgrey", linewidth=0.8)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    start = f"two records at random start at {math.log2(model.prior / (1 - model.prior)):.1f}" if model.prior else ""
    axes.set(xlabel="match weight (log2 of the odds)", title=f"Learned from {model.records:,} records; {start}")
    return drawn


def vega_lite(model: Model) -> dict[str, Any]:
    """The same as a Vega-Lite chart with the probabilities as tooltips, as any notebook or MLflow can show it."""
    import altair as alt

    rows = [
        {"slot": w.slot, "level": w.level, "m": w.m, "u": w.u, "weight": w.weight, "place": place}
        for place, w in enumerate(weights(model))
    ]
    chart = alt.Chart(alt.Data(values=rows)).mark_bar()
    encoded = chart.encode(
        x=alt.X("weight:Q", title="match weight (log2 of the odds)"),
        y=alt.Y("level:N", title=None, sort=alt.EncodingSortField("place")),
        row=alt.Row("slot:N", title=None, header=alt.Header(labelAngle=0, labelAlign="left")),
        color=alt.condition("datum.weight > 0", alt.value(FOR), alt.value(AGAINST)),
        tooltip=["slot:N", "level:N", "m:Q", "u:Q", "weight:Q"],
    )
    told: dict[str, Any] = encoded.properties(title=MEANING).resolve_scale(y="independent").to_dict()
    return told
