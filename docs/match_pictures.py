"""Draw the pictures of the guide to who is who from a made-up population: `python -m docs.match_pictures`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jobs.config.identity import Matching
from jobs.identity.components import components
from jobs.identity.matching.link_records import Linked, link_records
from jobs.models import matching_card
from tests.identity.matching import people

IMAGES = Path(__file__).resolve().parent / "images"
SHOWN = ("given", "family", "birth_date", "email", "phone", "postcode", "city")
COLOURS = {"crm": "#3b6ea5", "shop": "#d99a2b", "survey": "#7a5aa6", "chat": "#4f9d8a"}
LARGEST = 6


def main() -> None:
    """One population in four systems that know different things about it, linked with default settings."""
    systems = {name: rows.drop(columns="person") for name, rows in people.four_systems(5, 800).items()}
    linked = link_records(systems)
    IMAGES.mkdir(exist_ok=True)
    matching_card.figure(linked.model, SHOWN).savefig(IMAGES / "match-weights.png", dpi=110)
    largest_clusters(linked).savefig(IMAGES / "largest-clusters.png", dpi=110)


def largest_clusters(linked: Linked) -> Figure:
    """The clusters with most records, and those beside them that were likely to be the same but kept apart."""
    place = pd.Series(np.arange(len(linked.records)), index=linked.records["record"])
    ends = linked.cut[["left", "right"]].apply(lambda side: side.map(place).to_numpy())
    group = linked.records["group"].map(place).to_numpy()
    left, right = (np.concatenate([group, ends[side].to_numpy(np.int64)]) for side in ("left", "right"))
    left[: len(group)] = np.arange(len(group))
    records = linked.records.assign(near=components(len(group), left, right))
    size = records.groupby(["near", "group"]).size().groupby("near").max()
    chosen = size.sort_values(ascending=False, kind="stable").index[:LARGEST]
    drawn = Figure(figsize=(10, 6.8), layout="constrained")
    for axes, near in zip(drawn.subplots(2, 3).flat, chosen, strict=True):
        _draw(axes, records[records["near"] == near], linked)
    keys = [Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in COLOURS.items()]
    keys += [
        Line2D([], [], color="grey", linewidth=2.5, label="speaks for one person"),
        Line2D([], [], color=matching_card.AGAINST, linestyle=":", label="speaks against"),
        Line2D([], [], color=matching_card.AGAINST, linewidth=1.6, linestyle="--", label="likely, but kept apart"),
    ]
    drawn.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, fontsize=9)
    return drawn


def _draw(axes: Axes, some: pd.DataFrame, linked: Linked) -> None:
    some = some.assign(size=some.groupby("group")["record"].transform("size")).sort_values(
        ["size", "group", "record"], ascending=[False, True, True]
    )
    angle = 2 * np.pi * np.arange(len(some)) / len(some)
    spot = dict(zip(some["record"], np.column_stack([np.cos(angle), np.sin(angle)]), strict=True))
    group = some.set_index("record")["group"]
    cut = set(zip(linked.cut["left"], linked.cut["right"], strict=True))
    inside = linked.pairs[linked.pairs["left"].isin(group.index) & linked.pairs["right"].isin(group.index)]
    for pair in inside.itertuples(index=False):
        style = _style(pair.weight, group[pair.left] == group[pair.right], (pair.left, pair.right) in cut)
        if style:
            axes.plot(*np.array([spot[pair.left], spot[pair.right]]).T, zorder=1, **style)
    for record, (x, y) in spot.items():
        colour = COLOURS[some.set_index("record").at[record, "source"]]
        axes.scatter(x, y, s=170, color=colour, edgecolor="white", zorder=2)
        axes.annotate(record, (x * 1.36, y * 1.2), ha="center", va="center", fontsize=7)
    sizes = some["group"].value_counts(sort=True)
    others = f"; clusters beside it: {len(sizes) - 1}" if len(sizes) > 1 else ""
    axes.set_title(f"{sizes.iloc[0]} records{others}", fontsize=10)
    axes.set(xlim=(-1.8, 1.8), ylim=(-1.4, 1.4), aspect="equal")
    axes.axis("off")


def _style(weight: float, together: bool, cut: bool) -> dict[str, object] | None:
    """How the line of a pair looks; None for unlikely pairs of two clusters."""
    if cut:
        return {"color": matching_card.AGAINST, "linewidth": 1.6, "linestyle": "--"}
    if not together:
        return None
    if weight < Matching().weight:
        return {"color": matching_card.AGAINST, "linewidth": 1.0, "linestyle": ":"}
    return {"color": "grey", "linewidth": float(np.clip(weight / 8, 0.4, 3.5))}


if __name__ == "__main__":
    main()
