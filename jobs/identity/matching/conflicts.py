"""Facts about two records that speak against one person beyond their weight, and facts that rule it out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from jobs.identity.matching.levels import ANOTHER_NAME, NAME_SLOTS, SIBLING
from jobs.identity.matching.model import Model

HOME = ("address", "street", "postcode", "phone")
VOUCHING = {
    "birth_date": ("email", "phone", "national_id"),
    "national_id": ("email", "phone", "national_id"),
    "given": ("national_id",),
}
"""What says all the same that they are one, if it agrees: a household shares its mailbox, but not a passport."""

_NEARLY = (0, 1, 2)
"""Levels at which two numbers of documents are equal but for slips."""


def contradictions(pairs: pd.DataFrame, model: Model, kinds: Sequence[str]) -> pd.Series:
    """Pairs of which a fact of these kinds differs clearly, not as by a slip of the pen, and nothing vouches for them.

    Birth dates are often wrong. That they differ counts where the rest may agree because it is one home: a father and
    a son of one name.
    """
    differ = np.zeros(len(pairs), bool)
    slots = {comparison.slot: comparison.levels for comparison in model.comparisons}
    for kind in ("given" if kind == "given_name" else kind for kind in kinds):
        against = np.zeros(len(pairs), bool)
        for slot, levels in slots.items():
            if slot.startswith(kind):
                clear = [i for i, level in enumerate(levels) if level.label in (ANOTHER_NAME, SIBLING)]
                against |= pairs[slot].isin(clear or [len(levels) - 1]).to_numpy()
        if kind == "birth_date":
            against &= _one_home(pairs, slots)
        differ |= against & ~_agree(pairs, slots, VOUCHING[kind])
    return pd.Series(differ, index=pairs.index)


def other_names(pairs: pd.DataFrame, model: Model) -> pd.Series:
    """Pairs of two well-known first names that are not one name, of which no document says that they are one person.

    Brothers, sisters and couples share all else that is told: address, phone and mailbox, and twins a birth date.
    """
    slots = {comparison.slot: comparison.levels for comparison in model.comparisons}
    another = [i for i, level in enumerate(slots.get("given", ())) if level.label == ANOTHER_NAME]
    if not another:
        return pd.Series(False, index=pairs.index)
    documents = [slot for slot in slots if slot.startswith("national_id")]
    vouched = pairs[documents].isin(_NEARLY).any(axis=1)
    return pairs["given"].isin(another) & ~vouched


def _agree(pairs: pd.DataFrame, slots: Collection[str], kinds: tuple[str, ...]) -> np.ndarray:
    """Pairs that are equal in a slot of one of these kinds."""
    told = [slot for slot in slots if slot.startswith(kinds)]
    return (pairs[told] == 0).any(axis=1).to_numpy() if told else np.zeros(len(pairs), bool)


def _one_home(pairs: pd.DataFrame, slots: Collection[str]) -> np.ndarray:
    """Pairs that agree on where people live or what phone is there."""
    told = [slot for slot in slots if slot.startswith(HOME)]
    return pairs[told].isin((0, 1)).any(axis=1).to_numpy() if told else np.zeros(len(pairs), bool)


def names_only(pairs: pd.DataFrame, model: Model) -> pd.Series:
    """Pairs of which nothing but names can be compared, which many people share."""
    others = [c.slot for c in model.comparisons if c.slot not in NAME_SLOTS]
    return (pairs[others] < 0).all(axis=1)


def other_generation(generation: pd.Series | None, pairs: pd.DataFrame) -> pd.Series:
    """Pairs of a father and a son: Jr and Sr, II and III."""
    if generation is None:
        return pd.Series(False, index=pairs.index)
    left, right = (generation.to_numpy(object)[pairs[side].to_numpy(np.int64)] for side in ("l", "r"))
    return pd.Series(pd.notna(left) & pd.notna(right) & (left != right), index=pairs.index)
