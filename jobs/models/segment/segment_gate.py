"""What is looked at before segments are used, or used instead of those in use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from jobs.config.models.segment import Segment
from jobs.models import gate, intervals
from jobs.models.gate import Check
from jobs.models.segment import segments
from jobs.models.segment.segment_fit import Choice, beyond_chance, found_in_halves
from jobs.models.segment.segments import Segments

RENAMED = 0.02
"""Share of customers that may move when only names change."""


def checks(
    model: Segments,
    choices: Sequence[Choice],
    champion: Segments | None,
    frame: pd.DataFrame,
    held: np.ndarray,
    config: Segment,
    seed: int,
) -> list[Check]:
    """Whether the segments are apart, found again, no chance, and worth moving customers for.

    `held` marks customers of `frame` that the segments were not fitted on: there they and the champion are compared.
    """
    learned, later = frame[~held].reset_index(drop=True), frame[held].reset_index(drop=True)
    points, numbers = model.scaled(later), model.assign(later)[0]
    chosen = next(choice for choice in choices if choice.k == len(model.centres))
    beyond = beyond_chance(model, learned, seed)
    told = (
        f"segments are further apart than customers without groups would be, by a silhouette of {beyond}"
        if beyond.low >= config.minimum_separation
        else f"no groups: customers who are all alike would look as far apart (difference in silhouette {beyond}, "
        f"needed beyond its noise {config.minimum_separation:g})"
    )
    found = [
        gate.at_least(
            "silhouette", "silhouette", segments.silhouette(points, numbers, seed), config.minimum_silhouette
        ),
        Check(
            "separation_beyond_chance",
            beyond.low >= config.minimum_separation,
            beyond.value,
            config.minimum_separation,
            told,
            beyond,
        ),
        gate.at_least(
            "stability",
            "stability (adjusted Rand index of segments found in customers drawn again)",
            chosen.stability,
            config.minimum_stability,
            "fewer segments, or features that say more, would hold better",
        ),
        gate.at_least(
            "retrain_agreement",
            "agreement of segments found in one half of customers and in the other",
            found_in_halves(model, learned, seed),
            config.minimum_retrain_agreement,
            "another training would put customers elsewhere",
        ),
    ]
    return found + (_against(champion, model, frame, points, numbers, later, config, seed) if champion else [])


def _against(
    champion: Segments,
    model: Segments,
    frame: pd.DataFrame,
    points: np.ndarray,
    numbers: np.ndarray,
    later: pd.DataFrame,
    config: Segment,
    seed: int,
) -> list[Check]:
    """Whether the gain is beyond its noise and worth the customers it moves; new names for the same segments are."""
    few = segments.sampled(len(points), seed)
    ours = segments.apartness(points[few], numbers[few])
    theirs = segments.apartness(points[few], champion.assign(later)[0][few])
    gain = intervals.mean(ours - theirs)
    before, after = champion.assign(frame)[0], model.assign(frame)[0]
    moves = segments.moved(before, after, len(champion.centres), len(model.centres))
    if moves <= RENAMED and champion.names != model.names:
        renamed = f"the same segments ({moves:.1%} of customers move) with names that hold now"
        return [Check("moved_share", True, moves, RENAMED, renamed)]
    compared = gate.beats_champion(
        "silhouette", float(ours.mean()), float(theirs.mean()), gain, config.minimum_improvement
    )
    needed = config.gain_per_move * moves
    worth = gain.value >= needed
    told = f"moves {moves:.1%} of customers for a gain in silhouette of {gain.value:.4f}; " + (
        f"worth it from {needed:.4f}" if worth else f"it is worth that from {needed:.4f} on"
    )
    return [compared, Check("gain_worth_the_moves", worth, gain.value, needed, told)]
